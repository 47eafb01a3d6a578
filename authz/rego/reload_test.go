package rego_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/authz/rego"
)

const (
	allowAll  = "package kafka.authz\nallow = true"
	allowNone = "package kafka.authz\nallow = false"
)

func may(a *rego.Authorizer) bool {
	return a.Pin().Decide(subject("alice"), authz.Read, topic("t")).Allowed
}

func TestReload(t *testing.T) {
	s := newSetup(t, map[string]string{"p.rego": allowAll})
	var changes []rego.Change
	s.config.Changed = func(c rego.Change) { changes = append(changes, c) }
	a := rego.NewAuthorizer(rego.Rules{Mode: rego.Policies, ACLs: withACLs(), Engine: s.start(t)})
	ctx := context.Background()
	pinned, epoch := a.Pin(), a.Epoch()

	s.files["p.rego"] = &fstest.MapFile{Data: []byte(allowNone)}
	s.engine.Look(ctx)
	if !may(a) || a.Epoch() != epoch {
		t.Error("a change that was seen once is in force: it may be half written")
	}
	s.engine.Look(ctx)
	if may(a) || a.Epoch() <= epoch {
		t.Errorf("the change is not in force: epoch %d after %d", a.Epoch(), epoch)
	}
	if d := pinned.Decide(subject("alice"), authz.Read, topic("t")); !d.Allowed || pinned.Epoch() != epoch {
		t.Error("a pinned view has changed")
	}
	s.engine.Look(ctx)
	if len(changes) != 2 || changes[1].Err != nil || changes[1].Digest == changes[0].Digest {
		t.Errorf("told of %+v", changes)
	}
}

// TestTheEpochGrowsWithEveryChange: also where policies look at the time less closely than those before, or not at all.
func TestTheEpochGrowsWithEveryChange(t *testing.T) {
	s := newSetup(t, map[string]string{"p.rego": allowAll})
	acls := withACLs()
	a := rego.NewAuthorizer(rego.Rules{Mode: rego.Policies, ACLs: acls, Engine: s.start(t)})
	epoch := a.Epoch()
	for i, condition := range []string{"input.time.second > 0", "input.time.hour > 0", "false", "time.now_ns() > 0", "input.time.minute > 0", "true"} {
		s.files["p.rego"] = &fstest.MapFile{Data: []byte("package kafka.authz\nallow { " + condition + " }")}
		for range 2 {
			s.engine.Look(context.Background())
		}
		if now := a.Epoch(); now <= epoch || a.Pin().Epoch() != now {
			t.Errorf("%s: epoch %d after %d", condition, now, epoch)
		}
		epoch = a.Epoch()
		acls.Load(uint64(i)+2, nil)
		if now := a.Epoch(); now <= epoch {
			t.Errorf("%s: epoch %d after %d with other ACLs", condition, now, epoch)
		}
		epoch = a.Epoch()
	}
}

func TestABrokenPolicyIsRefusedAndTheLastGoodOneStays(t *testing.T) {
	s := newSetup(t, map[string]string{"p.rego": allowAll})
	var changes []rego.Change
	s.config.Changed = func(c rego.Change) { changes = append(changes, c) }
	a := rego.NewAuthorizer(rego.Rules{Mode: rego.Policies, ACLs: withACLs(), Engine: s.start(t)})
	epoch := a.Epoch()
	for _, broken := range []string{"package kafka.authz\nallow {", "package other\nallow = false"} {
		s.files["p.rego"] = &fstest.MapFile{Data: []byte(broken)}
		for range 5 {
			s.engine.Look(context.Background())
		}
		if !may(a) || a.Epoch() != epoch {
			t.Errorf("%q is in force", broken)
		}
	}
	delete(s.files, "p.rego")
	for range 5 {
		s.engine.Look(context.Background())
	}
	if got := s.engine.Stats(); !may(a) || got.Refused != 3 || got.Loaded != 1 || !got.Broken || len(changes) != 4 {
		t.Errorf("%+v, told %d times", got, len(changes))
	}
	s.files["p.rego"] = &fstest.MapFile{Data: []byte(allowAll)}
	for range 2 {
		s.engine.Look(context.Background())
	}
	if got := s.engine.Stats(); got.Broken || got.Loaded != 1 {
		t.Errorf("the good one is back: %+v", got)
	}
}

