package storage

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chronik-stream/chronik/broker/journal"
	"github.com/chronik-stream/chronik/broker/record"
	"github.com/chronik-stream/chronik/broker/vfs"
)

// model drives one directory through lives that end in crashes, and knows what each of its logs may hold.
type model struct {
	t      *testing.T
	r      *rand.Rand
	policy journal.FlushPolicy
	// references is the size from which batches go round the journal; 0 means that of the configuration.
	references int64
	disk       *vfs.Memory
	gate       *gate
	d          *Directory
	clock      testClock
	logs       map[string]*modelLog // by topic; partition 0
	ids        byte
	life       string
	killed     bool // the last life ended without a power loss
	failed     bool // a call failed: the disk has no power
	// deleted has the logs that are deleted; true once a crash must not bring them back.
	deleted map[TopicID]bool
	// flush is the checkpoint that runs beside the steps; nil if there is none.
	flush *flushBeside
}

// flushBeside is a checkpoint, and what the logs held when it began.
type flushBeside struct {
	done chan error
	ends map[*modelLog]mark
}

// mark is what is durable after a flush.
type mark struct{ end, start int64 }

var modelTopics = []string{"a", "b", "c-1"}

func newModel(t *testing.T, seed uint64) *model {
	m := &model{
		t: t, r: rand.New(rand.NewPCG(seed, 2)), disk: vfs.NewMemory(nil),
		logs: map[string]*modelLog{}, deleted: map[TopicID]bool{},
	}
	if m.r.IntN(3) == 0 {
		m.policy = journal.FlushInterval + journal.FlushPolicy(m.r.IntN(2))
	}
	if m.r.IntN(2) == 0 {
		m.references = 300 + m.r.Int64N(1500)
	}
	must(t, makeDir(m.disk, testDir))
	return m
}

func (m *model) config() Config {
	cfg := testConfig(m.gate)
	cfg.FlushPolicy = m.policy
	cfg.JournalFileBytes = 64 << 10
	cfg.ReferenceBytes = m.references
	cfg.RecoveryThreads = 1
	cfg.snapshotBytes = 1500
	cfg.Clock = m.clock.now
	cfg.DefaultLogConfig.SegmentBytes = 6000
	cfg.DefaultLogConfig.SegmentMs = time.Hour.Milliseconds()
	cfg.DefaultLogConfig.RetentionBytes = 20_000
	cfg.DefaultLogConfig.RetentionMs = 6 * time.Hour.Milliseconds()
	return cfg
}

// TestCrashes cuts the power, kills the process or stops cleanly at random points of random work, starts included. Nothing
// confirmed is lost, nothing appears that was not appended, and what is there is there byte for byte, with the indexes, epochs,
// producers and transactions that belong to it.
func TestCrashes(t *testing.T) {
	forEachSeed(t, 150, func(t *testing.T, seed uint64) {
		m := newModel(t, seed)
		defer m.giveUp()
		for life := range 5 {
			m.life = fmt.Sprintf("life %d", life)
			m.live()
		}
	})
}

// giveUp ends the goroutines when a test ends early.
func (m *model) giveUp() {
	if m.t.Failed() && m.d != nil {
		m.crash()
	}
}

func (m *model) fatalf(format string, args ...any) {
	m.t.Helper()
	m.t.Fatalf("%s, flush policy %s: %s", m.life, m.policy, fmt.Sprintf(format, args...))
}

func (m *model) live() {
	m.start()
	m.check()
	if m.r.IntN(3) > 0 {
		m.disk.CutPowerAfter(m.r.IntN(500))
	}
	for range m.r.IntN(300) {
		if m.d.Err() != nil || m.failed {
			break
		}
		m.step(modelTopics[m.r.IntN(len(modelTopics))])
		m.background()
	}
	m.end()
}

