package scram

import (
	"crypto/fips140"
	"errors"
	"strings"
	"testing"
)

// TestShortSalts: FIPS 140-3 has no key derivation with them. make test-fips runs it in that mode.
func TestShortSalts(t *testing.T) {
	_, err := FromSaltedPassword(make([]byte, SHA256.Size()), make([]byte, MinFIPSSaltBytes-1), MinIterations, SHA256)
	if refused := errors.Is(err, ErrBadCredential) && strings.Contains(err.Error(), "FIPS 140-3"); refused != fips140.Enabled() {
		t.Errorf("in FIPS 140-3 mode: %t, and a short salt is answered with %v", fips140.Enabled(), err)
	}
	if _, err := FromSaltedPassword(make([]byte, SHA256.Size()), make([]byte, MinFIPSSaltBytes), MinIterations, SHA256); err != nil {
		t.Error(err)
	}
}
