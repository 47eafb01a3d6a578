package rego_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/chronik-stream/chronik/authz/rego"
)

// pinned is an engine whose policies have to have a digest, and what it has told of.
type pinned struct {
	*setup
	required string
	// moves, where set, is what is required.
	moves   func() string
	changes []rego.Change
	a       *rego.Authorizer
}

// startPinned starts with policies that allow everything; they are required.
func startPinned(t *testing.T) *pinned {
	t.Helper()
	p := &pinned{setup: newSetup(t, map[string]string{"p.rego": allowAll}), required: digestOf(t, map[string]string{"p.rego": allowAll})}
	p.config.Required = func() string {
		if p.moves != nil {
			return p.moves()
		}
		return p.required
	}
	p.config.Changed = func(c rego.Change) { p.changes = append(p.changes, c) }
	p.a = rego.NewAuthorizer(rego.Rules{Mode: rego.Policies, ACLs: withACLs(), Engine: p.start(t)})
	return p
}

func (p *pinned) write(source string) { p.files["p.rego"] = &fstest.MapFile{Data: []byte(source)} }

func (p *pinned) look(times int) {
	for range times {
		p.engine.Look(context.Background())
	}
}

// last is what it has told of last.
func (p *pinned) last() rego.Change { return p.changes[len(p.changes)-1] }

// digestOf is the digest of a directory with these files.
func digestOf(t *testing.T, files map[string]string) string {
	t.Helper()
	d, err := rego.Digest(newSetup(t, files).config.Source)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestFilesComeBeforeTheirDigest: they wait, are told of once, and are in force with the next look after it is set.
func TestFilesComeBeforeTheirDigest(t *testing.T) {
	p := startPinned(t)
	p.write(allowNone)
	p.look(5)
	next := digestOf(t, map[string]string{"p.rego": allowNone})
	if c := p.last(); !may(p.a) || len(p.changes) != 2 || !errors.Is(c.Err, rego.ErrNotRequired) || c.Digest != next || c.Required != p.required {
		t.Fatalf("told of %+v", p.changes)
	}
	if s := p.engine.Stats(); s.NotRequired != 1 || s.Refused != 0 || s.Loaded != 1 || !s.Broken {
		t.Errorf("%+v", s)
	}
	p.required = next
	p.look(1)
	if s := p.engine.Stats(); may(p.a) || s.Loaded != 2 || s.Broken || p.last().Err != nil || p.last().Required != next {
		t.Errorf("the digest is set: %+v, told of %+v", s, p.changes)
	}
}

// TestTheDigestComesBeforeItsFiles: those in force stay until the files come, and are in force again where the digest is set back.
func TestTheDigestComesBeforeItsFiles(t *testing.T) {
	p := startPinned(t)
	first, next := p.required, digestOf(t, map[string]string{"p.rego": allowNone})
	p.required = next
	p.look(3)
	if s := p.engine.Stats(); !may(p.a) || s.NotRequired != 1 || !s.Broken || p.last().Digest != first || p.last().Required != next {
		t.Fatalf("%+v, told of %+v", s, p.changes)
	}
	p.required = first
	p.look(1)
	if s := p.engine.Stats(); !may(p.a) || s.NotRequired != 1 || s.Loaded != 1 || s.Broken {
		t.Errorf("the digest is set back: %+v", s)
	}
	p.required = next
	p.write(allowNone)
	p.look(2)
	if s := p.engine.Stats(); may(p.a) || s.Loaded != 2 || s.Broken {
		t.Errorf("the files are there: %+v", s)
	}
	p.required = ""
	p.write(allowAll)
	p.look(2)
	if !may(p.a) {
		t.Error("where none are required, those in the files are not in force")
	}
}

// TestOthersAreNotEvenCompiled: neither at the start, nor later, nor where nothing is left of them.
func TestOthersAreNotEvenCompiled(t *testing.T) {
	p := startPinned(t)
	p.write("package kafka.authz\nallow {")
	p.look(3)
	if c := p.last(); !errors.Is(c.Err, rego.ErrNotRequired) {
		t.Errorf("%v", c.Err)
	}
	delete(p.files, "p.rego")
	p.look(3)
	if c := p.last(); !may(p.a) || !errors.Is(c.Err, rego.ErrNotRequired) {
		t.Errorf("an empty directory: %v", c.Err)
	}
	_, err := rego.New(context.Background(), p.config)
	if !errors.Is(err, rego.ErrNotRequired) || !strings.Contains(err.Error(), p.required) || !strings.Contains(err.Error(), digestOf(t, nil)) {
		t.Errorf("a start with an empty directory: %v", err)
	}
	p.write(allowNone)
	if _, err := rego.New(context.Background(), p.config); !errors.Is(err, rego.ErrNotRequired) {
		t.Errorf("a start with others: %v", err)
	}
}

// TestWhatIsRequiredMayChangeDuringACompilation: what has been compiled meanwhile is not put in force.
func TestWhatIsRequiredMayChangeDuringACompilation(t *testing.T) {
	p := startPinned(t)
	next := digestOf(t, map[string]string{"p.rego": allowNone})
	p.write(allowNone)
	p.look(2)
	asked, first := 0, p.required
	p.moves = func() string {
		if asked++; asked > 2 { // by the look, and before the compilation
			return first
		}
		return next
	}
	p.look(1)
	if s := p.engine.Stats(); !may(p.a) || s.Loaded != 1 || asked < 3 {
		t.Error("policies are in force that were not required any more")
	}
	if p.look(1); !may(p.a) || p.last().Required != first {
		t.Errorf("told of %+v", p.last())
	}
}