// start opens the directory. The power may go while it recovers, and another recovery has to make up for it; a process that is
// killed right after leaves to the next one just what it has found.
func (m *model) start() {
	for range m.r.IntN(3) {
		m.disk.CutPowerAfter(m.r.IntN(150))
		if err := m.open(); err == nil {
			m.crash() // it had the power it needed
			continue
		} else if !errors.Is(err, vfs.ErrPowerLost) {
			m.fatalf("recover: %v", err)
		}
		m.disk = m.disk.Crash(m.r.Uint64())
		m.killed = false
	}
	if err := m.open(); err != nil {
		m.fatalf("recover: %v", err)
	}
	if m.r.IntN(4) > 0 {
		return
	}
	before, killed := contents(m.t, m.disk, testDir), m.killed
	m.kill()
	m.killed = killed // what a power loss had taken does not come back
	if err := m.open(); err != nil {
		m.fatalf("recover again: %v", err)
	}
	if after := contents(m.t, m.disk, testDir); !maps.Equal(before, after) {
		m.fatalf("another recovery gave other bytes: %s", differences(before, after))
	}
}

func differences(a, b map[string]string) (text string) {
	for _, name := range slices.Sorted(maps.Keys(a)) {
		if a[name] != b[name] {
			text += fmt.Sprintf("%s: %d bytes, then %d; ", name, len(a[name]), len(b[name]))
		}
	}
	return fmt.Sprintf("%d files, then %d; %s", len(a), len(b), text)
}

func (m *model) open() (err error) {
	retired := 0
	if m.gate != nil {
		retired = m.gate.retired
	}
	m.gate = newGate(m.disk, retired)
	m.failed, m.flush = false, nil
	m.run(func() { m.d, err = Open(m.config()) })
	return err
}

// run carries out a call, and lets the calls of the journal go on that it waits for.
func (m *model) run(call func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		call()
	}()
	for waits := 0; ; {
		synctest.Wait()
		select {
		case <-done:
			return
		default:
		}
		if m.gate.grant(m.flush != nil, m.r.IntN) {
			continue
		}
		if waits++; waits > 100 {
			panic("a call waits for nothing that will happen")
		}
		<-time.After(journal.DefaultInterval)
	}
}

// grant lets a call go on that waits, and says whether there was one.
func (m *model) grant(journalOnly bool) bool {
	synctest.Wait()
	return m.gate.grant(journalOnly, m.r.IntN)
}

// background lets some of what waits at the gate go on, so that commits gather a few frames or many.
func (m *model) background() {
	grants := 0
	switch n := m.r.IntN(10); {
	case n < 3:
		grants = 1
	case n < 5:
		grants = 3
	case n < 7:
		grants = 1000
	}
	for range grants {
		if !m.grant(false) {
			break
		}
	}
	synctest.Wait()
	m.finishFlush(false)
}

// end stops the life and notes what is confirmed.
func (m *model) end() {
	var err error
	if m.r.IntN(4) == 0 {
		m.finishFlush(true)
		m.run(func() { err = m.d.Close() })
		if err == nil {
			m.noteDurable(m.ends())
		}
	}
	m.noteConfirmed()
	if m.r.IntN(4) == 0 && m.d.Err() == nil {
		m.kill()
	} else {
		m.crash()
	}
}

func (m *model) kill() {
	m.disk = m.disk.Kill()
	m.killed = true
	m.abandon()
}

func (m *model) crash() {
	m.disk = m.disk.Crash(m.r.Uint64())
	m.killed = false
	m.abandon()
}

// abandon ends the goroutines of a directory whose disk is gone.
func (m *model) abandon() {
	if m.flush != nil {
		for m.grant(false) {
		}
		m.run(func() { <-m.flush.done }) //nolint:errcheck // the disk is gone: how it ended does not matter
		m.flush = nil
	}
	m.run(func() { _ = m.d.Close() })
}

func (m *model) ends() map[*modelLog]mark {
	ends := map[*modelLog]mark{}
	for _, l := range m.logs {
		if l.log != nil {
			ends[l] = mark{l.log.EndOffset(), l.log.StartOffset()}
		}
	}
	return ends
}

