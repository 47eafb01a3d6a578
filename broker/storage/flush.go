package storage

import (
	"time"

	"github.com/chronik-stream/chronik/broker/journal"
)

// maxFlushCheckInterval is how often it is looked for logs to flush in any case: log.flush.scheduler.interval.ms, which is never
// by default, would leave flush.ms without effect.
const maxFlushCheckInterval = time.Second

// flushes counts a batch, and says whether it is one that flush.messages brings to disk before it is confirmed. The caller holds
// the lock.
func (l *Log) flushes(h *header) bool {
	if l.d.cfg.FlushPolicy == journal.FlushAcks {
		return false
	}
	if l.waiting == 0 {
		l.waitingSince = l.d.cfg.Clock()
	}
	l.waiting += int64(h.lastDelta) + 1
	if l.cfg.FlushMessages <= 0 || l.waiting < l.cfg.FlushMessages {
		return false
	}
	l.waiting = 0
	return true
}

// flushOld has the journal synced where a record has waited for longer than its flush.ms. One sync serves all logs.
func (d *Directory) flushOld(now time.Time) {
	if d.cfg.FlushPolicy == journal.FlushAcks {
		return
	}
	due := false
	for _, l := range d.logs() {
		l.mu.Lock()
		if l.waiting > 0 && l.cfg.FlushMs > 0 && now.Sub(l.waitingSince).Milliseconds() >= l.cfg.FlushMs {
			l.waiting, due = 0, true
		}
		l.mu.Unlock()
	}
	if due {
		d.journal.Flush()
	}
}
