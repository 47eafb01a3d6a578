package tls

import (
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// crlFiles are the files of chronik.ssl.crl.location and what was last good of each.
type crlFiles struct {
	locations []string
	files     map[string]*crlFile
}

// crlFile is the last good content of one file.
type crlFile struct {
	digest [sha256.Size]byte
	lists  []*crl
}

func newCRLFiles(locations []string) *crlFiles {
	return &crlFiles{locations: locations, files: map[string]*crlFile{}}
}

// read looks at all files. What is not good leaves what was there before in force and is part of the error. A file that has gone
// keeps its lists in force until they are out of date: revocations do not end because a copy failed. authorities are certificates that
// signatures are checked with now; lists of other issuers are checked when a chain has them.
func (f *crlFiles) read(authorities []*x509.Certificate, now time.Time) (changed bool, err error) {
	paths, errs := f.paths()
	if len(errs) == 0 {
		changed = f.forget(paths, now)
	}
	for _, path := range paths {
		took, err := f.readFile(path, authorities, now)
		changed = changed || took
		errs = append(errs, err)
	}
	return changed, errors.Join(errs...)
}

// forget drops the files that are not among paths any more and hold nothing current.
func (f *crlFiles) forget(paths []string, now time.Time) (dropped bool) {
	current := func(c *crl) bool { return !now.After(c.nextUpdate) }
	for path, file := range f.files {
		if !slices.Contains(paths, path) && !slices.ContainsFunc(file.lists, current) {
			delete(f.files, path)
			dropped = true
		}
	}
	return dropped
}

// paths are the files, and those in directories. Names that begin with a dot are passed over: Kubernetes keeps versions in such.
func (f *crlFiles) paths() (paths []string, errs []error) {
	for _, location := range f.locations {
		info, err := os.Stat(location)
		if err == nil && !info.IsDir() {
			paths = append(paths, location)
			continue
		}
		var entries []fs.DirEntry
		if err == nil {
			entries, err = os.ReadDir(location)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("look for revocation lists: %w", err))
			continue
		}
		found := 0
		for _, e := range entries {
			path := filepath.Join(location, e.Name())
			if info, err := os.Stat(path); err != nil || info.IsDir() || strings.HasPrefix(e.Name(), ".") {
				continue
			}
			found++
			if len(paths) == maxCRLFiles {
				errs = append(errs, fmt.Errorf("%w: %s: there are more than %d files", ErrBadCRL, location, maxCRLFiles))
				break
			}
			paths = append(paths, path)
		}
		if found == 0 {
			errs = append(errs, fmt.Errorf("%w: %s: the directory holds no file", ErrBadCRL, location))
		}
	}
	return paths, errs
}

func (f *crlFiles) readFile(path string, authorities []*x509.Certificate, now time.Time) (changed bool, err error) {
	content, err := readBounded(path, maxCRLBytes, ErrBadCRL)
	if err != nil {
		return false, err
	}
	before, digest := f.files[path], sha256.Sum256(content)
	if before != nil && before.digest == digest {
		return false, nil
	}
	lists, err := parseCRLs(path, content, now)
	if err != nil {
		return false, err
	}
	for _, c := range lists {
		if err := c.checkSigner(authorities); err != nil {
			return false, fmt.Errorf("%s: %w", path, err)
		}
		if before != nil && slices.ContainsFunc(before.lists, c.olderThan) {
			return false, fmt.Errorf("%s: %w: it is of %s, older than the one in use", path, ErrBadCRL, c.thisUpdate.Format(time.RFC3339))
		}
	}
	f.files[path] = &crlFile{digest: digest, lists: lists}
	return true, nil
}

// checkSigner checks the signature where the issuer is known.
func (c *crl) checkSigner(authorities []*x509.Certificate) error {
	known := false
	for _, a := range authorities {
		if string(a.RawSubject) != c.issuer || c.key != "" && len(a.SubjectKeyId) > 0 && c.key != string(a.SubjectKeyId) {
			continue
		}
		if c.signedBy(a, sha256.Sum256(a.Raw)) {
			return nil
		}
		known = true
	}
	if known {
		return fmt.Errorf("%w: it was not signed by its issuer, or the issuer may not sign lists", ErrBadCRL)
	}
	return nil
}

// olderThan reports whether the list came before another one of the same issuer, key and scope: someone may offer it to let those in
// whom the newer one names.
func (c *crl) olderThan(other *crl) bool {
	return c.issuer == other.issuer && c.key == other.key && c.scope.raw == other.scope.raw && c.thisUpdate.Before(other.thisUpdate)
}

// all are the lists in force.
func (f *crlFiles) all() []*crl {
	var lists []*crl
	for _, path := range slices.Sorted(maps.Keys(f.files)) {
		lists = append(lists, f.files[path].lists...)
	}
	return lists
}
