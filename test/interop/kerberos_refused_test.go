//go:build interop

package interop

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jcmturner/gokrb5/v8/client"
	"github.com/jcmturner/gokrb5/v8/config"
	krb "github.com/jcmturner/gokrb5/v8/gssapi"
	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/jcmturner/gokrb5/v8/spnego"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/test/harness"
)

// client is alice's Kerberos client of a krb5.conf, by her keytab.
func (k *kerberized) client(t *testing.T, conf string) *client.Client {
	t.Helper()
	return kerberosClientOf(t, conf, "alice", k.alice)
}

// kerberosClientOf is a Kerberos client of a krb5.conf, by its keytab.
func kerberosClientOf(t *testing.T, conf, name, path string) *client.Client {
	t.Helper()
	cfg, err := config.Load(conf)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := keytab.Load(path)
	if err != nil {
		t.Fatal("a keytab can not be read") // the library's error has the keys
	}
	c := client.NewWithKeytab(name, harness.Realm, keys, cfg, client.DisablePAFXFAST(true))
	t.Cleanup(c.Destroy)
	return c
}

// apReq is a first token with a ticket of the real KDC.
func apReq(t *testing.T, c *client.Client, service string) []byte {
	t.Helper()
	ticket, key, err := c.GetServiceTicket(service)
	if err != nil {
		t.Fatalf("a ticket for %s: %v", service, err)
	}
	token, err := spnego.NewKRB5TokenAPREQ(c, ticket, key, []int{krb.ContextFlagInteg, krb.ContextFlagConf}, nil)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := token.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// said is what became of one token: the answer's code and message, or a connection that was closed without one.
type said struct {
	code    int16
	message string
	closed  bool
}

func refusedPublicly() said { return said{code: saslFailed, message: publicFailure} }

// say chooses GSSAPI on a new connection and sends one token.
func say(t *testing.T, conn net.Conn, token []byte) said {
	t.Helper()
	handshake := kmsg.NewPtrSASLHandshakeRequest()
	handshake.Version, handshake.Mechanism = 1, "GSSAPI"
	if _, err := exchange(conn, handshake); err != nil {
		t.Fatalf("handshake: %v", err)
	}
	q := kmsg.NewPtrSASLAuthenticateRequest()
	q.Version, q.SASLAuthBytes = 1, token
	body, err := exchange(conn, q)
	conn.Close()
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		t.Fatal("neither an answer nor an end")
	case err != nil:
		return said{closed: true}
	}
	resp := kmsg.NewPtrSASLAuthenticateResponse()
	resp.Version = 1
	if err := resp.ReadFrom(body); err != nil {
		t.Fatal(err)
	}
	out := said{code: resp.ErrorCode}
	if resp.ErrorMessage != nil {
		out.message = *resp.ErrorMessage
	}
	return out
}

