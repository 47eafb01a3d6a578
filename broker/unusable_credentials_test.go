package broker

import (
	"bytes"
	"crypto/fips140"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/chronik-stream/chronik/auth/scram"
	"github.com/chronik-stream/chronik/broker/meta"
)

// TestFIPSNamesUnusableCredentials: at the start, one by one up to a bound, and only those. make test-fips runs it in FIPS 140-3 mode, which
// has no short salts.
func TestFIPSNamesUnusableCredentials(t *testing.T) {
	credential := func(user string, salt, iterations int) meta.ScramCredential {
		keys := make([]byte, scram.SHA256.Size())
		return meta.ScramCredential{
			User: user, Mechanism: meta.ScramSHA256, Salt: make([]byte, salt), StoredKey: keys, ServerKey: keys, Iterations: iterations,
		}
	}
	all := []meta.ScramCredential{credential("good", 16, 4096), credential("short", 8, 4096)}
	for n := range maxUnusableNamed + 2 {
		all = append(all, credential(fmt.Sprint("weak", n), 16, 100))
	}
	img, _, _ := meta.NewImage().Apply(1, &meta.AlterScram{Upserts: all})
	var log bytes.Buffer
	warnOfUnusable(img, slog.New(slog.NewTextHandler(&log, nil)))
	text, more := log.String(), 2
	if fips140.Enabled() {
		more = 3
	}
	if strings.Contains(text, "user=good") || strings.Contains(text, "user=short") != fips140.Enabled() {
		t.Errorf("in FIPS 140-3 mode: %t:\n%s", fips140.Enabled(), text)
	}
	if n := strings.Count(text, "user="); n != maxUnusableNamed || !strings.Contains(text, fmt.Sprintf("more=%d", more)) {
		t.Errorf("%d are named:\n%s", n, text)
	}
}