// noteDurable takes note of a flush that ended well.
func (m *model) noteDurable(ends map[*modelLog]mark) {
	for l, e := range ends {
		if l.alternative == nil {
			l.confirmed, l.durable = max(l.confirmed, e.end), max(l.durable, e.end)
			l.minStart, l.durableStart = max(l.minStart, e.start), max(l.durableStart, e.start)
		}
	}
	for id := range m.deleted {
		m.deleted[id] = true
	}
}

// noteConfirmed takes note of what the logs say is confirmed.
func (m *model) noteConfirmed() {
	for _, l := range m.logs {
		if l.log == nil || l.alternative != nil {
			continue
		}
		l.confirmed = max(l.confirmed, l.log.Confirmed())
		if m.policy == journal.FlushAcks {
			l.durable = max(l.durable, l.confirmed)
		}
	}
}

func (m *model) step(topic string) {
	l := m.logs[topic]
	if l == nil {
		m.create(topic)
		return
	}
	switch n := m.r.IntN(200); {
	case n < 150:
		m.append(l)
	case n < 158:
		m.truncate(l)
	case n < 160:
		m.reset(l)
	case n < 166:
		m.remove(topic, l)
	case n < 174:
		m.startEpoch(l)
	case n < 180:
		m.deleteRecords(l)
	case n < 186:
		m.finishSyncs()
		m.run(func() { _, _ = l.log.Retain(m.clock.now(), l.log.Confirmed()) }) // the log start rises on its own account
		l.maxStart = max(l.maxStart, l.log.Confirmed())
	case n < 190:
		m.clock.move(time.Duration(m.r.Int64N(int64(4*time.Hour))) - time.Hour)
	case n < 193:
		m.finishSyncs()
		m.run(func() { m.d.reap(m.clock.now().Add(time.Hour)) })
	case n < 196:
		m.pass()
	default:
		m.startFlush()
	}
}

// pass lets everything come to rest, and the time of an interval flush go by.
func (m *model) pass() {
	m.finishFlush(true)
	ends := m.ends()
	m.run(func() { <-time.After(3 * journal.DefaultInterval) })
	m.noteConfirmed()
	if m.policy != journal.FlushOS && m.d.Err() == nil {
		for l, e := range ends {
			l.durable = max(l.durable, min(e.end, l.confirmed))
		}
		for id := range m.deleted {
			m.deleted[id] = true
		}
	}
}

// startFlush begins a checkpoint beside the steps that follow.
func (m *model) startFlush() {
	if m.flush != nil {
		return
	}
	m.finishSyncs()
	f := &flushBeside{done: make(chan error, 1), ends: m.ends()}
	m.flush = f
	go func() { f.done <- m.d.Checkpoint() }()
	synctest.Wait()
}

// finishSyncs ends the checkpoint and the syncs that something rests on: one would hold up another one of the same file.
func (m *model) finishSyncs() {
	m.finishFlush(true)
	for m.grant(false) {
	}
}

// finishFlush takes note of the end of the checkpoint, for which it waits if it has to.
func (m *model) finishFlush(wait bool) {
	for m.flush != nil {
		synctest.Wait()
		select {
		case err := <-m.flush.done:
			if err == nil {
				m.noteDurable(m.flush.ends)
			}
			m.flush = nil
		default:
			if !wait {
				return
			}
			m.gate.grant(false, m.r.IntN)
		}
	}
}

func (m *model) create(topic string) {
	m.finishFlush(true)
	m.ids++
	id := TopicID{m.ids}
	m.run(func() {
		log, err := m.d.Create(id, topic, 0, m.d.cfg.DefaultLogConfig)
		m.failed = err != nil
		if err == nil {
			m.logs[topic] = &modelLog{id: id, log: log, producers: map[int64]*modelProducer{}}
		}
	})
}

