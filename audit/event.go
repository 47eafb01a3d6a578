package audit

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"time"
)

// Event is one thing that is recorded: Authentication, Logoff, Lockout, Denial, Access, Change, Lifecycle or Gap. None of them has a
// field for a password, a key, a salt or a record's content.
type Event interface {
	// document is the event without what only the recorder knows.
	document(run string) document
	// kind names the event in log lines and in gaps.
	kind() string
	// provoked reports whether anybody can make such events at will.
	provoked() bool
	// who is whose budget the event counts against; the zero subject for events that are never merged.
	who() subject
	// attrs are the event's log line.
	attrs() []slog.Attr
}

// Entry is an event on its way into the log.
type Entry struct {
	// Key is unique: an entry that comes twice, after an append of unknown outcome, is the same event.
	Key []byte
	// Value is the event as JSON.
	Value []byte
	// Time is when the event happened.
	Time time.Time
}

func encode(d document, at time.Time, m metadata) ([]byte, error) {
	m.CorrelationUID = d.Metadata.CorrelationUID
	d.Time, d.Metadata = at.UnixMilli(), m
	value, err := json.Marshal(d)
	if err != nil {
		return nil, fmt.Errorf("encode audit event %s: %w", m.UID, err)
	}
	return value, nil
}
