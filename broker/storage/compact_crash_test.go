package storage

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/chronik-stream/chronik/broker/record"
	"github.com/chronik-stream/chronik/broker/vfs"
)

// compactLife drives a compacted log through lives that end in crashes.
type compactLife struct {
	compactWork
	t     *testing.T
	disk  *vfs.Memory
	d     *Directory
	c     *Cleaner
	clock testClock
	what  string
	dead  bool
	// confirmed is what surely is there; lost are the offsets of records that a truncation below the cleaned part has left without
	// the ones that superseded them.
	confirmed int64
	lost      map[int64]bool
	cuts      bool // the log was truncated
	minStart  int64
	maxStart  int64
}

func (m *compactLife) config() Config {
	cfg := compactConfig(m.disk)
	cfg.Clock = m.clock.now
	cfg.JournalFileBytes, cfg.CheckpointBytes = 64<<10, 100<<10
	cfg.ReferenceBytes = 1500 // some batches go round the journal
	cfg.DefaultLogConfig.SegmentBytes = 2500
	cfg.DefaultLogConfig.DeleteRetentionMs = 1000
	return cfg
}

// TestCompactionSurvivesCrashes cuts the power or kills the process at random points of random work, in the middle of rounds of
// compaction above all. The newest value of each key stays, nothing appears that was not written, nothing deleted or aborted comes
// back, and offsets stay as they were.
func TestCompactionSurvivesCrashes(t *testing.T) {
	t.Parallel()
	seeds := uint64(300)
	if testing.Short() || raceDetector {
		seeds = 60
	}
	for seed := range seeds {
		m := &compactLife{t: t, disk: vfs.NewMemory(nil), lost: map[int64]bool{}}
		m.compactWork = compactWork{r: rand.New(rand.NewPCG(seed, 5)), walker: record.NewWalker(), keys: 10}
		must(t, makeDir(m.disk, testDir))
		for life := range 6 {
			m.what = fmt.Sprintf("seed %d, life %d", seed, life)
			m.live()
		}
	}
}

func (m *compactLife) live() {
	d, err := Open(m.config())
	if err != nil {
		m.t.Fatalf("%s: %v", m.what, err)
	}
	m.d, m.dead, m.c = d, false, testCleaner(m.t, d, m.config().Clock)
	m.open()
	if m.r.IntN(4) > 0 {
		m.disk.CutPowerAfter(m.r.IntN(500))
	}
	for range m.r.IntN(150) {
		if m.d.Err() != nil || m.dead {
			break
		}
		m.step()
	}
	m.end()
}

// open takes the log over as the crash has left it, and checks it.
func (m *compactLife) open() {
	m.log = m.d.Log("topic", 0)
	if m.log == nil {
		if m.confirmed > 0 {
			m.t.Fatalf("%s: the log is gone, confirmed up to %d", m.what, m.confirmed)
		}
		m.history, m.minStart, m.maxStart = nil, 0, 0
		m.log = newLogIn(m.t, m.d)
		return
	}
	start, end := m.log.StartOffset(), m.log.EndOffset()
	if end < m.confirmed || start < m.minStart || start > m.maxStart {
		m.t.Fatalf("%s: the log is %d to %d; confirmed %d, start between %d and %d", m.what, start, end, m.confirmed, m.minStart, m.maxStart)
	}
	m.cut(end)
	m.check(m.t, m.what, m.lost)
	m.checkProducers()
	m.confirmed, m.minStart, m.maxStart = end, start, start
}

// checkProducers looks for the last sequence of each producer, and its open transaction. A truncation can take what made compaction
// remove the batches that would tell of these.
func (m *compactLife) checkProducers() {
	if m.cuts {
		return
	}
	for id, want := range m.producers() {
		if want.base < m.log.StartOffset() {
			continue
		}
		p := m.log.producers.byID[id]
		if p == nil || p.epoch != want.epoch {
			m.t.Fatalf("%s: producer %d is known as %+v, want epoch %d", m.what, id, p, want.epoch)
		}
		next := int32(0)
		if last := p.lastBatch(); last != nil {
			next = last.lastSequence + 1
		}
		if next != want.next {
			m.t.Fatalf("%s: producer %d is at sequence %d, not %d", m.what, id, next, want.next)
		}
		if (p.txnFirst >= 0) != want.open {
			m.t.Fatalf("%s: producer %d has an open transaction: %t, not %t", m.what, id, p.txnFirst >= 0, want.open)
		}
	}
}

func (m *compactLife) step() {
	m.clock.move(time.Duration(m.r.IntN(200)) * time.Millisecond)
	switch n := m.r.IntN(100); {
	case n < 80:
		m.nowMs = m.clock.now().UnixMilli()
		m.dead = m.append() != nil
	case n < 92:
		m.c.Clean(context.Background())
	case n < 95:
		_ = m.d.Checkpoint() // fails without power
	case n < 97:
		m.truncate()
	case n < 98:
		m.raise()
	default:
		_, _ = m.log.Retain(m.clock.now(), m.log.Confirmed()) // the segments below the start
	}
}

