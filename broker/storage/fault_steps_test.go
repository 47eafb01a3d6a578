package storage

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"testing"

	"github.com/chronik-stream/chronik/broker/journal"
	"github.com/chronik-stream/chronik/broker/vfs"
	"github.com/chronik-stream/chronik/broker/wire"
)

// scene is a directory with a log whose records are confirmed, just before one call fails.
type scene struct {
	t      *testing.T
	memory *vfs.Memory
	faults *vfs.Faults
	cfg    Config
	d      *Directory
	l      *Log
	sent   []byte
	fault  vfs.Fault
	// spares says that the directory goes on, deleted that the log was to go.
	spares, deleted bool
}

// sceneSteps are the durable steps outside of an append and a checkpoint, with what makes them.
var sceneSteps = []struct {
	do    func(s *scene)
	steps []durableStep
}{
	{(*scene).create, []durableStep{
		{name: "partition directory", op: vfs.OpMkdir, path: "other-0", spares: true},
		{name: "partition.metadata write", op: vfs.OpWrite, path: "other-0/" + metadataFile, spares: true},
		{name: "partition.metadata side-car write", op: vfs.OpWrite, path: "other-0/" + metadataFile + sumsSuffix, spares: true},
		{name: "partition.metadata side-car rename", op: vfs.OpRename, path: "other-0/" + metadataFile + sumsSuffix, spares: true},
		{name: "new segment", op: vfs.OpTruncate, path: "other-0/" + offsetName(0, logSuffix), spares: true},
	}},
	{(*scene).createAndCheckpoint, []durableStep{
		{name: "partition.metadata sync", op: vfs.OpSync, path: "other-0/" + metadataFile},
		{name: "partition.metadata side-car sync", op: vfs.OpSync, path: "other-0/" + metadataFile + sumsSuffix},
		{name: "new partition's directory sync", op: vfs.OpSync, path: testDir + "/other-0", whole: true},
	}},
	{(*scene).delete, []durableStep{
		{name: "deleted partition's rename", op: vfs.OpRename, path: testDir + "/topic-0", whole: true, spares: true},
		{name: "deleted partition's log directory sync", op: vfs.OpSync, path: testDir, whole: true},
	}},
	{(*scene).stop, []durableStep{
		{name: "clean-shutdown marker write", op: vfs.OpWrite, path: cleanShutdownFile},
		{name: "clean-shutdown marker sync", op: vfs.OpSync, path: cleanShutdownFile},
		{name: "clean-shutdown marker rename", op: vfs.OpRename, path: cleanShutdownFile},
		{name: "last snapshot write", op: vfs.OpWrite, path: snapshotSuffix},
		{name: "last journal sync", op: vfs.OpSync, path: "chronik.journal."},
	}},
	{(*scene).start, []durableStep{
		{name: "clean-shutdown marker remove", op: vfs.OpRemove, path: cleanShutdownFile},
		{name: "clean-shutdown marker's directory sync", op: vfs.OpSync, path: testDir, whole: true},
		{name: "journal file write at a start", op: vfs.OpWrite, path: "chronik.journal."},
		{name: "journal file sync at a start", op: vfs.OpSync, path: "chronik.journal."},
	}},
	{(*scene).newJournalFile, []durableStep{
		{name: "new journal file's write", op: vfs.OpWrite, path: "chronik.journal.00000003", spares: true},
		{name: "new journal file's sync", op: vfs.OpSync, path: "chronik.journal.00000003"},
		{name: "new journal file's rename", op: vfs.OpRename, path: "chronik.journal.00000003", spares: true},
		{name: "new journal file's directory sync", op: vfs.OpSync, path: testDir, whole: true},
	}},
	{(*scene).usedJournalFile, []durableStep{
		{name: "used journal file's write", op: vfs.OpWrite, path: "chronik.journal.00000001", spares: true},
		{name: "used journal file's sync", op: vfs.OpSync, path: "chronik.journal.00000001"},
	}},
}

// TestEveryOtherStepFails is TestEveryDurableStepFails for what is done more rarely: logs are made and deleted, a directory is opened
// and closed, and the journal prepares its files.
func TestEveryOtherStepFails(t *testing.T) {
	t.Parallel()
	for _, group := range sceneSteps {
		for _, step := range group.steps {
			for name, fault := range stepFaults(&step) {
				for _, crash := range []bool{false, true} {
					t.Run(fmt.Sprintf("%s: %s, crash %v", step.name, name, crash), func(t *testing.T) {
						s := newScene(t, fault, step.spares && vfs.NoSpace(fault.Err))
						group.do(s)
						s.end(crash)
					})
				}
			}
		}
	}
}

func newScene(t *testing.T, fault vfs.Fault, spares bool) *scene {
	memory := vfs.NewMemory(nil)
	s := &scene{t: t, memory: memory, faults: vfs.NewFaults(memory), fault: fault, spares: spares}
	s.cfg = testConfig(s.faults)
	s.cfg.JournalFileBytes = 32 << 10
	s.d = openDir(t, s.cfg)
	s.l = newLogIn(t, s.d)
	waitJournalFile(t, memory, 2)
	s.append()
	return s
}

