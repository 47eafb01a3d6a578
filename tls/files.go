package tls

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
)

var errNotRegular = errors.New("it is not a regular file")

// files are the contents of all files of a configuration, read once, so that what is compared is what is used.
type files struct {
	content map[string][]byte
	digest  [sha256.Size]byte
}

// readFiles reads each path that is not empty.
func readFiles(paths ...string) (files, error) {
	f := files{content: map[string][]byte{}}
	digest := sha256.New()
	for _, path := range paths {
		if path == "" {
			continue
		}
		content, err := readStore(path)
		if err != nil {
			return files{}, err
		}
		f.content[path] = content
		sum := sha256.Sum256(content)
		digest.Write(sum[:])
	}
	f.digest = [sha256.Size]byte(digest.Sum(nil))
	return f, nil
}

func readStore(path string) ([]byte, error) {
	return readBounded(path, maxStoreBytes, ErrBadStore)
}

// readBounded reads a file that the operator's configuration names. It does not wait for somebody to write to a pipe, which might
// never be.
func readBounded(path string, most int64, tooLarge error) ([]byte, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // #nosec G304 -- the operator's configuration names it
	if err != nil {
		return nil, fmt.Errorf("open a file of the TLS configuration: %w", err)
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: path, Err: errNotRegular}
	}
	if err != nil {
		return nil, fmt.Errorf("look at a file of the TLS configuration: %w", err)
	}
	return bounded(file, path, most, tooLarge)
}

// bounded reads all of something that may be too large.
func bounded(from io.Reader, name string, most int64, tooLarge error) ([]byte, error) {
	content, err := io.ReadAll(io.LimitReader(from, most+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if int64(len(content)) > most {
		return nil, fmt.Errorf("%w: %s has more than %d bytes", tooLarge, name, most)
	}
	return content, nil
}

// unlessDone returns what read does, or why ctx has ended where that comes first: reading from a mount that has stalled may take for ever,
// and nothing can end it.
func unlessDone[T any](ctx context.Context, read func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := read()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}