// remove deletes a log. It is durable with whatever is confirmed later.
func (m *model) remove(topic string, l *modelLog) {
	m.finishFlush(true)
	m.run(func() {
		if err := m.d.Delete(l.id, 0); err != nil {
			l.deleting, m.failed = true, true
			return
		}
		delete(m.logs, topic)
		m.deleted[l.id] = false
	})
}

func (m *model) startEpoch(l *modelLog) {
	l.epoch++
	m.run(func() { m.failed = l.log.StartEpoch(l.epoch) != nil })
}

func (m *model) deleteRecords(l *modelLog) {
	start := l.log.StartOffset()
	to := start + m.r.Int64N(max(l.log.Confirmed()-start, 0)+1)
	l.maxStart = max(l.maxStart, to)
	m.finishFlush(true)
	m.run(func() {
		if l.log.DeleteRecordsBefore(to) != nil {
			m.failed = true
			return
		}
		l.minStart = max(l.minStart, to)
		if m.policy == journal.FlushAcks {
			l.durableStart = max(l.durableStart, to)
		}
	})
}

// truncate cuts a log. An interrupted cut leaves what was there before, or what is there behind it.
func (m *model) truncate(l *modelLog) {
	start := l.log.StartOffset()
	to := start + m.r.Int64N(l.log.EndOffset()-start+1)
	m.finishFlush(true)
	m.noteConfirmed()
	before := append([]sentBatch{}, l.batches...) // not nil, even if there are none
	i := 0
	for i < len(l.batches) && l.batches[i].h.last() < to {
		i++
	}
	var err error
	m.run(func() { err = l.log.Truncate(to) })
	l.batches = l.batches[:i:i]
	end := int64(0)
	if i > 0 {
		end = min(to, l.batches[i-1].h.last()+1)
	}
	l.lower(end)
	l.resume(m.clock.now().UnixMilli())
	if err != nil {
		l.alternative, m.failed = before, true
	}
}

// reset drops all of a log and starts it anew behind a gap.
func (m *model) reset(l *modelLog) {
	to := l.log.EndOffset() + m.r.Int64N(5)
	m.finishFlush(true)
	m.noteConfirmed()
	before := append([]sentBatch{}, l.batches...)
	var err error
	m.run(func() { err = l.log.Reset(to) })
	l.batches = nil
	l.maxStart = max(l.maxStart, to+1) // by way of one offset behind the end
	if err != nil {
		l.alternative, m.failed = before, true
		l.lower(0)
		return
	}
	l.confirmed, l.durable, l.minStart, l.durableStart = to, to, to, to
	l.resume(m.clock.now().UnixMilli())
}

// lower notes that a log may end, and start, as low as at an offset.
func (l *modelLog) lower(end int64) {
	l.confirmed, l.durable = min(l.confirmed, end), min(l.durable, end)
	l.minStart, l.durableStart = min(l.minStart, end), min(l.durableStart, end) // a batch that reaches below goes as a whole
}

// check compares the directory with what it may hold.
func (m *model) check() {
	for _, log := range slices.Collect(m.d.Logs) {
		if m.deleted[log.TopicID()] {
			m.fatalf("the deleted log %s of topic id %x is there again", log.Topic(), log.TopicID())
		}
		if l := m.logs[log.Topic()]; l == nil || l.id != log.TopicID() {
			// Its deletion was not confirmed, or its creation not heard of. The owner of the metadata deletes it.
			m.run(func() { must(m.t, m.d.Delete(log.TopicID(), 0)) })
		}
	}
	for _, topic := range slices.Sorted(maps.Keys(m.logs)) {
		l := m.logs[topic]
		log := m.d.Log(topic, 0)
		if log == nil {
			if l.leaves(m) > 0 && !l.deleting {
				m.fatalf("log %s is gone, confirmed up to %d", topic, l.leaves(m))
			}
			delete(m.logs, topic)
			continue
		}
		m.checkLog(topic, l, log)
	}
}

// leaves is the end that the last crash must have left.
func (l *modelLog) leaves(m *model) int64 {
	if m.killed {
		return l.confirmed
	}
	return l.durable
}

