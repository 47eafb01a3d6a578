package config

import (
	"errors"
	"slices"
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

func TestTokensWithoutSCRAMAreWarnedOf(t *testing.T) {
	const secret = "delegation.token.secret.key=0123456789abcdef\n"
	for text, want := range map[string]bool{
		dev + secret: true,
		"chronik.allow.insecure=true\nlisteners=SASL_PLAINTEXT://127.0.0.1:1\nsasl.enabled.mechanisms=PLAIN\n" + secret:         true,
		"chronik.allow.insecure=true\nlisteners=SASL_PLAINTEXT://127.0.0.1:1\nsasl.enabled.mechanisms=SCRAM-SHA-256\n" + secret: false,
		dev: false,
	} {
		_, warnings, err := load(t, text)
		if err != nil {
			t.Fatal(err)
		}
		warned := slices.ContainsFunc(warnings, func(w Warning) bool {
			return w.Key == "delegation.token.secret.key" && !strings.Contains(w.Text, "0123456789abcdef")
		})
		if warned != want {
			t.Errorf("%q: %v", text, warnings)
		}
	}
}
