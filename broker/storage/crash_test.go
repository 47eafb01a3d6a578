package storage

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/chronik-stream/chronik/broker/record"
	"github.com/chronik-stream/chronik/broker/vfs"
)

// modelLog is what one log may hold after a crash.
type modelLog struct {
	id      TopicID
	batches [][]byte // all that were appended, in order
	// alternative is what the log held before a truncation that was interrupted; nil if there was none.
	alternative [][]byte
	confirmed   int64
	epoch       int32
	deleting    bool // a deletion was interrupted
	// The log start is between these.
	minStart, maxStart int64
	log                *Log
}

// model drives one directory through lives that end in crashes.
type model struct {
	t    *testing.T
	r    *rand.Rand
	disk *vfs.Memory
	d    *Directory
	logs map[string]*modelLog // by topic; partition 0
	ids  byte
	what string
	dead bool // a call failed
	// references is the size from which batches go round the journal; 0 means none.
	references int64
	// files is how many files the segment cache may have; 0 means its default.
	files int
}

var modelTopics = []string{"a", "b", "c-1"}

func modelConfig(disk *vfs.Memory) Config {
	cfg := testConfig(disk)
	cfg.JournalFileBytes = 64 << 10
	cfg.CheckpointBytes = 100 << 10
	cfg.DefaultLogConfig.SegmentBytes = 6000
	cfg.DefaultLogConfig.RetentionBytes = 20_000
	return cfg
}

// TestCrashes cuts the power, kills the process or stops cleanly at random points of random work. Nothing confirmed is lost,
// nothing appears that was not appended, and what is there is there byte for byte.
func TestCrashes(t *testing.T) {
	seeds := uint64(150)
	if testing.Short() {
		seeds = 30
	}
	for seed := range seeds {
		m := &model{t: t, r: rand.New(rand.NewPCG(seed, 2)), disk: vfs.NewMemory(nil), logs: map[string]*modelLog{}}
		m.references = int64(seed%3) * 900
		m.files = int(seed%2) * MinCacheFiles
		must(t, makeDir(m.disk, testDir))
		for life := range 5 {
			m.what = fmt.Sprintf("seed %d, life %d", seed, life)
			m.live()
		}
	}
}

func (m *model) live() {
	cfg := modelConfig(m.disk)
	cfg.ReferenceBytes = m.references
	cfg.Cache = newCache(m.t, CacheConfig{Files: m.files, IndexBytes: 200})
	d, err := Open(cfg)
	if err != nil {
		m.t.Fatalf("%s: %v", m.what, err)
	}
	m.d, m.dead = d, false
	m.check()
	if m.r.IntN(3) > 0 {
		m.disk.CutPowerAfter(m.r.IntN(400))
	}
	for range m.r.IntN(300) {
		if m.d.Err() != nil || m.dead {
			break
		}
		m.step(modelTopics[m.r.IntN(len(modelTopics))])
	}
	m.end()
}

// end stops the life and notes what is confirmed.
func (m *model) end() {
	clean := m.r.IntN(4) == 0
	if clean && m.d.Close() == nil {
		for _, l := range m.logs {
			if l.log != nil {
				l.confirmed = l.log.EndOffset()
			}
		}
	}
	for _, l := range m.logs {
		if l.log != nil && l.alternative == nil {
			l.confirmed = max(l.confirmed, l.log.Confirmed())
		}
	}
	if m.r.IntN(4) == 0 && m.d.Err() == nil {
		m.disk = m.disk.Kill()
	} else {
		m.disk = m.disk.Crash(m.r.Uint64())
	}
	_ = m.d.Close() // without its disk
}

func (m *model) step(topic string) {
	l := m.logs[topic]
	if l == nil || l.log == nil {
		m.create(topic)
		return
	}
	switch n := m.r.IntN(100); {
	case n < 80:
		m.append(l)
	case n < 84:
		m.truncate(l)
	case n < 87:
		if err := m.d.Delete(l.id, 0); err == nil {
			delete(m.logs, topic)
		} else {
			l.deleting, m.dead = true, true
		}
	case n < 91:
		l.epoch++
		_ = l.log.StartEpoch(l.epoch) // fails without power, as the next append does
	case n < 94:
		to := l.log.StartOffset() + m.r.Int64N(l.log.EndOffset()-l.log.StartOffset()+1)
		l.maxStart = max(l.maxStart, to)
		if l.log.DeleteRecordsBefore(to) == nil {
			l.minStart = max(l.minStart, to)
		}
	case n < 97:
		_, _ = l.log.Retain(testTime, l.log.EndOffset()) // the log start rises on its own account
		l.maxStart = max(l.maxStart, l.log.EndOffset())
	default:
		_ = m.d.Checkpoint() // fails without power
	}
}

func (m *model) create(topic string) {
	m.ids++
	log, err := m.d.Create(TopicID{m.ids}, topic, 0, m.d.cfg.DefaultLogConfig)
	if err == nil {
		m.logs[topic] = &modelLog{id: TopicID{m.ids}, log: log}
	}
}

