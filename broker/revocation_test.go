package broker

import (
	"testing"
	"time"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/auth/plain"
	"github.com/chronik-stream/chronik/broker/meta"
)

// openSessions is a server's sessions; it forgets those that are closed.
type openSessions map[string]*auth.Session

func (o openSessions) CloseSessions(_ string, match func(*auth.Session) bool) int {
	before := len(o)
	for name, s := range o {
		if match(s) {
			delete(o, name)
		}
	}
	return before - len(o)
}

func TestRevokedCredentialsEndTheirSessions(t *testing.T) {
	credential := func(m meta.ScramMechanism, salt string) meta.ScramCredential {
		return meta.ScramCredential{User: "alice", Mechanism: m, Salt: []byte(salt), StoredKey: make([]byte, 64), ServerKey: make([]byte, 64), Iterations: 4096}
	}
	first := []meta.ScramCredential{credential(meta.ScramSHA512, "one")}
	cases := map[string]struct {
		change *meta.AlterScram
		ended  []string
	}{
		"deleted": {
			&meta.AlterScram{Deletes: []meta.ScramName{{User: "alice", Mechanism: meta.ScramSHA512}}}, []string{"SCRAM-SHA-512", "PLAIN"},
		},
		"changed":                   {&meta.AlterScram{Upserts: []meta.ScramCredential{credential(meta.ScramSHA512, "two")}}, []string{"SCRAM-SHA-512", "PLAIN"}},
		"set again":                 {&meta.AlterScram{Upserts: first}, nil},
		"another mechanism, weaker": {&meta.AlterScram{Upserts: []meta.ScramCredential{credential(meta.ScramSHA256, "two")}}, nil},
	}
	for name, c := range cases {
		open := openSessions{}
		for _, method := range []string{"SCRAM-SHA-512", "PLAIN", "mTLS"} {
			open[method] = &auth.Session{Principal: auth.User("alice"), Method: method, Listener: "OUT"}
		}
		open["bob"] = &auth.Session{Principal: auth.User("bob"), Method: "SCRAM-SHA-512", Listener: "OUT"}
		open["own"] = &auth.Session{Principal: auth.User("alice"), Method: "PLAIN", Listener: "OWN"}
		open["token"] = &auth.Session{Principal: auth.User("alice"), Method: "SCRAM-SHA-512", Listener: "OUT", Token: "t"}
		all := len(open)

		image, _, _ := meta.NewImage().Apply(1, &meta.AlterScram{Upserts: first})
		next, delta, result := image.Apply(2, c.change)
		if result.Items[0].Code != 0 {
			t.Fatalf("%s: %+v", name, result.Items)
		}
		newRevocation(open, []Listener{{Name: "OUT"}, {Name: "OWN", PlainUsers: &plain.Users{}}}, 0, nil).Follow(image, next, delta)
		for _, ended := range c.ended {
			if open[ended] != nil {
				t.Errorf("%s: the session by %s goes on", name, ended)
			}
		}
		if len(open) != all-len(c.ended) {
			t.Errorf("%s: %d sessions of %d are left", name, len(open), all)
		}
	}
}

// TestGraceOfAChangedCredential: its sessions go on for a while, but for those that authenticate again; a deletion ends them at once.
func TestGraceOfAChangedCredential(t *testing.T) {
	session := func(method string) *auth.Session {
		return &auth.Session{Principal: auth.User("alice"), Method: method, Listener: "OUT"}
	}
	open := openSessions{}
	var over []func()
	r := newRevocation(open, []Listener{{Name: "OUT"}}, time.Minute, func(d time.Duration, f func()) {
		if d != time.Minute {
			t.Errorf("the grace is %s", d)
		}
		over = append(over, f)
	})
	image := meta.NewImage()
	change := func(c *meta.AlterScram) {
		next, delta, _ := image.Apply(image.Index()+1, c)
		r.Follow(image, next, delta)
		image = next
	}
	set := func(salt string) {
		change(&meta.AlterScram{Upserts: []meta.ScramCredential{{User: "alice", Mechanism: meta.ScramSHA512, Salt: []byte(salt)}}})
	}
	set("one")
	open["scram"], open["plain"], open["renewed"] = session("SCRAM-SHA-512"), session("PLAIN"), session("SCRAM-SHA-512")
	set("two")
	if len(open) != 3 || len(over) != 1 {
		t.Fatalf("%d sessions go on, %d will end later", len(open), len(over))
	}
	open["renewed"] = session("SCRAM-SHA-512")
	over[0]()
	if len(open) != 1 || open["renewed"] == nil {
		t.Errorf("after the grace there are %v", open)
	}
	set("three")
	change(&meta.AlterScram{Deletes: []meta.ScramName{{User: "alice", Mechanism: meta.ScramSHA512}}})
	if len(open) != 0 {
		t.Errorf("after the deletion there are %v", open)
	}
}

// TestRevokedPrincipalsLoseTheirSessions: all of them, whatever the method, and nobody else's.
func TestRevokedPrincipalsLoseTheirSessions(t *testing.T) {
	open := openSessions{}
	for _, method := range []string{"SCRAM-SHA-512", "PLAIN", "GSSAPI", "OAUTHBEARER", "mTLS"} {
		open["alice "+method] = &auth.Session{Principal: auth.User("alice"), Method: method}
		open["bob "+method] = &auth.Session{Principal: auth.User("bob"), Method: method}
	}
	image := meta.NewImage()
	change := func(name string, op meta.ConfigOp) {
		next, delta, result := image.Apply(image.Index()+1, &meta.AlterConfigs{Resources: []meta.ResourceChange{
			{Key: meta.ResourceKey{Type: meta.UserConfig, Name: name}, Ops: []meta.ConfigOp{op}},
		}})
		if result.Items[0].Code != 0 {
			t.Fatalf("%+v", result.Items)
		}
		endRevoked(open)(image, next, delta)
		image = next
	}
	set := func(ms string) meta.ConfigOp {
		return meta.ConfigOp{Op: meta.SetConfig, Name: meta.RevokedBefore, Value: ms}
	}
	change("User:alice", set("2000"))
	if len(open) != 5 || open["bob mTLS"] == nil {
		t.Errorf("there are %v", open)
	}
	if got := image.RevokedBefore("User:alice"); !got.Equal(time.UnixMilli(2000)) {
		t.Errorf("revoked before %s", got)
	}
	again := &auth.Session{Principal: auth.User("alice"), Method: "GSSAPI"}
	open["alice again"] = again
	change("User:alice", set("1000"))
	change("User:alice", meta.ConfigOp{Op: meta.DeleteConfig, Name: meta.RevokedBefore})
	if open["alice again"] != again || !image.RevokedBefore("User:alice").IsZero() {
		t.Error("what is taken back ends sessions")
	}
}
