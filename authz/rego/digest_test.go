package rego_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"

	"github.com/open-policy-agent/opa/v1/bundle"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/authz/rego"
)

// TestTheDigestStays: administrators keep digests, and so do metadata logs, from release to release.
func TestTheDigestStays(t *testing.T) {
	const want = "475e9b123fa005af32d02d1210e1a6757354022c03d7bafea481dc844cd67e95"
	if got := digestOf(t, map[string]string{"p.rego": allowAll, "a/data.json": "{}"}); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestTheDigestIsOfNamesAndContents: whatever may change what the policies decide is another digest.
func TestTheDigestIsOfNamesAndContents(t *testing.T) {
	seen := map[string]string{}
	for what, files := range map[string]map[string]string{
		"nothing":           {},
		"a module":          {"p.rego": "ab"},
		"another name":      {"q.rego": "ab"},
		"another case":      {"P.rego": "ab"},
		"below":             {"a/p.rego": "ab"},
		"another content":   {"p.rego": "abc"},
		"more of the first": {"p.rego": "abq.regoc"},
		"two":               {"p.rego": "ab", "q.rego": "c"},
		"two in two cases":  {"p.rego": "ab", "P.rego": "c"},
		"the other way":     {"p.rego": "c", "P.rego": "ab"},
		"an empty one":      {"p.rego": "ab", "q.rego": ""},
		"data":              {"p.rego": "ab", "data.json": "{}"},
		"data below":        {"p.rego": "ab", "a/data.json": "{}"},
		"a test":            {"p.rego": "ab", "p_test.rego": ""},
	} {
		d := digestOf(t, files)
		if other := seen[d]; other != "" {
			t.Errorf("%s has the digest of %s", what, other)
		}
		seen[d] = what
	}
	if digestOf(t, map[string]string{"p.rego": "ab", "README.md": "x", ".git/p.rego": "y", ".p.rego": "z"}) != digestOf(t, map[string]string{"p.rego": "ab"}) {
		t.Error("files that are no policies count")
	}
}

// TestTheDigestIsTheSameOfEveryCopy: whenever it was made, and where links lead to the files.
func TestTheDigestIsTheSameOfEveryCopy(t *testing.T) {
	files := map[string]string{"b.rego": allowAll, "a.rego": "package a", "sub/data.json": "{}"}
	want := digestOf(t, files)
	copied, linked := t.TempDir(), t.TempDir()
	for i, name := range []string{"sub/data.json", "b.rego", "a.rego"} {
		path, link := filepath.Join(copied, name), filepath.Join(linked, name)
		made := time.Unix(int64(1_000_000*(i+1)), 0)
		err := errors.Join(
			os.MkdirAll(filepath.Dir(path), 0o700), os.MkdirAll(filepath.Dir(link), 0o700), os.WriteFile(path, []byte(files[name]), 0o600),
			os.Chtimes(path, made, made), os.Symlink(path, link),
		)
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range []string{copied, linked} {
		if got, err := rego.Digest(rego.Dir(os.DirFS(dir))); err != nil || got != want {
			t.Errorf("%s has %s, %v; want %s", dir, got, err, want)
		}
	}
	if err := os.WriteFile(filepath.Join(copied, "a.rego"), []byte("package b"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := rego.Digest(rego.Dir(os.DirFS(linked))); err != nil || got == want {
		t.Errorf("what a link leads to has changed, and the digest has not: %v", err)
	}
}

// TestWhatIsDigestedIsCompiled: of files that change between the digest and the compilation, or of a link that is turned.
func TestWhatIsDigestedIsCompiled(t *testing.T) {
	root := t.TempDir()
	good, bad, link := filepath.Join(root, ".good"), filepath.Join(root, ".bad"), filepath.Join(root, "p.rego")
	if err := errors.Join(os.WriteFile(good, []byte(allowNone), 0o600), os.WriteFile(bad, []byte(allowAll), 0o600), os.Symlink(good, link)); err != nil {
		t.Fatal(err)
	}
	source := &turning{Source: rego.Dir(os.DirFS(root)), turn: func() {
		if err := errors.Join(os.Remove(link), os.Symlink(bad, link)); err != nil {
			t.Error(err)
		}
	}}
	s := newSetup(t, nil)
	s.config.Source = source
	required := digestOf(t, map[string]string{"p.rego": allowNone})
	s.config.Required = func() string { return required }
	if a := rego.NewAuthorizer(rego.Rules{Mode: rego.Policies, ACLs: withACLs(), Engine: s.start(t)}); may(a) || s.engine.Digest() != required {
		t.Error("other bytes are in force than were digested")
	}
}

// turning changes the files as soon as they are digested.
type turning struct {
	rego.Source
	turn func()
}

func (s *turning) Read() (rego.Snapshot, error) {
	snapshot, err := s.Source.Read()
	s.turn()
	return snapshot, err
}

func TestTheDigestOfABundleIsThatOfItsFile(t *testing.T) {
	private, public := keyPair(t)
	content := bundled(t, allowAll, private)
	files := fstest.MapFS{"b.tar.gz": {Data: content}}
	source, err := rego.Bundle(files, "b.tar.gz", []byte(public))
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("%x", sha256.Sum256(content))
	bySource, err := rego.Digest(source)
	if err != nil || bySource != want {
		t.Errorf("%s, %v", bySource, err)
	}
	if byName, err := rego.BundleDigest(files, "b.tar.gz"); err != nil || byName != want {
		t.Errorf("%s, %v", byName, err)
	}
	if checked, err := rego.Check(context.Background(), source, nil); err != nil || checked != want {
		t.Errorf("%s, %v", checked, err)
	}
	if _, err := rego.BundleDigest(files, "none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

func TestCheckIsAsStrictAsAStart(t *testing.T) {
	for _, bad := range []string{"package kafka.authz\nallow {", "package other\nallow = true", "package kafka.authz\nallow { http.send({}) }"} {
		if _, err := rego.Check(context.Background(), newSetup(t, map[string]string{"p.rego": bad}).config.Source, nil); err == nil {
			t.Errorf("%q is right", bad)
		}
	}
	s := newSetup(t, map[string]string{"p.rego": allowAll})
	if got, err := rego.Check(context.Background(), s.config.Source, nil); err != nil || got != s.start(t).Digest() {
		t.Errorf("%s, %v", got, err)
	}
}

// TestNamesOfABundleAreNotMixedUp: names that differ in case or by a way up are modules of their own, and none takes the place of another.
func TestNamesOfABundleAreNotMixedUp(t *testing.T) {
	private, public := keyPair(t)
	const rule = "package kafka.authz\nallow { input.requestContext.principal.name == %q }"
	for other, taken := range map[string]bool{"/P.rego": true, "/a/../p.rego": true, "/../p.rego": true, "/p.rego": false} {
		b := bundle.Bundle{Data: map[string]any{}, Modules: []bundle.ModuleFile{
			{URL: "/p.rego", Path: "/p.rego", Raw: fmt.Appendf(nil, rule, "alice")},
			{URL: other, Path: other, Raw: fmt.Appendf(nil, rule, "bob")},
		}}
		source, err := rego.Bundle(fstest.MapFS{"b.tar.gz": {Data: packed(t, b, private)}}, "b.tar.gz", []byte(public))
		if err != nil {
			t.Fatal(err)
		}
		s := newSetup(t, nil)
		s.config.Source = source
		engine, err := rego.New(context.Background(), s.config)
		if (err == nil) != taken {
			t.Errorf("%s: %v", other, err)
		}
		if err != nil {
			continue
		}
		a := rego.NewAuthorizer(rego.Rules{Mode: rego.Policies, ACLs: withACLs(), Engine: engine})
		if !may(a) || !a.Pin().Decide(subject("bob"), authz.Read, topic("t")).Allowed {
			t.Errorf("%s: one of the two does not count", other)
		}
	}
}
