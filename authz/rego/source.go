package rego

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Source is where policies come from. It is read by one goroutine at a time.
type Source interface {
	// Read reads what is there now. Two snapshots with the same digest are the same policies.
	Read() (Snapshot, error)
}

// Snapshot is what a source held at one moment.
type Snapshot struct {
	Digest [sha256.Size]byte
	// Files makes the files of it, or says what is wrong with them.
	Files func() (*Files, error)
}

// Files are the parts of a policy.
type Files struct {
	// Modules are sources in Rego by their path; those whose path ends in _test.rego are for tests alone.
	Modules map[string]string
	// Data is the base document, as encoding/json decodes it with numbers kept as they are.
	Data map[string]any
}

// Errors of sources; each comes wrapped with what and where.
var (
	ErrTooLarge = errors.New("policies are too large")
	ErrConflict = errors.New("two data files have the same path")
	// ErrNoFile is of what has the name of a policy and is none, such as a pipe, which would be waited for.
	ErrNoFile = errors.New("not a regular file")
)

// errUnread says that policies could not be read when they were wanted, which says nothing of whether they are right: the next look tries again.
var errUnread = errors.New("the policies could not be read")

// errChanged says that files changed between the look that found them the same and the one that read them: the next look finds out.
var errChanged = fmt.Errorf("%w: they changed meanwhile", errUnread)

// dir are the files of a directory.
type dir struct {
	files fs.FS
	seen  seen
}

// Dir returns the policies of a directory and those below it: *.rego, and data.json, whose path is that of its document. Names that begin
// with a dot are not looked at, so that a mounted ConfigMap of Kubernetes is seen once, by its links.
func Dir(files fs.FS) Source { return &dir{files: files} }

// Read implements Source.
func (d *dir) Read() (Snapshot, error) {
	names, err := d.list()
	if err != nil {
		return Snapshot{}, err
	}
	now := stampOf(d.files, names)
	if d.seen.still(now) {
		return again(d.seen.digest, func() (Snapshot, error) { return d.readAll(names) }), nil
	}
	s, err := d.readAll(names)
	if err == nil {
		d.seen.keep(now, s.Digest)
	}
	return s, err
}

// again is a snapshot of files that are still the same, and are read where somebody wants them.
func again(digest [sha256.Size]byte, read func() (Snapshot, error)) Snapshot {
	return Snapshot{Digest: digest, Files: func() (*Files, error) {
		s, err := read()
		switch {
		case err != nil:
			return nil, fmt.Errorf("%w: %w", errUnread, err)
		case s.Digest != digest:
			return nil, errChanged
		}
		return s.Files()
	}}
}

func (d *dir) readAll(names []string) (Snapshot, error) {
	sum := newDigest()
	content := make(map[string][]byte, len(names))
	left := budget{}
	for _, name := range names {
		b, err := d.read(name, &left)
		if err != nil {
			return Snapshot{}, err
		}
		content[name] = b
		sum.text([]byte(name))
		sum.text(b)
	}
	return Snapshot{Digest: sum.sum(), Files: func() (*Files, error) { return filesOf(names, content) }}, nil
}

func (d *dir) list() ([]string, error) {
	var names []string
	err := fs.WalkDir(d.files, ".", func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name != "." && strings.HasPrefix(e.Name(), "."):
			if e.IsDir() {
				return fs.SkipDir
			}
		case !e.IsDir() && (isModule(name) || isData(name)):
			names = append(names, name)
		}
		if len(names) > MaxFiles {
			return fmt.Errorf("%w: more than %d files", ErrTooLarge, MaxFiles)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list the policies: %w", err)
	}
	slices.Sort(names)
	return names, nil
}

func (d *dir) read(name string, left *budget) ([]byte, error) {
	f, err := openRegular(d.files, name)
	if err != nil {
		return nil, fmt.Errorf("open a policy: %w", err)
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, left.of(name)+1))
	if err != nil {
		return nil, fmt.Errorf("read the policy %s: %w", name, err)
	}
	return b, left.take(name, len(b))
}

// openRegular opens a file, or what a link leads to.
func openRegular(files fs.FS, name string) (fs.File, error) {
	switch info, err := fs.Stat(files, name); {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%w: %s", ErrNoFile, name)
	}
	return files.Open(name)
}

// budget is how much has been read.
type budget struct {
	modules, data int64
}

func (b *budget) of(name string) int64 {
	if isModule(name) {
		return MaxPolicyBytes - b.modules
	}
	return MaxDataBytes - b.data
}

func (b *budget) take(name string, n int) error {
	if int64(n) > b.of(name) {
		return fmt.Errorf("%w at %s: modules may have %d bytes together, data %d", ErrTooLarge, name, MaxPolicyBytes, MaxDataBytes)
	}
	if isModule(name) {
		b.modules += int64(n)
	} else {
		b.data += int64(n)
	}
	return nil
}

func isModule(name string) bool { return strings.HasSuffix(name, ".rego") }

func isData(name string) bool { return path.Base(name) == "data.json" }

func isTest(name string) bool { return strings.HasSuffix(name, "_test.rego") }

func filesOf(names []string, content map[string][]byte) (*Files, error) {
	out := &Files{Modules: map[string]string{}, Data: map[string]any{}}
	for _, name := range names {
		if isModule(name) {
			out.Modules[name] = string(content[name])
			continue
		}
		document := map[string]any{}
		in := json.NewDecoder(strings.NewReader(string(content[name])))
		in.UseNumber()
		if err := in.Decode(&document); err != nil {
			return nil, fmt.Errorf("the data file %s is not a JSON object: %w", name, err)
		}
		if in.More() {
			return nil, fmt.Errorf("the data file %s has more than one JSON value", name)
		}
		if err := merge(out.Data, at(strings.ReplaceAll(path.Dir(name), "/", ".")), document); err != nil {
			return nil, fmt.Errorf("%w: %s", err, name)
		}
	}
	return out, nil
}

// merge puts a document at a path of another. What both have must be objects.
func merge(into map[string]any, where []string, document map[string]any) error {
	for _, name := range where {
		if name == "" {
			continue
		}
		below, found := into[name]
		if !found {
			below = map[string]any{}
			into[name] = below
		}
		object, is := below.(map[string]any)
		if !is {
			return ErrConflict
		}
		into = object
	}
	for key, value := range document {
		have, found := into[key]
		if !found {
			into[key] = value
			continue
		}
		mine, isMine := have.(map[string]any)
		theirs, isTheirs := value.(map[string]any)
		if !isMine || !isTheirs {
			return ErrConflict
		}
		if err := merge(mine, nil, theirs); err != nil {
			return err
		}
	}
	return nil
}