func (m *model) checkLog(topic string, l *modelLog, log *Log) {
	start, end := log.StartOffset(), log.EndOffset()
	minEnd, minStart := l.leaves(m), l.durableStart
	if m.killed {
		minStart = l.minStart
	}
	if end < minEnd || start < minStart || start > max(l.maxStart, minStart) || log.Confirmed() != end {
		m.fatalf("log %s is %d to %d, confirmed %d; surely there up to %d, start between %d and %d", topic, start, end, log.Confirmed(), minEnd, minStart, l.maxStart)
	}
	got := split(readAll(m.t, log))
	may := [][]sentBatch{l.batches}
	if l.alternative != nil {
		may = append(may, l.alternative)
	}
	may = slices.DeleteFunc(may, func(batches []sentBatch) bool { return !fits(got, batches, start, end) })
	if len(may) == 0 {
		m.fatalf("log %s, %d to %d, holds %s; appended were %s or %s", topic, start, end, offsetsOf(got), rangesOf(l.batches), rangesOf(l.alternative))
	}
	now := m.clock.now().UnixMilli()
	stamps := []int64{0, now + 1, now - m.r.Int64N(1000), now - m.r.Int64N(10*time.Hour.Milliseconds())}
	before := *l
	var errs []error
	for _, batches := range may { // where nothing can be read, the rest tells which it is
		*l = before.as(batches, log)
		err := errors.Join(l.checkProducers(log, start, end, now), l.checkEpochs(log, start, end), l.checkTimes(log, start, end, stamps))
		if err == nil {
			errs = nil
			break
		}
		errs = append(errs, fmt.Errorf("with %s: %w", rangesOf(l.batches), err))
	}
	if err := errors.Join(append(errs, checkFiles(m.disk, log))...); err != nil {
		m.fatalf("log %s, %d to %d: %v", topic, start, end, err)
	}
	l.resume(now)
}

// as is what is known of a log that has these batches after a crash, as far as it goes.
func (l *modelLog) as(batches []sentBatch, log *Log) modelLog {
	start, end := log.StartOffset(), log.EndOffset()
	kept := 0
	for kept < len(batches) && batches[kept].h.last() < end {
		kept++
	}
	return modelLog{
		id: l.id, epoch: l.epoch, batches: slices.Clone(batches[:kept]), confirmed: end, durable: end,
		minStart: start, durableStart: start, maxStart: start, log: log, nextProducer: l.nextProducer,
	}
}

// resume lets the producers go on whose last batches can still be read.
func (l *modelLog) resume(now int64) {
	l.started = now
	l.producers = map[int64]*modelProducer{}
	for id, p := range derive(l.batches, l.log.StartOffset()).producers {
		if len(p.sent) > 0 && p.sent[len(p.sent)-1].h.last() >= l.log.StartOffset() {
			l.producers[id] = p
		}
	}
}

func offsetsOf(batches [][]byte) (text string) {
	for _, b := range batches {
		text += fmt.Sprintf("%d-%d ", record.Batch(b).BaseOffset(), record.Batch(b).LastOffset())
	}
	return text
}

func split(data []byte) (batches [][]byte) {
	record.Batches(data, func(b record.Batch) bool {
		batches = append(batches, b)
		return true
	})
	return batches
}

// contents are the files of a directory, without journal and marker.
func contents(t *testing.T, fsys vfs.FS, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	entries, err := fsys.List(dir)
	must(t, err)
	for _, e := range entries {
		name := path.Join(dir, e.Name)
		switch {
		case strings.HasSuffix(e.Name, deletedSuffix), strings.HasSuffix(e.Name, deleteDirSuffix):
		case e.Dir:
			maps.Copy(all, contents(t, fsys, name))
		case e.Name == lockFile || bytes.HasPrefix([]byte(e.Name), []byte("chronik.journal.")):
		default:
			data, err := vfs.ReadFile(fsys, name, 1<<30)
			must(t, err)
			all[name] = string(data)
		}
	}
	return all
}