// unreadable is a source that fails.
type unreadable struct {
	rego.Source
	err error
}

func (u *unreadable) Read() (rego.Snapshot, error) {
	if u.err != nil {
		return rego.Snapshot{}, u.err
	}
	return u.Source.Read()
}

func TestASourceThatCanNotBeReadChangesNothing(t *testing.T) {
	s := newSetup(t, map[string]string{"p.rego": allowAll})
	source := &unreadable{Source: s.config.Source}
	s.config.Source = source
	a := rego.NewAuthorizer(rego.Rules{Mode: rego.Policies, ACLs: withACLs(), Engine: s.start(t)})
	source.err = errors.New("the disk is gone")
	for range 4 {
		s.engine.Look(context.Background())
	}
	if got := s.engine.Stats(); !may(a) || got.Refused != 1 || !got.Broken {
		t.Errorf("%+v", got)
	}
}

// TestLinksAndRenames: policies are seen as Kubernetes mounts them, by links to links that are swapped, and when a file is renamed into
// place with the old one's size and time.
func TestLinksAndRenames(t *testing.T) {
	root := t.TempDir()
	write := func(name, content string) {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, noon(), noon()); err != nil {
			t.Fatal(err)
		}
	}
	link := func(target, name string) {
		if err := os.Symlink(target, filepath.Join(root, name+".new")); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(filepath.Join(root, name+".new"), filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	write("..1/p.rego", allowAll)
	link("..1", "..data")
	link("..data/p.rego", "p.rego")
	s := newSetup(t, nil)
	s.config.Source = rego.Dir(os.DirFS(root))
	a := rego.NewAuthorizer(rego.Rules{Mode: rego.Policies, ACLs: withACLs(), Engine: s.start(t)})
	look := func() {
		s.engine.Look(context.Background())
		s.engine.Look(context.Background())
	}
	if !may(a) {
		t.Fatal("denied by a policy that allows")
	}
	write("..2/p.rego", allowNone)
	link("..2", "..data")
	if look(); may(a) {
		t.Error("a swapped link was not seen")
	}
	write("renamed", allowAll+" ")
	if err := os.Rename(filepath.Join(root, "renamed"), filepath.Join(root, "p.rego")); err != nil {
		t.Fatal(err)
	}
	if look(); !may(a) {
		t.Error("a renamed file was not seen")
	}
}

func TestRunLooksUntilItIsStopped(t *testing.T) {
	s := newSetup(t, map[string]string{"p.rego": allowAll})
	changed := make(chan rego.Change, 4)
	s.config.Changed = func(c rego.Change) { changed <- c }
	root := t.TempDir()
	path := filepath.Join(root, "p.rego")
	if err := os.WriteFile(path, []byte(allowAll), 0o600); err != nil {
		t.Fatal(err)
	}
	s.config.Source = rego.Dir(os.DirFS(root).(fs.StatFS))
	a := rego.NewAuthorizer(rego.Rules{Mode: rego.Policies, ACLs: withACLs(), Engine: s.start(t)})
	<-changed
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.engine.Run(ctx, time.Millisecond)
	}()
	if err := os.WriteFile(path, []byte(allowNone), 0o600); err != nil {
		t.Fatal(err)
	}
	for c := <-changed; c.Err != nil; c = <-changed { // what was half written was refused
	}
	if may(a) {
		t.Error("the change is not in force")
	}
	stop()
	<-done
}

// hostile is a source on whose files the compiler panics.
type hostile struct{ rego.Source }

func (h hostile) Read() (rego.Snapshot, error) {
	s, err := h.Source.Read()
	s.Digest[0]++
	s.Files = func() (*rego.Files, error) { return nil, nil }
	return s, err
}

func TestAPanicOfTheCompilerIsARefusal(t *testing.T) {
	s := newSetup(t, map[string]string{"p.rego": allowAll})
	if _, err := rego.New(context.Background(), rego.Config{Source: hostile{s.config.Source}, Clock: s.config.Clock, Logger: s.config.Logger}); !errors.Is(err, rego.ErrPanic) {
		t.Errorf("at the start: %v", err)
	}
}
