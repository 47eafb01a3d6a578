package main

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/authz/acl"
)

// TestSuperUsersOfAListener: they are told by a key in lower case, and decisions by the listener's name.
func TestSuperUsersOfAListener(t *testing.T) {
	users := "User:lena"
	s, err := settingsFrom([]kadm.Config{{Key: "listener.name.sasl_ssl.super.users", Value: &users}})
	if err != nil {
		t.Fatal(err)
	}
	for listener, want := range map[string]bool{"SASL_SSL": true, "SSL": false} {
		who := authz.Subject{Principal: auth.User("lena"), Listener: listener}
		if d := acl.New(s.rules).Pin().Decide(who, authz.Alter, authz.TheCluster()); d.Allowed != want {
			t.Errorf("by %s: %+v", listener, d)
		}
	}
}
