package audit

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"time"
)

// By what events were merged.
const (
	// mergedAlike: they differ in the connection, the request, the time and the name alone.
	mergedAlike = "alike"
	// mergedByClient: they are of one kind, outcome and client.
	mergedByClient = "client"
	// mergedStrangers: they are of one kind and outcome, by clients who had not logged in.
	mergedStrangers = "strangers"
	// mergedAll: they are of one kind and outcome, whoever provoked them.
	mergedAll = "all"
)

// merged is an event that stands for others, which were beyond the budget of a client.
type merged struct {
	// of is the kind of the events, by is what they have in common.
	of, by string
	// key is equal where events may be merged; "" where the event is too long to be kept.
	key string
	// doc is what they have in common.
	doc         document
	count       uint64
	first, last time.Time
	// names are some of what they were about: resources, or users that failed log-ins claimed.
	names     []Accessed
	nameBytes int
}

var _ Event = (*merged)(nil)

// mergedObject says that an event stands for others, in unmapped.
type mergedObject struct {
	Of string `json:"of"`
	By string `json:"by"`
	// Claimed are some of the users that failed log-ins claimed to be.
	Claimed []claimedObject `json:"claimed,omitempty"`
}

// claimedObject is a name that failed log-ins claimed, how often, and when first and last.
type claimedObject struct {
	Name string `json:"name"`
	accessObject
}

// alike makes of an event one that others can be merged with: without what tells it from others of its kind.
func alike(e Event, run string, at time.Time) (*merged, error) {
	m := &merged{of: e.kind(), by: mergedAlike, doc: e.document(run), count: 1, first: at, last: at}
	m.generalize()
	key, err := json.Marshal(&m.doc)
	if err == nil && len(key) > alikeBytes && m.shortenClientID() {
		key, err = json.Marshal(&m.doc)
	}
	if err != nil {
		return nil, fmt.Errorf("encode audit event to merge: %w", err)
	}
	if len(key) <= alikeBytes {
		m.key = string(key)
	}
	return m, nil
}

// shortenClientID cuts what the client calls itself, and reports whether that was long: nobody makes his events too long to be told of by a name
// that he chooses.
func (m *merged) shortenClientID() bool {
	a := m.doc.Actor
	if a == nil || len(a.AppName) <= mergedClientID {
		return false
	}
	a.AppName = cutTo(a.AppName, mergedClientID)
	return true
}

// generalize takes out of the document, and counts, what one event has for itself.
func (m *merged) generalize() {
	d := &m.doc
	if d.Count > 0 {
		m.count = d.Count
	}
	if d.StartTime > 0 {
		m.first, m.last = time.UnixMilli(d.StartTime), time.UnixMilli(d.EndTime)
	}
	for i := range d.Resources {
		r := &d.Resources[i]
		m.name(Accessed{Name: r.Name, Count: 1, First: m.first, Last: m.last}, r.Data)
	}
	if d.User != nil && d.User.TypeID == userClaimed {
		m.name(Accessed{Name: d.User.Name, Count: 1, First: m.first, Last: m.last}, nil)
		d.User = user(subject{}.principal)
	}
	if len(d.Resources) > 0 {
		d.Resources = []resource{{Type: d.Resources[0].Type}}
	}
	if d.API != nil {
		d.API.Request = nil
	}
	if d.Actor != nil {
		d.Actor.Session = nil
		if d.Actor.User == nil && d.Actor.AppName == "" {
			d.Actor = nil
		}
	}
	d.Session, d.Duration, d.Count, d.StartTime, d.EndTime, d.Metadata = nil, 0, 0, 0, 0, metadata{}
	m.mark()
}

// mark says in the document that it stands for many.
func (m *merged) mark() {
	if m.doc.Unmapped == nil {
		m.doc.Unmapped = &unmapped{}
	}
	m.doc.Unmapped.Merged = &mergedObject{Of: m.of, By: m.by}
}

