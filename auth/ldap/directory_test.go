package ldap

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/chronik-stream/chronik/auth"
)

// TestDirectoryThatDoesNotAnswerDecidesNothing: neither one that is not there, nor one that is silent, nor one that answers nonsense.
func TestDirectoryThatDoesNotAnswerDecidesNothing(t *testing.T) {
	for name, serve := range map[string]func(net.Conn){
		"closes": func(c net.Conn) { _ = c.Close() },
		"silent": func(net.Conn) {},
		"nonsense": func(c net.Conn) {
			_, _ = c.Write([]byte(strings.Repeat("\x30\x84\xff\xff", 20)))
		},
	} {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		accepted := make(chan net.Conn, 8)
		done := make(chan struct{})
		go func() {
			defer close(done)
			for {
				c, err := listener.Accept()
				if err != nil {
					return
				}
				accepted <- c
				serve(c)
			}
		}()
		for _, cfg := range []Config{
			{BindTemplate: "uid=%s,dc=test"},
			{SearchBase: "dc=test", SearchFilter: "(uid=%s)"},
		} {
			cfg.URL, cfg.Timeout = "ldap://"+listener.Addr().String(), 200*time.Millisecond
			d, err := New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			if outcome, err := d.Authenticate(t.Context(), "alice", "right"); outcome != nil || !errors.Is(err, auth.ErrUndecided) {
				t.Errorf("%s: %+v, %v", name, outcome, err)
			}
			if got := d.Stats(); got != (Stats{Questions: 1, Failures: 1, Failing: true}) {
				t.Errorf("%s: %+v", name, got)
			}
		}
		_ = listener.Close()
		<-done
		close(accepted)
		for c := range accepted {
			_ = c.Close()
		}
	}
}

// TestTurnsEnd: who comes when all connections are in use waits, and gets no decision when his time is over.
func TestTurnsEnd(t *testing.T) {
	p := newPool(func(context.Context) (*ldap.Conn, error) { return nil, errors.New("no directory") })
	for range maxConnections {
		p.turns <- struct{}{}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := p.with(ctx, func(*ldap.Conn) error { return nil }); !errors.Is(err, auth.ErrUndecided) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}

func TestRefusal(t *testing.T) {
	for code, want := range map[uint16]error{
		ldap.LDAPResultInvalidCredentials: auth.ErrBadCredential, ldap.LDAPResultUnwillingToPerform: auth.ErrBadCredential,
		ldap.LDAPResultInappropriateAuthentication: auth.ErrBadCredential, ldap.LDAPResultNoSuchObject: auth.ErrUnknownUser,
		ldap.LDAPResultReferral: auth.ErrUndecided, ldap.LDAPResultBusy: auth.ErrUndecided, ldap.LDAPResultUnavailable: auth.ErrUndecided,
		ldap.LDAPResultOther: auth.ErrUndecided, ldap.ErrorNetwork: auth.ErrUndecided, 9999: auth.ErrUndecided,
	} {
		if err := refusal(ldap.NewError(code, errors.New("test"))); !errors.Is(err, want) {
			t.Errorf("result %d: %v", code, err)
		}
	}
	if refusal(nil) != nil {
		t.Error("a success is refused")
	}
}

// TestIdentify: the entry has to be of that name alone, and of no more groups than rules can be about.
func TestIdentify(t *testing.T) {
	d := &Directory{attribute: "uid", cfg: Config{GroupsAttribute: "memberOf"}}
	groups := make([]string, auth.MaxGroups+1)
	for i := range groups {
		groups[i] = "g"
	}
	for name, test := range map[string]struct {
		names, groups []string
		want          error
	}{
		"right":           {[]string{"alice"}, groups[1:], nil},
		"another case":    {[]string{"Alice"}, nil, auth.ErrUnknownUser},
		"two names":       {[]string{"alice", "al"}, nil, auth.ErrUnknownUser},
		"no name":         {nil, nil, auth.ErrUnknownUser},
		"too many groups": {[]string{"alice"}, groups, auth.ErrBadCredential},
		"long group":      {[]string{"alice"}, []string{strings.Repeat("g", auth.MaxGroupBytes+1)}, auth.ErrBadCredential},
	} {
		got, err := d.identify(ldap.NewEntry("uid=alice", map[string][]string{"UID": test.names, "memberof": test.groups}), "alice")
		if !errors.Is(err, test.want) || test.want == nil && len(got) != len(test.groups) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

func TestMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, err := newMemory(time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		m.keep("alice", "right", []string{"g"})
		if groups, known := m.recall("alice", "right"); !known || len(groups) != 1 {
			t.Error("it is forgotten")
		}
		for _, other := range [][2]string{{"alice", "wrong"}, {"alicer", "ight"}, {"bob", "right"}} {
			if _, known := m.recall(other[0], other[1]); known {
				t.Errorf("%v is remembered", other)
			}
		}
		<-time.After(time.Minute)
		if _, known := m.recall("alice", "right"); known {
			t.Error("it is remembered for too long")
		}
		if m.hold = 0; m.seen.Len() != 1 {
			t.Error("not what was remembered")
		}
		if _, known := m.recall("alice", "right"); known {
			t.Error("it is remembered though that is off")
		}
	})
}
