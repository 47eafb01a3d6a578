package rego

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// countingFS counts what is opened to be read; a listing does not count.
type countingFS struct {
	fs.FS
	read int
	// failing is how many times more nothing can be opened.
	failing int
}

func (c *countingFS) Open(name string) (fs.File, error) {
	if isModule(name) {
		c.read++
	}
	if c.failing > 0 {
		c.failing--
		return nil, syscall.EMFILE
	}
	return c.FS.Open(name)
}

// Stat and ReadDir keep fs.Stat and fs.ReadDir from opening.
func (c *countingFS) Stat(name string) (fs.FileInfo, error)      { return fs.Stat(c.FS, name) }
func (c *countingFS) ReadDir(name string) ([]fs.DirEntry, error) { return fs.ReadDir(c.FS, name) }

// settled waits until a file's last change is old enough for its stamp to be trusted.
func settled(t *testing.T, files fs.FS, name string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !stampOf(files, []string{name}).trusted; <-time.After(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the stamp is never trusted")
		}
	}
}

func digestOf(t *testing.T, s Source) [32]byte {
	t.Helper()
	snapshot, err := s.Read()
	if err != nil {
		t.Fatal(err)
	}
	return snapshot.Digest
}

// TestFilesAreReadWhenTheyMayHaveChanged: not at every look, and whatever is done to size and time of modification.
func TestFilesAreReadWhenTheyMayHaveChanged(t *testing.T) {
	root := t.TempDir()
	path := filepath.Join(root, "p.rego")
	noon := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	write := func(content string) {
		if err := errors.Join(os.WriteFile(path, []byte(content), 0o600), os.Chtimes(path, noon, noon)); err != nil {
			t.Fatal(err)
		}
	}
	write("package a")
	files := &countingFS{FS: os.DirFS(root)}
	source := Dir(files)
	for range 3 {
		digestOf(t, source)
	}
	if files.read != 3 {
		t.Errorf("read %d times within a second of its change", files.read)
	}
	settled(t, files, "p.rego")
	a := digestOf(t, source)
	files.read = 0
	for range trustedLooks {
		digestOf(t, source)
	}
	if files.read != 0 {
		t.Errorf("read %d times though nothing has changed", files.read)
	}
	if digestOf(t, source); files.read != 1 {
		t.Errorf("read %d times after %d looks", files.read, trustedLooks)
	}
	write("package b") // of the same size and time
	if digestOf(t, source) == a {
		t.Error("a change of the same size and time is not seen")
	}
}

// TestASnapshotThatIsNotReadReadsItsFiles, and says when they are others by then.
func TestASnapshotThatIsNotReadReadsItsFiles(t *testing.T) {
	root := t.TempDir()
	path := filepath.Join(root, "p.rego")
	if err := os.WriteFile(path, []byte("package a"), 0o600); err != nil {
		t.Fatal(err)
	}
	files := &countingFS{FS: os.DirFS(root)}
	source := Dir(files)
	settled(t, files, "p.rego")
	digestOf(t, source)
	snapshot, err := source.Read()
	if err != nil || files.read != 1 {
		t.Fatalf("read %d times, %v", files.read, err)
	}
	if got, err := snapshot.Files(); err != nil || got.Modules["p.rego"] != "package a" {
		t.Errorf("%+v, %v", got, err)
	}
	if err := os.WriteFile(path, []byte("package b"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := snapshot.Files(); !errors.Is(err, errChanged) {
		t.Errorf("other files than were looked at: %v", err)
	}
}

// TestWhatCanNotBeReadIsTriedAgain: files that were seen before their digest was required are read when it is. Where that fails they are in
// force as soon as it does not, and nobody has to change them, which would be another digest.
func TestWhatCanNotBeReadIsTriedAgain(t *testing.T) {
	root := t.TempDir()
	path := filepath.Join(root, "p.rego")
	write := func(source string) {
		if err := os.WriteFile(path, []byte(source), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("package kafka.authz\nallow = true")
	files := &countingFS{FS: os.DirFS(root)}
	source, told := Dir(files), 0
	first, err := Digest(source)
	if err != nil {
		t.Fatal(err)
	}
	required := first
	e, err := New(t.Context(), Config{
		Source: source, Required: func() string { return required }, Clock: time.Now, Logger: slog.New(slog.DiscardHandler), Changed: func(Change) { told++ },
	})
	if err != nil {
		t.Fatal(err)
	}
	write("package kafka.authz\nallow = false")
	settled(t, files, "p.rego")
	for range 3 {
		e.Look(t.Context())
	}
	second, err := Digest(Dir(files))
	if s := e.Stats(); err != nil || s.NotRequired != 1 || told != 2 {
		t.Fatalf("%+v, told %d times, %v", s, told, err)
	}
	required, files.failing = second, 3
	for range 3 {
		e.Look(t.Context())
	}
	if s := e.Stats(); e.Digest() != first || !s.Broken || s.Refused != 1 || told != 3 {
		t.Errorf("they can not be read: %+v, told %d times", s, told)
	}
	if e.Look(t.Context()); e.Digest() != second || e.Stats().Broken {
		t.Errorf("they can be read, and %s is in force: %+v", e.Digest(), e.Stats())
	}
}

// TestAPipeIsNoPolicy: nobody waits for who may write to it, and what comes in its place is read.
func TestAPipeIsNoPolicy(t *testing.T) {
	root := t.TempDir()
	path := filepath.Join(root, "p.rego")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	key, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	bundle, err := Bundle(os.DirFS(root), "p.rego", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	if err != nil {
		t.Fatal(err)
	}
	source := Dir(os.DirFS(root))
	for _, s := range []Source{source, bundle} {
		if _, err := s.Read(); !errors.Is(err, ErrNoFile) {
			t.Errorf("a pipe: %v", err)
		}
	}
	if err := errors.Join(os.Remove(path), os.WriteFile(path, []byte("package a"), 0o600)); err != nil {
		t.Fatal(err)
	}
	digestOf(t, source)
}