// raise moves the log start, as DeleteRecords does.
func (m *compactLife) raise() {
	to := m.log.StartOffset() + m.r.Int64N(m.log.EndOffset()-m.log.StartOffset()+1)/4
	m.maxStart = max(m.maxStart, to)
	if m.log.DeleteRecordsBefore(to) == nil {
		m.minStart = max(m.minStart, to)
	}
}

// truncate cuts the log, mostly above what is compacted.
func (m *compactLife) truncate() {
	from := max(m.log.compaction.cleaned, m.log.StartOffset())
	if m.r.IntN(4) == 0 {
		from = m.log.StartOffset()
	}
	to := from + m.r.Int64N(max(m.log.EndOffset()-from, 0)+1)
	m.cuts = true
	there, err := m.present()
	if err != nil {
		m.dead = true // without power
		return
	}
	for i := range m.history {
		for _, r := range m.history[i].records {
			if !there[r.offset] {
				m.lost[r.offset] = true
			}
		}
	}
	m.confirmed = max(m.confirmed, m.log.Confirmed())
	err = m.log.Truncate(to)
	m.confirmed = min(m.confirmed, to, m.log.EndOffset())
	m.minStart = min(m.minStart, m.confirmed)
	if err != nil {
		m.dead, m.confirmed, m.minStart = true, 0, 0
		return
	}
	m.cut(m.log.EndOffset())
	for offset := range m.lost {
		if offset >= m.log.EndOffset() {
			delete(m.lost, offset) // what comes there is new
		}
	}
}

// present has the offsets of the records that are there.
func (m *compactLife) present() (map[int64]bool, error) {
	there := map[int64]bool{}
	for offset := m.log.StartOffset(); ; {
		data, err := m.log.Read(offset, 4000, m.log.EndOffset(), true, nil)
		if err != nil || len(data) == 0 {
			return there, err
		}
		for _, b := range split(data) {
			offset = record.Batch(b).LastOffset() + 1
			if err := m.walker.Records(b, func(r record.Record) bool {
				there[r.Offset] = true
				return true
			}); err != nil {
				return nil, err
			}
		}
	}
}

func (m *compactLife) end() {
	if m.r.IntN(5) == 0 && m.d.Close() == nil {
		m.confirmed = m.log.EndOffset()
	}
	if !m.dead || m.d.Err() == nil {
		m.confirmed = max(m.confirmed, m.log.Confirmed())
	}
	if m.r.IntN(4) == 0 && m.d.Err() == nil {
		m.disk = m.disk.Kill()
	} else {
		m.disk = m.disk.Crash(m.r.Uint64())
	}
	_ = m.d.Close() // without its disk
}

// TestCompactionIsInterruptedAtEveryStep cuts the power, or kills the process, after each single change that a round of compaction
// makes to the disk. The log has the same records for whoever compacts it once more.
func TestCompactionIsInterruptedAtEveryStep(t *testing.T) {
	t.Parallel()
	finished, seeds := false, uint64(4)
	if testing.Short() || raceDetector {
		seeds = 1
	}
	for step := 0; !finished; step++ {
		for seed := range seeds {
			m := &compactLife{t: t, disk: vfs.NewMemory(nil), lost: map[int64]bool{}, what: fmt.Sprintf("step %d, seed %d", step, seed)}
			m.compactWork = compactWork{r: rand.New(rand.NewPCG(77, 5)), walker: record.NewWalker(), keys: 10}
			must(t, makeDir(m.disk, testDir))
			d, err := Open(m.config())
			must(t, err)
			m.d, m.log, m.c = d, newLogIn(t, d), testCleaner(t, d, m.config().Clock)
			m.nowMs = m.clock.now().UnixMilli()
			for round := range 2 { // the second one merges segments
				for range 60 {
					must(t, m.append())
				}
				waitConfirmed(t, m.log)
				must(t, d.Checkpoint())
				if round == 0 && !m.c.Clean(context.Background()) {
					t.Fatal("nothing was compacted")
				}
			}
			m.confirmed = m.log.EndOffset()
			m.disk.CutPowerAfter(step)
			finished = m.c.Clean(context.Background())
			for again := range 2 {
				if seed%4 == 0 && d.Err() == nil || again > 0 {
					m.disk = m.disk.Kill()
				} else {
					m.disk = m.disk.Crash(uint64(step)<<8 + seed)
				}
				_ = d.Close() // without its disk
				if d, err = Open(m.config()); err != nil {
					t.Fatalf("%s: %v", m.what, err)
				}
				m.d, m.c = d, testCleaner(t, d, m.config().Clock)
				m.open()
				if again == 0 {
					m.c.Clean(context.Background())
					m.check(t, m.what+", again", nil)
				}
			}
			must(t, d.Close())
		}
		if step > 500 {
			t.Fatal("a round does not end")
		}
	}
}
