package config

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const dev = "chronik.allow.insecure=true\nlisteners=PLAINTEXT://127.0.0.1:1\n"

func TestTokensAreRead(t *testing.T) {
	c, _, err := load(t, dev)
	if err != nil {
		t.Fatal(err)
	}
	want := Tokens{MaxLifetime: 7 * 24 * time.Hour, Expiry: 24 * time.Hour, CheckInterval: time.Hour}
	if diff := cmp.Diff(want, c.Tokens); diff != "" {
		t.Errorf("by default: %s", diff)
	}
	c, _, err = load(t, dev+"delegation.token.secret.key=0123456789abcdef\ndelegation.token.max.lifetime.ms=3000\n"+
		"delegation.token.expiry.time.ms=2000\ndelegation.token.expiry.check.interval.ms=1000\n")
	if err != nil {
		t.Fatal(err)
	}
	want = Tokens{Secret: "0123456789abcdef", MaxLifetime: 3 * time.Second, Expiry: 2 * time.Second, CheckInterval: time.Second}
	if diff := cmp.Diff(want, c.Tokens); diff != "" {
		t.Errorf("as given: %s", diff)
	}
}

func TestShortTokenSecretIsRefused(t *testing.T) {
	_, _, err := load(t, dev+"delegation.token.secret.key=0123456789abcde\n")
	if !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), "at least 16 bytes") || strings.Contains(err.Error(), "0123456789abcde") {
		t.Errorf("%v", err)
	}
	if _, _, err := load(t, dev+"delegation.token.secret.key=\n"); err != nil {
		t.Errorf("an empty one: %v", err)
	}
}
