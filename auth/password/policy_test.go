package password

import (
	"errors"
	"strings"
	"testing"
)

func TestPolicy(t *testing.T) {
	for _, c := range []struct {
		user, password string
		taken          bool
	}{
		{"alice", "kT8-vewo-2nuq", true},
		{"alice", "the ninth wave of may", true},
		{"alice", "пароль-из-12-и-более", true},
		{"a", "has an a and is long", true},
		{"alice", "short", false},
		{"alice", "", false},
		{"alice", "elevenchars", false},
		{"alice", "ünfühlbär-zw", true},
		{"aliceinchains", "AliceInChains", false},
		{"aliceinchains", "AliceInChains2026!", false},
		{"alice", "alice20260101!!", false},
		{"alice", "alice-alice-Alice", false},
		{"alice", "alice-wonders-42", true},
		{"al", "al8473-2847-11", true},
		{"alice", "Password2026!!!", false},
		{"alice", "passwordpassword", false},
		{"alice", "qwertyuiop123456", false},
		{"alice", "123456789012", false},
		{"alice", "aaaaaaaaaaaaaaaa", false},
		{"alice", "correct horse battery staple", false},
		{"alice", "with\x00control characters", false},
		{"alice", "not UTF-8: \xff, but long", false},
		{"alice", strings.Repeat("kT8-vewo", 129), false},
	} {
		err := Policy{MinLength: DefaultMinLength}.Check(c.user, c.password)
		if (err == nil) != c.taken || err != nil && !errors.Is(err, ErrWeak) {
			t.Errorf("%q for %s: %v", c.password, c.user, err)
		}
		if err != nil && len(c.password) > 5 && strings.Contains(err.Error(), c.password) {
			t.Errorf("the error repeats %q", c.password)
		}
	}
}

// TestNoPolicy: who sets the least length to 1 wants no rules.
func TestNoPolicy(t *testing.T) {
	for password, taken := range map[string]bool{"x": true, "password": true, "": false} {
		if err := (Policy{MinLength: 1}).Check("x", password); (err == nil) != taken {
			t.Errorf("%q: %v", password, err)
		}
	}
}

func TestCommonWordsAreBare(t *testing.T) {
	seen := map[string]bool{}
	for line := range strings.Lines(common) {
		word := strings.TrimSuffix(line, "\n")
		if word == "" || word != strings.ToLower(word) || seen[word] {
			t.Errorf("%q is empty, not in lower case, or there twice", word)
		}
		seen[word] = true
	}
}
