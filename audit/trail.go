package audit

import (
	"fmt"
	"strings"
	"time"
)

// Trail follows the events of a log in their order, takes each for once, and knows what the log can not tell. The zero value is ready.
type Trail struct {
	// Decisions are those that the events tell of, each as often as it was made; More are denials that no event names, MoreAccesses what
	// was allowed and no event names.
	Decisions, More, MoreAccesses uint64
	// FirstAccess is when the first thing was allowed that the log tells of; the zero time where it tells of none.
	FirstAccess time.Time
	// Unreadable events are none of this version.
	Unreadable int
	// DeletedTopics are the names of topics that the log tells the end of.
	DeletedTopics map[string]bool

	seen map[string]uint64
	// running is the log name of each node's run, stopped that of the one whose end the log tells of: what had been merged comes behind it.
	running, stopped map[string]string
	notes            []string
}

// Take reads the next event, and returns what it tells of decisions, nil for nothing. An event that came before is nothing.
func (t *Trail) Take(value []byte) *Decided {
	p, err := Read(value)
	if err != nil {
		t.Unreadable++
		return nil
	}
	if t.cameBefore(&p) {
		return nil
	}
	t.follow(&p)
	if m := p.Merged; m != nil {
		t.More, t.MoreAccesses = t.More+m.Denials, t.MoreAccesses+m.Accesses
	}
	if p.DeletedTopic != "" {
		t.deleted(p.DeletedTopic)
	}
	d := p.Decided
	if d == nil {
		return nil
	}
	if d.Allowed {
		t.MoreAccesses += d.More
	} else {
		t.More += d.More
	}
	for i := range d.Resources {
		r := &d.Resources[i]
		t.Decisions += r.Count
		if d.Allowed && (t.FirstAccess.IsZero() || r.First.Before(t.FirstAccess)) {
			t.FirstAccess = r.First
		}
	}
	return d
}

func (t *Trail) deleted(topic string) {
	if t.DeletedTopics == nil {
		t.DeletedTopics = map[string]bool{}
	}
	t.DeletedTopics[topic] = true
}

// cameBefore reports whether the log has the event again, after an append whose outcome was not known. Only a broker's own events tell of
// decisions; changes, whose numbers are not unique, need not be known.
func (t *Trail) cameBefore(p *Past) bool {
	if !strings.HasPrefix(p.LogName, nodeLog) {
		return false
	}
	if p.Sequence <= t.seen[p.LogName] {
		return true
	}
	if t.seen == nil {
		t.seen, t.running, t.stopped = map[string]uint64{}, map[string]string{}, map[string]string{}
	}
	t.seen[p.LogName] = p.Sequence
	return false
}

// follow notes what the log can not tell from here on, or up to here.
func (t *Trail) follow(p *Past) {
	node, _, of := strings.Cut(p.LogName, "/")
	if !of {
		return
	}
	at := p.Time.UTC().Format(time.RFC3339)
	if g := p.Gap; g != nil {
		t.note("from %s to %s %d events were not recorded: %s", g.From.UTC().Format(time.RFC3339), g.To.UTC().Format(time.RFC3339), g.count(), g.Cause)
	}
	before := t.running[node]
	if p.LogName != t.stopped[node] {
		t.running[node] = p.LogName
	}
	l := p.Lifecycle
	switch {
	case l == nil:
	case l.Stopping:
		delete(t.running, node)
		t.stopped[node] = p.LogName
	default:
		if before != "" {
			t.note("%s had not stopped before its start at %s: what was allowed since it was last written is not known", node, at)
		}
		if l.Accesses != AccessesSummary {
			t.note("%s does not record what is allowed since its start at %s (chronik.audit.access)", node, at)
		}
	}
}

func (t *Trail) note(format string, args ...any) {
	t.notes = append(t.notes, fmt.Sprintf(format, args...))
}

// Notes say what the log can not tell.
func (t *Trail) Notes() []string {
	notes := t.notes
	if t.FirstAccess.IsZero() {
		notes = append(notes, "the log tells of nothing that was allowed (chronik.audit.access)")
	}
	if t.More > 0 {
		notes = append(notes, fmt.Sprintf("%d denials have no event of their own: their requests, or their clients, had too many", t.More))
	}
	if t.MoreAccesses > 0 {
		notes = append(notes, fmt.Sprintf("%d times something was allowed of which the log has no name: their clients made too many events", t.MoreAccesses))
	}
	if t.Unreadable > 0 {
		notes = append(notes, fmt.Sprintf("%d events could not be read", t.Unreadable))
	}
	return notes
}
