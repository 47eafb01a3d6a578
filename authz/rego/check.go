package rego

import (
	"context"
	"encoding/hex"
	"fmt"
	"io/fs"
)

// Digest is the digest of the policies in a source, in hexadecimal, whether or not they are right.
func Digest(source Source) (string, error) {
	snapshot, err := source.Read()
	if err != nil {
		return "", err
	}
	return snapshot.digest(), nil
}

// BundleDigest is the digest of a bundle, in hexadecimal, whoever may have signed it. What can not be a bundle has none: of a module or a data
// file alone it would be one that no policies ever have.
func BundleDigest(files fs.FS, name string) (string, error) {
	b, err := (&signed{files: files, name: name}).packed()
	if err != nil {
		return "", err
	}
	if err := checkUnpacked(b); err != nil {
		return "", fmt.Errorf("%s is neither a directory nor a bundle: %w", name, err)
	}
	snapshot := snapshotOf(b)
	return snapshot.digest(), nil
}

// Check is the digest of the policies in a source, in hexadecimal, if a broker would put them into force. allowed are as in Config.
func Check(ctx context.Context, source Source, allowed []string) (string, error) {
	snapshot, err := source.Read()
	if err != nil {
		return "", err
	}
	files, err := snapshot.Files()
	if err != nil {
		return "", err
	}
	if _, err := newPolicy(ctx, files, allowed, Limits{}.orDefault()); err != nil {
		return "", err
	}
	return snapshot.digest(), nil
}

func (s *Snapshot) digest() string { return hex.EncodeToString(s.Digest[:]) }
