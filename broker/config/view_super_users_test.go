package config

import (
	"slices"
	"strings"
	"testing"
)

// TestSuperUsersOfAListenerComeBesideTheOthers: they are not a listener's other value of the general key.
func TestSuperUsersOfAListenerComeBesideTheOthers(t *testing.T) {
	const listeners = "listeners=SASL_PLAINTEXT://127.0.0.1:1,INSIDE://127.0.0.1:2\nlistener.security.protocol.map=SASL_PLAINTEXT:SASL_PLAINTEXT,INSIDE:SASL_PLAINTEXT\n"
	c, warnings, err := load(t, listeners+"super.users=User:root\nlistener.name.inside.super.users=User:a; User:CN=b,O=c;\n")
	if err != nil || len(warnings) > 0 {
		t.Fatal(warnings, err)
	}
	if all := c.Security.SuperUsers; !slices.Equal(all, []string{"User:root"}) {
		t.Errorf("of all: %v", all)
	}
	if outside, inside := c.Listeners[0].SuperUsers, c.Listeners[1].SuperUsers; len(outside) != 0 || !slices.Equal(inside, []string{"User:a", "User:CN=b,O=c"}) {
		t.Errorf("of one: %v, %v", outside, inside)
	}
	if _, _, err := load(t, listeners+"listener.name.inside.super.users=root"); err == nil || !strings.Contains(err.Error(), "listener.name.inside.super.users") {
		t.Errorf("no principal: %v", err)
	}
}
