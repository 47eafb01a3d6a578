package journal

import (
	"context"
	"errors"
	"slices"
	"sync"
	"syscall"
	"testing"
)

// source is what references of the tests rest on.
type source struct {
	wait chan struct{} // Sync returns when it is closed
	err  error
}

func (s *source) Sync() error {
	<-s.wait
	return s.err
}

// paced tells when Pace has returned.
func paced(j *Journal) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		_ = j.Pace(context.Background()) // which does not end
		close(done)
	}()
	return done
}

// TestPaceWaitsForACheckpoint: what a replay has to read is bounded.
func TestPaceWaitsForACheckpoint(t *testing.T) {
	disk := newDisk(t)
	j, err := Start(Config{FS: disk, Dir: "/j", FileBytes: testFileBytes, CheckpointBytes: testFileBytes}, Tail{})
	must(t, err)
	f := frame(0)
	f.Payload = make([]byte, testFileBytes/2)
	files := func() int {
		j.mu.Lock()
		defer j.mu.Unlock()
		return len(j.live)
	}
	for files() < liveCheckpoints {
		must(t, j.Pace(t.Context()))
		must(t, j.AppendWait(f))
	}
	<-j.CheckpointDue()
	done := paced(j)
	small := frame(1)
	must(t, j.AppendWait(small)) // what a checkpoint needs goes on
	select {
	case <-done:
		t.Fatal("let through without a checkpoint")
	default:
	}
	ctx, cancel := context.WithCancel(t.Context())
	gaveUp := make(chan error)
	go func() { gaveUp <- j.Pace(ctx) }()
	cancel()
	if err := <-gaveUp; !errors.Is(err, context.Canceled) {
		t.Errorf("who does not wait any longer: %v", err)
	}
	must(t, j.Checkpoint(j.LSN()))
	<-done
	must(t, j.Close())
}

// TestHeldFramesKeepTheirOrder: frames behind one that waits for its source wait too, those of other orders do not.
func TestHeldFramesKeepTheirOrder(t *testing.T) {
	disk := newDisk(t)
	j, _ := open(t, disk, FlushAcks)
	var mu sync.Mutex
	var told []int64
	tell := func(token int64, err error) {
		mu.Lock()
		defer mu.Unlock()
		if err == nil {
			told = append(told, token)
		}
	}
	var order, other Order
	slow := &source{wait: make(chan struct{})}
	reference := frame(1)
	reference.Type, reference.Sources, reference.Order = Reference, []Source{slow, slow}, &order
	behind := frame(2)
	behind.Order = &order
	free := frame(3)
	free.Order = &other
	for i, f := range []*Frame{reference, behind, free} {
		_, err := j.Append(f, tell, int64(i))
		must(t, err)
	}
	must(t, j.AppendWait(frame(4)))
	if reference.LSN != 0 || behind.LSN != 0 || free.LSN != 1 {
		t.Fatalf("LSNs %d, %d and %d", reference.LSN, behind.LSN, free.LSN)
	}
	close(slow.wait)
	j.Settle(&order)
	must(t, j.Close())
	if !slices.Equal(told, []int64{2, 0, 1}) {
		t.Fatalf("told in the order %v", told)
	}
	got, _, err := replayed(disk.Crash(1))
	must(t, err)
	equal(t, got, []string{describe(free), describe(frame(4)), describe(reference), describe(behind)})
}

// TestFailedSource: nothing that waits for it, nor what comes behind, is confirmed or written.
func TestFailedSource(t *testing.T) {
	disk := newDisk(t)
	j, _ := open(t, disk, FlushAcks)
	eio := errors.New("input/output error")
	slow := &source{wait: make(chan struct{}), err: eio}
	outcomes := make(chan error, 2)
	var order Order
	for i := range 2 {
		f := frame(i)
		f.Order = &order
		if i == 0 {
			f.Sources = []Source{slow}
		}
		_, err := j.Append(f, func(_ int64, err error) { outcomes <- err }, 0)
		must(t, err)
	}
	close(slow.wait)
	for range 2 {
		if err := <-outcomes; !errors.Is(err, eio) {
			t.Fatalf("told %v", err)
		}
	}
	j.Settle(&order)
	if err := j.Close(); !errors.Is(err, eio) {
		t.Fatalf("Close: %v", err)
	}
	got, _, err := replayed(disk)
	must(t, err)
	equal(t, got, nil)
}

// chained is a source that fails after another one.
type chained struct {
	after, done chan struct{}
	err         error
}

func (c *chained) Sync() error {
	<-c.after
	defer close(c.done)
	return c.err
}

// TestAFailedSyncIsNotHiddenByAnotherError: what may be tried again comes first here, and must not make the rest be tried again too.
func TestAFailedSyncIsNotHiddenByAnotherError(t *testing.T) {
	eio := errors.New("input/output error")
	for _, passing := range []error{syscall.EMFILE, syscall.ENOSPC} {
		first := &chained{after: make(chan struct{}), done: make(chan struct{}), err: passing}
		second := &chained{after: first.done, done: make(chan struct{}), err: eio}
		starts := &starter{first.after}
		if err := SyncAll([]Source{second, first, starts}, DefaultSyncsAtOnce); !errors.Is(err, eio) {
			t.Errorf("%v", err)
		}
	}
}

// starter is a source that lets others go on.
type starter struct{ started chan struct{} }

func (s *starter) Sync() error {
	close(s.started)
	return nil
}

// crowded is a source for which there is no open file at first.
type crowded struct{ tries int }

func (c *crowded) Sync() error {
	c.tries++
	if c.tries == 1 {
		return syscall.EMFILE
	}
	return nil
}

// TestASourceThatCouldNotBeOpenedIsTriedAgain: nothing was lost, and the journal goes on.
func TestASourceThatCouldNotBeOpenedIsTriedAgain(t *testing.T) {
	disk := newDisk(t)
	j, _ := open(t, disk, FlushAcks)
	var order Order
	source := &crowded{}
	f := frame(0)
	f.Order, f.Sources = &order, []Source{source}
	outcome := make(chan error, 1)
	_, err := j.Append(f, func(_ int64, err error) { outcome <- err }, 0)
	must(t, err)
	must(t, <-outcome)
	if source.tries != 2 {
		t.Errorf("%d tries", source.tries)
	}
	must(t, j.Close())
	got, _, err := replayed(disk)
	must(t, err)
	equal(t, got, []string{describe(f)})
}

// TestLargeCommitsAreSplit: what waits may be more than one file holds.
func TestLargeCommitsAreSplit(t *testing.T) {
	disk := newDisk(t)
	j, _ := open(t, disk, FlushOS)
	var want []string
	for i := range 400 {
		f := frame(i)
		f.Payload = make([]byte, 1000)
		_, err := j.Append(f, nil, 0)
		must(t, err)
		want = append(want, describe(f))
	}
	must(t, j.Close())
	got, _, err := replayed(disk)
	must(t, err)
	equal(t, got, want)
}
