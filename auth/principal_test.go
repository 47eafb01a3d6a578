package auth

import (
	"errors"
	"testing"
)

func TestParsePrincipal(t *testing.T) {
	good := map[string]Principal{
		"User:alice":       User("alice"),
		"User:CN=a,O=b":    User("CN=a,O=b"),
		"User:a:b":         User("a:b"),
		"Group:operations": {Type: "Group", Name: "operations"},
	}
	for text, want := range good {
		p, err := ParsePrincipal(text)
		if err != nil || p != want || p.String() != text {
			t.Errorf("%q: %v, %v", text, p, err)
		}
	}
	for _, text := range []string{"", "alice", "User:", ":alice", ":"} {
		if p, err := ParsePrincipal(text); !errors.Is(err, ErrBadPrincipal) || !p.IsZero() {
			t.Errorf("%q: %v, %v", text, p, err)
		}
	}
}

func TestTheZeroPrincipalIsNobody(t *testing.T) {
	if !(Principal{}).IsZero() || Anonymous().IsZero() || Anonymous().String() != "User:ANONYMOUS" {
		t.Error("nobody and anonymous are not told apart")
	}
}