// name keeps the name of what an event is about, where there is room; data, where there is some, has its count and times.
func (m *merged) name(a Accessed, data *accessObject) {
	if data != nil {
		a.Count, a.First, a.Last = data.Count, time.UnixMilli(data.First), time.UnixMilli(data.Last)
	}
	if i := slices.IndexFunc(m.names, func(b Accessed) bool { return b.Name == a.Name }); i >= 0 {
		n := &m.names[i]
		n.Count, n.First, n.Last = n.Count+a.Count, earlier(n.First, a.First), later(n.Last, a.Last)
		return
	}
	size := encodedMost(a.Name)
	if len(m.names) == mergedNames || m.nameBytes+size > mergedNameBytes {
		return
	}
	m.names, m.nameBytes = append(m.names, a), m.nameBytes+size
}

// encodedMost is the most that a text may take as JSON.
func encodedMost(s string) int {
	const escaped = 6
	n := 0
	for i := range len(s) {
		switch c := s[i]; {
		case c < ' ', c == '"', c == '\\', c == '<', c == '>', c == '&', c >= 0x7f:
			n += escaped
		default:
			n++
		}
	}
	return n
}

// absorb counts another event, or several.
func (m *merged) absorb(other *merged) {
	m.count += other.count
	m.first, m.last = earlier(m.first, other.first), later(m.last, other.last)
	if m.by != mergedAlike {
		return
	}
	for _, n := range other.names {
		m.name(n, nil)
	}
}

// coarser is the event with nothing left but its kind, its outcome and whose it was: nobody's for the zero subject.
func (m *merged) coarser(who subject) *merged {
	c := &merged{of: m.of, by: mergedByClient, doc: of(m.doc.ClassUID, m.doc.ActivityID, m.doc.SeverityID), count: m.count, first: m.first, last: m.last}
	d := &c.doc
	d.ActivityName, d.StatusID = m.doc.ActivityName, m.doc.StatusID
	whose := user(who.principal)
	if d.ClassUID == classAPIActivity {
		d.ActivityID, d.ActivityName, d.TypeUID = activityOther, "Other", classAPIActivity*100+activityOther
		d.Actor, d.API = &actorObject{User: whose}, &apiObject{Operation: unknownName}
	} else {
		d.User = whose
	}
	d.Service, d.Source = &nameObject{Name: serviceName}, who.source()
	switch who {
	case subject{}:
		c.by = mergedAll
	case subject{stranger: true}:
		c.by = mergedStrangers
	}
	c.key = fmt.Sprintf("%s, status %d", m.of, d.StatusID)
	c.mark()
	return c
}

func (m *merged) document(string) document {
	d := m.doc
	d.Count, d.StartTime, d.EndTime = m.count, m.first.UnixMilli(), m.last.UnixMilli()
	switch {
	case len(m.names) == 0:
	case len(d.Resources) == 0:
		marked := *d.Unmapped
		marked.Merged = m.claimed()
		d.Unmapped = &marked
	default:
		d.Resources = m.resources(d.Resources[0].Type)
	}
	return d
}

// resources are the names as those of resources.
func (m *merged) resources(kind string) (out []resource) {
	for i := range m.names {
		out = append(out, resource{Name: m.names[i].Name, Type: kind, Data: m.names[i].data()})
	}
	return out
}

// claimed are the names as those that log-ins claimed.
func (m *merged) claimed() *mergedObject {
	o := &mergedObject{Of: m.of, By: m.by}
	for i := range m.names {
		o.Claimed = append(o.Claimed, claimedObject{m.names[i].Name, *m.names[i].data()})
	}
	return o
}

func (m *merged) kind() string { return m.of }

func (m *merged) provoked() bool { return true }

// who is nobody: there are so few of these that they need no budget.
func (m *merged) who() subject { return subject{} }

func (m *merged) attrs() []slog.Attr {
	attrs := []slog.Attr{
		slog.String("merged", m.by), slog.Uint64("count", m.count), slog.Time("from", m.first), slog.Time("to", m.last), slog.Int("status", m.doc.StatusID),
	}
	whose := m.doc.User
	if m.doc.Actor != nil && m.doc.Actor.User != nil {
		whose = m.doc.Actor.User
	}
	if whose != nil && whose.TypeID == userProven {
		attrs = append(attrs, slog.String("principal", whose.UID))
	}
	if from := m.doc.Source; from != nil {
		attrs = append(attrs, slog.String("host", from.IP+from.Name))
	}
	names := make([]string, len(m.names))
	for i := range m.names {
		names[i] = m.names[i].Name
	}
	return append(attrs, slog.Any("names", names))
}