func (m *model) append(l *modelLog) {
	b := batchOf(1+m.r.IntN(3), m.r.IntN(700), testTime.UnixMilli())
	origin := Client
	if m.r.IntN(10) == 0 {
		origin = Replication
		patch(b, l.log.EndOffset()+m.r.Int64N(3), l.epoch)
	}
	end := l.log.EndOffset()
	_, err := l.log.Append(b, AppendInfo{LeaderEpoch: l.epoch, Origin: origin})
	m.dead = m.dead || err != nil
	if err == nil || record.Batch(b).BaseOffset() >= end {
		l.batches = append(l.batches, b)
	}
}

func (m *model) truncate(l *modelLog) {
	to := l.log.StartOffset() + m.r.Int64N(l.log.EndOffset()-l.log.StartOffset()+1)
	before := slices.Clone(l.batches)
	l.confirmed = max(l.confirmed, l.log.Confirmed())
	err := l.log.Truncate(to)
	i := 0
	for i < len(l.batches) && record.Batch(l.batches[i]).LastOffset() < to {
		i++
	}
	l.batches = l.batches[:i:i]
	l.confirmed = min(l.confirmed, to)
	if i > 0 {
		l.confirmed = min(l.confirmed, record.Batch(l.batches[i-1]).LastOffset()+1)
	} else {
		l.confirmed = 0
	}
	l.minStart = min(l.minStart, l.confirmed) // a batch that reaches below goes as a whole
	if err != nil {
		l.alternative, m.dead = before, true
	}
}

// check compares the directory with what it may hold.
func (m *model) check() {
	for _, log := range slices.Collect(m.d.Logs) {
		if l := m.logs[log.Topic()]; l == nil || l.id != log.TopicID() {
			// Its deletion was not confirmed, or its creation not heard of. The owner of the metadata deletes it.
			must(m.t, m.d.Delete(log.TopicID(), 0))
		}
	}
	for _, topic := range slices.Sorted(maps.Keys(m.logs)) {
		l := m.logs[topic]
		log := m.d.Log(topic, 0)
		if log == nil {
			if l.confirmed > 0 && !l.deleting {
				m.t.Fatalf("%s: log %s is gone, confirmed up to %d", m.what, topic, l.confirmed)
			}
			delete(m.logs, topic)
			continue
		}
		m.checkLog(topic, l, log)
	}
}

func (m *model) checkLog(topic string, l *modelLog, log *Log) {
	start, end := log.StartOffset(), log.EndOffset()
	if end < l.confirmed || start < l.minStart || start > max(l.maxStart, l.minStart) {
		m.t.Fatalf("%s: log %s is %d to %d; confirmed %d, start between %d and %d", m.what, topic, start, end, l.confirmed, l.minStart, l.maxStart)
	}
	got := split(readAll(m.t, log))
	which := l.batches
	if !fits(got, which, start, end) {
		which = l.alternative
	}
	if !fits(got, which, start, end) {
		m.t.Fatalf("%s: log %s, %d to %d, holds %s; appended were %s or %s", m.what, topic, start, end, offsetsOf(got), offsetsOf(l.batches), offsetsOf(l.alternative))
	}
	kept := 0
	for kept < len(which) && record.Batch(which[kept]).LastOffset() < end {
		kept++
	}
	*l = modelLog{id: l.id, epoch: l.epoch, batches: slices.Clone(which[:kept]), confirmed: end, minStart: start, maxStart: start, log: log}
}

// fits says whether got are those of the batches that lie, wholly or in part, within start and end.
func fits(got, batches [][]byte, start, end int64) bool {
	var want [][]byte
	for _, b := range batches {
		if last := record.Batch(b).LastOffset(); last >= start && last < end {
			want = append(want, b)
		}
	}
	return slices.EqualFunc(got, want, bytes.Equal)
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

func TestRecoveringTwiceGivesTheSameBytes(t *testing.T) {
	for seed := range uint64(30) {
		m := &model{t: t, r: rand.New(rand.NewPCG(seed, 3)), disk: vfs.NewMemory(nil), logs: map[string]*modelLog{}}
		must(t, makeDir(m.disk, testDir))
		m.what = fmt.Sprintf("seed %d", seed)
		m.live()
		disk := m.disk.Crash(seed)
		var first map[string]string
		for range 3 {
			d, err := Open(modelConfig(disk))
			must(t, err)
			next := disk.Kill()
			_ = d.Close() // without its disk
			got := contents(t, next, testDir)
			if first == nil {
				first = got
			}
			if !maps.Equal(got, first) {
				for name := range first {
					if got[name] != first[name] {
						t.Logf("%s: %d bytes, then %d", name, len(first[name]), len(got[name]))
					}
				}
				t.Fatalf("seed %d: another recovery gave other bytes: %d files, then %d", seed, len(first), len(got))
			}
			disk = next
		}
	}
}