// append appends a record and waits until it is confirmed or the directory is offline.
func (s *scene) append() {
	b := batchOf(1, 100, testTime.UnixMilli())
	_, err := s.l.Append(b, client())
	if s.spares && errors.Is(err, journal.ErrNoSpace) {
		return // refused, until the checkpoint of goesOn
	}
	if err != nil && !errors.Is(err, s.fault.Err) {
		s.t.Fatalf("append: %v", err)
	}
	s.sent = append(s.sent, b...) // what has failed may be there
	until(s.t, "the record is confirmed or the directory is offline", func() bool { return s.l.Confirmed() == s.l.EndOffset() || s.d.Err() != nil })
}

// waitJournalFile waits for a file of the journal, which makes them beside everything else.
func waitJournalFile(t *testing.T, fsys vfs.FS, n int) {
	t.Helper()
	until(t, "the journal has another file", func() bool {
		_, err := vfs.Stat(fsys, path.Join(testDir, fmt.Sprintf("chronik.journal.%08d", n)))
		return err == nil
	})
}

// fails takes the outcome of the call that fails.
func (s *scene) fails(what string, err error) {
	s.t.Helper()
	if !errors.Is(err, s.fault.Err) {
		s.t.Fatalf("%s: %v", what, err)
	}
}

// offline waits until the directory is offline, or says that it is not where it has to go on.
func (s *scene) offline() {
	s.t.Helper()
	until(s.t, "the call is made", func() bool { return s.faults.Pending() == 0 })
	if s.spares {
		must(s.t, s.d.Err())
		return
	}
	until(s.t, "the directory is offline", func() bool { return s.d.Err() != nil })
	s.fails("the directory says", s.d.Err())
}

func (s *scene) create() {
	s.faults.Add(s.fault)
	_, err := s.d.Create(otherTopic, "other", 0, s.cfg.DefaultLogConfig)
	s.fails("create", err)
	if wire.CodeOf(err) != wire.KafkaStorageError {
		s.t.Errorf("create: %v", err)
	}
	s.offline()
	if !s.spares {
		return
	}
	if _, err := vfs.Stat(s.memory, path.Join(testDir, "other-0")); !isNotExist(err) {
		s.t.Errorf("what could not be made is there: %v", err)
	}
	_, err = s.d.Create(otherTopic, "other", 0, s.cfg.DefaultLogConfig)
	must(s.t, err)
}

func (s *scene) createAndCheckpoint() {
	_, err := s.d.Create(otherTopic, "other", 0, s.cfg.DefaultLogConfig)
	must(s.t, err)
	s.faults.Add(s.fault)
	s.fails("checkpoint", s.d.Checkpoint())
	s.offline()
}

// delete deletes the log; the checkpoint makes that durable.
func (s *scene) delete() {
	s.faults.Add(s.fault)
	err := s.d.Delete(testTopic, 0)
	if err == nil {
		err = s.d.Checkpoint()
	}
	if s.spares { // the reserve has made room for the name
		must(s.t, err)
	} else {
		s.fails("delete", err)
	}
	s.offline()
	s.deleted = true
}

func (s *scene) stop() {
	s.faults.Add(s.fault)
	s.fails("close", s.d.Close())
}

func (s *scene) start() {
	must(s.t, s.d.Close())
	s.faults.Add(s.fault)
	_, err := Open(s.cfg)
	s.fails("open", err)
}

// newJournalFile fills the first file of the journal: beside the second one, which is the current one then, it makes a third.
func (s *scene) newJournalFile() {
	s.faults.Add(s.fault)
	s.fill(8)
	s.offline()
	s.goesOn()
}

// usedJournalFile has the first file of the journal prepared anew when the third one is the current one.
func (s *scene) usedJournalFile() {
	s.fill(8)
	waitJournalFile(s.t, s.memory, 3)
	must(s.t, s.d.Checkpoint())
	s.faults.Add(s.fault)
	s.fill(5)
	s.offline()
	s.goesOn()
	if _, err := vfs.Stat(s.memory, path.Join(testDir, "chronik.journal.00000004")); !isNotExist(err) {
		s.t.Errorf("a file is made in the place of one that could not be prepared (%v)", err)
	}
}

// fill appends records, each in a commit of its own, which takes a block. A journal file holds six.
func (s *scene) fill(records int) {
	for range records {
		s.append()
	}
}

// goesOn uses the journal's files once more, unless the directory is offline. The checkpoint has one prepared that could not be.
func (s *scene) goesOn() {
	if !s.spares {
		return
	}
	must(s.t, s.d.Checkpoint())
	s.sent = append(s.sent, goesOnStep(s.t, s.d, s.l)...)
	for range 3 {
		must(s.t, s.d.Checkpoint())
		s.fill(5)
	}
	must(s.t, s.d.Err())
}

// end looks at what a start finds after a kill or a power loss.
func (s *scene) end(crash bool) {
	s.t.Helper()
	if s.faults.Pending() > 0 {
		s.t.Fatal("the call was not made")
	}
	confirmed := s.l.Confirmed()
	next := s.memory.Kill()
	if crash {
		next = s.memory.Crash(uint64(len(s.fault.Path)))
	}
	_ = s.d.Close() // its disk is gone
	s.cfg.FS = next
	if s.deleted {
		s.wholeOrGone()
		return
	}
	restartAfterFault(s.t, s.cfg, s.sent, confirmed)
}

// wholeOrGone looks for a log whose deletion has failed.
func (s *scene) wholeOrGone() {
	d := openDir(s.t, s.cfg)
	if l := d.Log("topic", 0); l != nil && !bytes.Equal(readAll(s.t, l), s.sent) {
		s.t.Errorf("a part of the log is deleted: it is %d to %d", l.StartOffset(), l.EndOffset())
	}
	must(s.t, d.Close())
}
