package storage

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// oldRecords are in the log before a removal, newRecords are appended behind it.
const (
	oldRecords = 8
	newRecords = 3
)

// otherTopic is the id of the topic that gets the name of a deleted one.
var otherTopic = TopicID{9, 9}

// removal is a way in which records go.
type removal struct {
	name string
	// do removes records, and returns the log that goes on.
	do func(d *Directory, l *Log) (*Log, error)
	// from and to are the old records that stay, next is the offset of the next one.
	from, to, next int64
	// later says that do does not wait for the disk: the removal is durable with the first record that is confirmed behind it.
	later bool
}

var removals = []removal{
	{name: "truncate", do: func(_ *Directory, l *Log) (*Log, error) { return l, l.Truncate(3) }, to: 3, next: 3},
	{name: "truncate to nothing", do: func(_ *Directory, l *Log) (*Log, error) { return l, l.Truncate(0) }},
	{name: "reset", do: func(_ *Directory, l *Log) (*Log, error) { return l, l.Reset(20) }, next: 20},
	{name: "reset to the end", do: func(_ *Directory, l *Log) (*Log, error) { return l, l.Reset(oldRecords) }, next: oldRecords},
	{name: "delete records", do: func(_ *Directory, l *Log) (*Log, error) { return l, l.DeleteRecordsBefore(5) }, from: 5, to: oldRecords, next: oldRecords},
	{name: "delete and retain", do: deleteAndRetain, from: 5, to: oldRecords, next: oldRecords},
	{name: "delete the log, and another one gets its name", do: deleteAndCreate, later: true},
}

func deleteAndRetain(_ *Directory, l *Log) (*Log, error) {
	if err := l.DeleteRecordsBefore(5); err != nil {
		return nil, err
	}
	_, err := l.Retain(testTime, l.Confirmed())
	return l, err
}

func deleteAndCreate(d *Directory, l *Log) (*Log, error) {
	if err := d.Delete(l.TopicID(), 0); err != nil {
		return nil, err
	}
	return d.Create(otherTopic, l.Topic(), 0, l.Config())
}

// TestNothingComesBack cuts the power, or kills the process, after each change to the disk while records are removed, others take
// their place, and a checkpoint and a clean stop follow. A removal that was not durable is there or not, as a whole; one that was
// stays: no start brings a record back that was removed, nor loses one that was confirmed.
func TestNothingComesBack(t *testing.T) {
	stride := 1
	if testing.Short() || raceDetector {
		stride = 7
	}
	for _, r := range removals {
		for _, flushed := range []bool{false, true} {
			for _, byReference := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, flushed %v, by reference %v", r.name, flushed, byReference), func(t *testing.T) {
					whole := false
					for cut := 0; !whole; cut += stride {
						for seed := range uint64(3) {
							life := &removalLife{t: t, removal: r, flushed: flushed, byReference: byReference}
							whole = life.run(cut, seed)
						}
					}
				})
			}
		}
	}
}

// removalLife is one life of a directory, and what it knows to be durable.
type removalLife struct {
	t *testing.T
	removal
	flushed, byReference bool
	disk                 *vfs.Memory
	// done says that the removal is durable, confirmed how many of the new records are.
	done      bool
	confirmed int
}

func (r *removalLife) config(disk vfs.FS) Config {
	cfg := testConfig(disk)
	cfg.JournalFileBytes = 32 << 10
	cfg.DefaultLogConfig.SegmentBytes = 700
	if r.byReference {
		cfg.ReferenceBytes = 150
	}
	return cfg
}

// run lives until the power goes after so many changes, and looks at what a start finds, twice. whole says that it did not go.
func (r *removalLife) run(cut int, seed uint64) (whole bool) {
	r.disk = vfs.NewMemory(nil)
	d := openDir(r.t, r.config(r.disk))
	l := newLogIn(r.t, d)
	for i := range int64(oldRecords) {
		appendTo(r.t, l, keyed("old", fmt.Sprintf("%100d", i)))
	}
	waitConfirmed(r.t, l)
	if r.flushed {
		must(r.t, d.Checkpoint())
	}
	r.disk.CutPowerAfter(cut)
	whole = r.remove(d, l)
	next := r.disk.Kill()
	if seed > 0 {
		next = r.disk.Crash(seed)
	}
	_ = d.Close() // without power
	for start := range 2 {
		d = openDir(r.t, r.config(next))
		if err := r.check(d.Log("topic", 0)); err != nil {
			r.t.Fatalf("power for %d changes, seed %d, start %d: %v", cut, seed, start, err)
		}
		next = next.Kill()
		_ = d.Close() // without its disk
	}
	return whole
}

// remove removes records and goes on for as long as there is power.
func (r *removalLife) remove(d *Directory, l *Log) (whole bool) {
	l, err := r.do(d, l)
	if err != nil {
		return false
	}
	r.done = !r.later
	for i := range newRecords {
		if _, err := l.Append(keyed("new", fmt.Sprintf("%100d", i)), client()); err != nil {
			return false
		}
		end := l.EndOffset()
		until(r.t, "the record is confirmed or the power is gone", func() bool { return l.Confirmed() >= end || d.Err() != nil })
		if l.Confirmed() < end {
			return false
		}
		r.done, r.confirmed = true, i+1
	}
	if d.Checkpoint() != nil {
		return false
	}
	d.reap(testTime.Add(time.Hour))
	return d.Close() == nil
}

// records are the old ones of a range, or the new ones, as survivors tells of them.
func records(key string, from, to, offset int64) (list []string) {
	for i := from; i < to; i++ {
		list = append(list, fmt.Sprintf("%d:%s=%100d", offset+i, key, i))
	}
	return list
}

// check says what is wrong with what a start has found.
func (r *removalLife) check(l *Log) error {
	if l == nil {
		if r.later && !r.done {
			return nil // the deletion is there, and what came behind it is not
		}
		return fmt.Errorf("the log is gone")
	}
	got := survivors(r.t, l)
	if !r.done && l.TopicID() == testTopic && slices.Equal(got, records("old", 0, oldRecords, 0)) {
		return nil
	}
	if r.later && l.TopicID() != otherTopic {
		return fmt.Errorf("the deleted log is there with %d records", len(got))
	}
	for kept := r.confirmed; kept <= newRecords; kept++ {
		want := append(records("old", r.from, r.to, 0), records("new", 0, int64(kept), r.next)...)
		if slices.Equal(got, want) && (kept == 0 || r.done || r.later) {
			return nil
		}
	}
	return fmt.Errorf("removal durable: %v, %d new records confirmed; the log is %d to %d and holds %q", r.done, r.confirmed, l.StartOffset(), l.EndOffset(), got)
}
