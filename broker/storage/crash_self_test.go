package storage

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// liar is a disk that says of some calls that they are done, and does nothing.
type liar struct {
	vfs.FS
	lies func(op, name string) bool
}

func (l *liar) Open(name string, mode vfs.Mode) (vfs.File, error) {
	f, err := l.FS.Open(name, mode)
	if err != nil {
		return nil, err
	}
	return &lyingFile{f, l, name}, nil
}

func (l *liar) Rename(from, to string) error {
	if l.lies("rename", from) {
		return nil
	}
	return l.FS.Rename(from, to)
}

type lyingFile struct {
	vfs.File
	liar *liar
	name string
}

func (f *lyingFile) Sync() error {
	if f.liar.lies("sync", f.name) {
		return nil
	}
	return f.File.Sync()
}

// TestCrashesFindALyingDisk: a sync or a rename that is not done is found within few seeds, or TestCrashes would prove nothing.
func TestCrashesFindALyingDisk(t *testing.T) {
	lies := map[string]func(op, name string) bool{
		"sync of the journal":          func(op, name string) bool { return op == "sync" && strings.Contains(name, "chronik.journal.") },
		"sync of a segment":            func(op, name string) bool { return op == "sync" && strings.HasSuffix(name, logSuffix) },
		"sync of a log's directory":    func(op, name string) bool { return op == "sync" && strings.HasSuffix(name, "-0") },
		"rename of the log starts":     func(op, name string) bool { return op == "rename" && strings.HasSuffix(name, logStartFile+".tmp") },
		"rename of a deleted segment":  func(op, name string) bool { return op == "rename" && strings.HasSuffix(name, logSuffix) },
		"sync of a checkpoint of logs": func(op, name string) bool { return op == "sync" && strings.HasSuffix(name, logStartFile+".tmp") },
	}
	for what, lie := range lies {
		t.Run(what, func(t *testing.T) {
			const most = 200
			seed := uint64(0)
			for seed < most && livesWith(t, seed, lie) == "" {
				seed++
			}
			if seed == most {
				t.Errorf("%d seeds find nothing", most)
			}
			t.Logf("found by seed %d", seed)
		})
	}
}

// livesWith is what TestCrashes says of a seed on a lying disk; nothing if it finds no fault.
func livesWith(t *testing.T, seed uint64, lies func(op, name string) bool) (found string) {
	synctest.Test(t, func(t *testing.T) {
		c := &catcher{TB: t}
		ended := make(chan struct{})
		go func() { // which a failure ends
			defer close(ended)
			m := newModel(c, seed)
			defer m.giveUp()
			m.wrap = func(fsys vfs.FS) vfs.FS { return &liar{fsys, lies} }
			m.lives(5)
		}()
		<-ended
		found = strings.Join(c.found, "; ")
	})
	return found
}

// catcher keeps what a test would fail with.
type catcher struct {
	testing.TB
	found []string
}

func (c *catcher) Helper()      {}
func (c *catcher) Failed() bool { return len(c.found) > 0 }

func (c *catcher) Errorf(format string, args ...any) {
	c.found = append(c.found, fmt.Sprintf(format, args...))
}

func (c *catcher) Fatalf(format string, args ...any) {
	c.Errorf(format, args...)
	runtime.Goexit()
}

func (c *catcher) Fatal(args ...any) { c.Fatalf("%s", fmt.Sprint(args...)) }
