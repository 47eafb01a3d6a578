package audit

import (
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"
)

// Lifecycle is the start or the stop of the broker (OCSF 6002). A start that follows a start was a crash.
type Lifecycle struct {
	// Stopping is false for a start.
	Stopping bool
	// Version is the broker's version.
	Version string
	// Approvals are the operations that take two persons, of a start.
	Approvals []string
	// Reason is why, in a few words.
	Reason string
	// Accesses is chronik.audit.access: whether this run records what was allowed. "" of a stop.
	Accesses string
}

var _ Event = Lifecycle{}

func (l Lifecycle) document(string) document {
	activity, name := activityStart, "Start"
	if l.Stopping {
		activity, name = activityStop, "Stop"
	}
	d := of(classLifecycle, activity, severityInformational)
	d.ActivityName, d.StatusID, d.StatusDetail = name, statusSuccess, clip(l.Reason)
	d.App = &productObject{Name: productName, Vendor: vendor, Version: clip(l.Version)}
	if l.Accesses != "" || len(l.Approvals) > 0 {
		d.Unmapped = &unmapped{Accesses: l.Accesses, Approvals: clip(strings.Join(l.Approvals, ","))}
	}
	return d
}

func (l Lifecycle) kind() string { return "lifecycle" }

func (l Lifecycle) provoked() bool { return false }

func (l Lifecycle) who() subject { return subject{} }

func (l Lifecycle) attrs() []slog.Attr {
	return []slog.Attr{slog.Bool("stopping", l.Stopping), slog.String("version", l.Version), slog.String("reason", clip(l.Reason)), slog.String("approval_required", strings.Join(l.Approvals, ","))}
}

// Gap says that events were not recorded (OCSF 6008). The recorder makes it by itself, when the log is back.
type Gap struct {
	// Lost counts the events by their kind.
	Lost map[string]uint64
	// From and To are the times of the first and the last of them.
	From, To time.Time
	// Cause is why.
	Cause string
}

var _ Event = Gap{}

func (g Gap) count() (n uint64) {
	for _, of := range g.Lost {
		n += of
	}
	return n
}

func (g Gap) document(string) document {
	d := of(classError, activityErrorGeneral, severityCritical)
	d.ActivityName, d.StatusID, d.StatusDetail = "General", statusFailure, clip(g.Cause)
	d.Message = "audit events were not recorded"
	d.Count, d.StartTime, d.EndTime = g.count(), g.From.UnixMilli(), g.To.UnixMilli()
	d.Unmapped = &unmapped{Lost: g.Lost}
	return d
}

func (g Gap) kind() string { return "gap" }

func (g Gap) provoked() bool { return false }

func (g Gap) who() subject { return subject{} }

func (g Gap) attrs() []slog.Attr {
	return []slog.Attr{slog.Uint64("lost", g.count()), slog.Time("from", g.From), slog.Time("to", g.To), slog.String("cause", clip(g.Cause))}
}

// firstKeys returns the keys of a state in order, no more than most.
func firstKeys(state map[string]string, most int) []string {
	keys := slices.Sorted(maps.Keys(state))
	return keys[:min(len(keys), most)]
}