// TestKerberosRefused sends the broker real tickets that it must not take. What it says of them is the same for all, but for
// replays, which it does not answer; the log and the audit topic have the cause, and no key.
func TestKerberosRefused(t *testing.T) {
	t.Parallel()
	kdc := harness.StartKDC(t)
	k := startKerberizedBy(t, kdc, "CHRONIK_LOG_LEVEL=debug", "CHRONIK_CONNECTION_FAILED_AUTHENTICATION_DELAY_MS=0",
		"KRB5_CONFIG="+kdc.ConfOf(t, harness.Enctypes(), "clockskew = 3"))
	alice := k.client(t, kdc.ConfOf(t, harness.Enctypes()))
	kdc.AddKeys(t, k.keytab, "HTTP/localhost", "kafka/short")
	kdc.Admin(t, `modprinc -maxlife "2 seconds" kafka/short`)
	logged(t, k.Broker, "the keytab was read again")

	versions := apiVersions(t, dialTLS(t, k.Broker))
	if i := joinGroup(versions); i < 0 || versions[i].MinVersion != 0 {
		t.Error("before the log-in JoinGroup is not listed from version 0 on: librdkafka before 2.11 would not use GSSAPI")
	}
	good := apReq(t, alice, "kafka/localhost")
	if got := say(t, dialTLS(t, k.Broker), good); got != (said{}) {
		t.Fatalf("a good ticket: %+v", got)
	}
	if got := say(t, dialTLS(t, k.Broker), good); !got.closed {
		t.Errorf("a replay: %+v", got)
	}
	if got := say(t, dialPlaintext(t, k), good); !got.closed {
		t.Errorf("a replay on the other listener: %+v", got)
	}
	flipped := apReq(t, alice, "kafka/localhost")
	flipped[len(flipped)-3] ^= 0x10
	rc4 := k.client(t, kdc.ConfOf(t, []string{"arcfour-hmac"}))
	for name, token := range map[string][]byte{
		"wrong service": apReq(t, alice, "HTTP/localhost"),
		"RC4":           apReq(t, rc4, "kafka/localhost"),
		"flipped bit":   flipped,
		"cut off":       good[:len(good)/2],
		"noise":         []byte("\x60\x03\x06\x01\x00"),
	} {
		if got := say(t, dialTLS(t, k.Broker), token); got != refusedPublicly() {
			t.Errorf("%s: %+v", name, got)
		}
	}
	causes := []string{
		"the authenticator was used before", "the ticket is for another service", "the encryption type is not accepted",
		"the authenticator can not be decrypted",
	}
	logged(t, k.Broker, append(causes, "claimed=alice@"+harness.Realm)...)
	k.untilExpired(t, alice)
	k.noKeyIn(t, k.Log())
	k.noKeyIn(t, k.audited(t, append(causes, "the ticket has expired")))
}

// audited waits until the audit topic has each of the causes, and returns all that it has.
func (k *kerberized) audited(t *testing.T, causes []string) (events string) {
	t.Helper()
	kcat := append(saslKcat(t, k.Broker, "PLAIN"), "-C", "-q", "-t", "__audit_log", "-o", "beginning", "-e")
	waitFor(t, "the causes in the audit topic", func() bool {
		events = harness.Command(t, "", "kcat", kcat...)
		return !slices.ContainsFunc(causes, func(c string) bool { return !strings.Contains(events, c) })
	})
	return events
}

// untilExpired logs in by one ticket, each time with a fresh authenticator, until it is refused.
func (k *kerberized) untilExpired(t *testing.T, alice *client.Client) {
	t.Helper()
	ticket, key, err := alice.GetServiceTicket("kafka/short")
	if err != nil {
		t.Fatal(err)
	}
	taken := 0
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(closeTimeout); ; <-tick.C {
		token, err := spnego.NewKRB5TokenAPREQ(alice, ticket, key, []int{krb.ContextFlagInteg}, nil)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := token.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		got := say(t, dialTLS(t, k.Broker), raw)
		if got == refusedPublicly() && strings.Contains(k.Log(), "the ticket has expired") {
			break
		}
		if got == (said{}) {
			taken++
		}
		if time.Now().After(deadline) {
			t.Fatalf("a ticket of two seconds is taken for %s", closeTimeout)
		}
	}
	if taken == 0 {
		t.Error("the ticket was never taken")
	}
}

// noKeyIn looks for the keys of both keytabs, in whatever form.
func (k *kerberized) noKeyIn(t *testing.T, text string) {
	t.Helper()
	for _, path := range []string{k.keytab, k.alice} {
		kt, err := keytab.Load(path)
		if err != nil {
			t.Fatal("a keytab can not be read") // the library's error has the keys
		}
		for i := range kt.Entries {
			key := kt.Entries[i].Key.KeyValue
			for _, form := range []string{string(key), hex.EncodeToString(key), base64.StdEncoding.EncodeToString(key)} {
				if strings.Contains(text, form) {
					t.Error("a key in what the broker keeps")
				}
			}
		}
	}
}

func joinGroup(versions []kmsg.ApiVersionsResponseApiKey) int {
	const key = 11
	for i := range versions {
		if versions[i].ApiKey == key {
			return i
		}
	}
	return -1
}

func dialPlaintext(t *testing.T, k *kerberized) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", k.plaintext)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}
