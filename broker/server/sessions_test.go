package server

import (
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/broker/limit"
)

// TestSessionsAreListed: with what is known of the connection, from the log-in on until the connection ends.
func TestSessionsAreListed(t *testing.T) {
	r := newRig(t, saslListenerWith(fakeTLS{chain: certificate("a machine")}), nil)
	c := r.dial()
	hello := kmsg.NewPtrApiVersionsRequest()
	hello.ClientSoftwareName, hello.ClientSoftwareVersion = "a-client", "1.2"
	c.call(hello, 3)
	if live := r.server.Sessions(); len(live) != 0 {
		t.Errorf("a session before the log-in: %+v", live)
	}
	c.logIn("alice")
	live := r.server.Sessions()
	if len(live) != 1 {
		t.Fatalf("%d sessions", len(live))
	}
	l, s := live[0], live[0].Session
	want := auth.Encryption{Version: "TLSv1.3", Group: "X25519MLKEM768", PostQuantum: true, Suite: "TLS_AES_128_GCM_SHA256"}
	if s.Principal != auth.User("alice") || s.Method != "TEST" || s.Iterations != 4711 || s.Proven != "alice@REALM" || s.Encryption == nil || *s.Encryption != want || s.Certificate.Subject != "CN=a machine" {
		t.Errorf("session %+v", s)
	}
	if l.SoftwareName != "a-client" || l.SoftwareVersion != "1.2" || l.Conn.ID == 0 || l.Conn.Listener != "TEST" {
		t.Errorf("connection %+v", l)
	}
	if err := c.nc.Close(); err != nil {
		t.Fatal(err)
	}
	r.until(func() bool { return len(r.server.conns) == 0 })
	if live := r.server.Sessions(); len(live) != 0 {
		t.Errorf("a session of a closed connection: %+v", live)
	}
}

// TestLongNamesOfSoftwareAreCut: strangers may send names of almost 96 KiB, and each connection keeps one.
func TestLongNamesOfSoftwareAreCut(t *testing.T) {
	r := newRig(t, saslListenerWith(fakeTLS{}), nil)
	c := r.dial()
	hello := kmsg.NewPtrApiVersionsRequest()
	hello.ClientSoftwareName, hello.ClientSoftwareVersion = "n"+strings.Repeat("a", 300), "v"+strings.Repeat("1", 300)
	c.call(hello, 3)
	c.logIn("alice")
	l := r.server.Sessions()[0]
	if l.SoftwareName != hello.ClientSoftwareName[:limit.SoftwareBytes] || l.SoftwareVersion != hello.ClientSoftwareVersion[:limit.SoftwareBytes] {
		t.Errorf("%d and %d bytes are kept", len(l.SoftwareName), len(l.SoftwareVersion))
	}
}

func TestSessionWithoutTLS(t *testing.T) {
	r := newRig(t, plainListener(), nil)
	r.dial()
	r.until(func() bool {
		for c := range r.server.conns {
			return c.session.Load() != nil
		}
		return false
	})
	if s := r.server.Sessions()[0].Session; s.Encryption != nil || s.Method != methodNone {
		t.Errorf("session %+v", s)
	}
}
