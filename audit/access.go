package audit

import (
	"log/slog"
	"slices"
	"time"

	"github.com/chronik-stream/chronik/authz"
)

// AccessNames is how many resources one Access names at the most: an event of long names stays far below a batch.
const AccessNames = 100

// What the event of a start says of the record of accesses: chronik.audit.access.
const (
	AccessesNone    = "none"
	AccessesSummary = "summary"
)

// Access is what a session was allowed and has asked for in a time: one operation, by one rule, on resources of one type (OCSF 6003).
type Access struct {
	Client Client
	// API is the name of the requests, such as Produce, and Version the one that they have in their headers.
	API     string
	Version int16
	// Need is what was asked; the names of the resources are in Resources. Where Or has others, any of all of them was enough.
	Need authz.Need
	Or   []authz.Need
	// Decision is why it was allowed.
	Decision  authz.Decision
	Resources []Accessed
}

// Accessed is a resource, how often it was asked for, and when first and last.
type Accessed struct {
	Name        string
	Count       uint64
	First, Last time.Time
}

func (a *Accessed) data() *accessObject {
	return &accessObject{Count: a.Count, First: a.First.UnixMilli(), Last: a.Last.UnixMilli()}
}

var _ Event = Access{}

func (a Access) document(run string) document {
	d := decided(run, a.Client, requested(a.API, a.Version), a.Need, a.Or, a.Decision)
	first, last, count := a.span()
	d.Count, d.StartTime, d.EndTime = count, first.UnixMilli(), last.UnixMilli()
	for i := range a.Resources {
		r := &a.Resources[i]
		d.Resources = append(d.Resources, resource{
			Name: clip(r.Name), Type: a.Need.On.Type.String(),
			Data: r.data(),
		})
	}
	return d
}

// span is the time of all resources together, and how often they were asked for.
func (a Access) span() (first, last time.Time, count uint64) {
	for i := range a.Resources {
		r := &a.Resources[i]
		if count == 0 {
			first, last = r.First, r.Last
		}
		first, last = earlier(first, r.First), later(last, r.Last)
		count += r.Count
	}
	return first, last, count
}

func (a Access) kind() string { return "access" }

// provoked: who has a right to a prefix may use it on as many names as he likes.
func (a Access) provoked() bool { return true }

func (a Access) who() subject { return a.Client.subject() }

// level: as with Apache Kafka's authorizer, what was allowed is for the log of those who look for it.
func (a Access) level() slog.Level { return slog.LevelDebug }

func (a Access) attrs() []slog.Attr {
	names := make([]string, len(a.Resources))
	for i := range a.Resources {
		names[i] = clip(a.Resources[i].Name)
	}
	slices.Sort(names)
	_, _, count := a.span()
	attrs := []slog.Attr{
		slog.String("principal", clip(a.Client.Principal.String())), slog.String("host", clip(a.Client.Host)),
		slog.String("listener", a.Client.Listener), slog.String("api", clip(a.API)), slog.String("operation", a.Need.Op.String()),
		slog.String("resource_type", a.Need.On.Type.String()), slog.Any("resources", names), slog.Uint64("count", count),
		slog.String("reason", clip(a.Decision.Reason)),
	}
	if a.Decision.Rule != nil {
		attrs = append(attrs, slog.String("rule", RuleText(a.Decision.Rule)))
	}
	return attrs
}
