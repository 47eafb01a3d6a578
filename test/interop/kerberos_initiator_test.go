//go:build interop

package interop

import (
	"encoding/binary"
	"io"
	"net"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/auth/gssapi"
	"github.com/chronik-stream/chronik/test/harness"
)

// TestKerberosInitiator logs Chronik's own client side in with tickets of a real KDC, by SaslAuthenticate requests and by the raw tokens
// that follow a SaslHandshake of version 0. There the AP-REP is answered with a frame of no bytes, and nothing follows the last token.
func TestKerberosInitiator(t *testing.T) {
	t.Parallel()
	k := startKerberized(t)
	initiator, err := gssapi.NewInitiator(gssapi.InitiatorConfig{
		Keytab: k.alice, Principal: "alice@" + harness.Realm, Service: "kafka", ConfigFile: k.kdc.Conf(),
	})
	if err != nil {
		t.Fatal(err)
	}
	for version, send := range map[int16]func(*testing.T, net.Conn, []byte) []byte{0: rawToken, 1: authenticate} {
		x, err := initiator.Start(t.Context(), "localhost")
		if err != nil {
			t.Fatal(err)
		}
		conn := dialPlaintext(t, k)
		handshake := kmsg.NewPtrSASLHandshakeRequest()
		handshake.Version, handshake.Mechanism = version, "GSSAPI"
		if _, err := exchange(conn, handshake); err != nil {
			t.Fatal(err)
		}
		token, err := x.First()
		for done := false; err == nil && !done; {
			token, done, err = x.Step(send(t, conn, token))
		}
		if err != nil {
			t.Fatalf("version %d: %v", version, err)
		}
		if version == 0 {
			writeRaw(t, conn, token)
		} else if last := authenticate(t, conn, token); len(last) > 0 {
			t.Errorf("the last token is answered with %x", last)
		}
		metadata := kmsg.NewPtrMetadataRequest()
		metadata.Version = 1
		if _, err := exchange(conn, metadata); err != nil {
			t.Errorf("version %d: after the log-in: %v", version, err)
		}
	}
	if _, err := initiator.Start(t.Context(), "elsewhere"); err == nil {
		t.Error("a ticket for a service that the KDC does not know")
	}
}

func writeRaw(t *testing.T, conn net.Conn, token []byte) {
	t.Helper()
	send(t, conn, append(binary.BigEndian.AppendUint32(nil, uint32(len(token))), token...))
}

// rawToken sends a token as it is and returns the broker's.
func rawToken(t *testing.T, conn net.Conn, token []byte) []byte {
	t.Helper()
	writeRaw(t, conn, token)
	if err := conn.SetReadDeadline(time.Now().Add(closeTimeout)); err != nil {
		t.Fatal(err)
	}
	var size [4]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, binary.BigEndian.Uint32(size[:]))
	if _, err := io.ReadFull(conn, answer); err != nil {
		t.Fatal(err)
	}
	return answer
}

// authenticate sends a token in a SaslAuthenticate request and returns the broker's.
func authenticate(t *testing.T, conn net.Conn, token []byte) []byte {
	t.Helper()
	q := kmsg.NewPtrSASLAuthenticateRequest()
	q.Version, q.SASLAuthBytes = 1, token
	body, err := exchange(conn, q)
	if err != nil {
		t.Fatal(err)
	}
	resp := kmsg.NewPtrSASLAuthenticateResponse()
	resp.Version = 1
	if err := resp.ReadFrom(body); err != nil || resp.ErrorCode != 0 {
		t.Fatalf("code %d, %v", resp.ErrorCode, err)
	}
	return resp.SASLAuthBytes
}
