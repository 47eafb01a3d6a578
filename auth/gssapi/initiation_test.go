package gssapi

import (
	"errors"
	"testing"
	"time"

	"github.com/jcmturner/gofork/encoding/asn1"
	"github.com/jcmturner/gokrb5/v8/asn1tools"
	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/iana/asnAppTag"
	"github.com/jcmturner/gokrb5/v8/iana/keyusage"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"

	"github.com/chronik-stream/chronik/auth"
)

// initiate begins a log-in with a ticket made in this process, so long after noon.
func initiate(t testing.TB, enctype int32, after time.Duration) *Initiation {
	t.Helper()
	c := client{enctype: enctype, principal: []string{"kafka", "other"}}
	i, err := NewInitiator(InitiatorConfig{
		Keytab: "unused", Principal: "kafka/other", Service: "kafka", Clock: func() time.Time { return noon.Add(after) },
	})
	if err != nil {
		t.Fatal(err)
	}
	sent := c.serviceTicket(t)
	i.tickets["localhost"] = ticket{client: name{c.principal, realm}, ticket: sent, session: c.session, ends: noon.Add(time.Hour)}
	x, err := i.Start(t.Context(), "localhost")
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// TestInitiator logs the client's side in at the server's.
func TestInitiator(t *testing.T) {
	m := newMechanism(t, nil)
	for enctype := int32(17); enctype <= 20; enctype++ {
		x, server := initiate(t, enctype, 123456789), m.Start()
		message, err := x.First()
		for step, done := 0, false; err == nil; step++ {
			var outcome *auth.Outcome
			if message, outcome, err = server.Step(t.Context(), message); outcome != nil {
				if !done || step != 2 || outcome.Principal != auth.User("kafka") {
					t.Errorf("%d: logged in as %s in step %d, done: %t", enctype, outcome.Principal, step, done)
				}
				break
			}
			if err == nil {
				message, done, err = x.Step(message)
			}
		}
		if err != nil {
			t.Errorf("%d: %v", enctype, err)
		}
		if _, _, err := x.Step(nil); !errors.Is(err, auth.ErrOutOfOrder) {
			t.Errorf("after the end: %v", err)
		}
	}
}

// TestServersThatAreNone: who does not have the service's key gets no further than the ticket.
func TestServersThatAreNone(t *testing.T) {
	m := newMechanism(t, nil)
	x, server := initiate(t, 18, 0), m.Start()
	if _, _, err := x.Step(nil); !errors.Is(err, auth.ErrOutOfOrder) {
		t.Errorf("before the first token: %v", err)
	}
	fresh := func(after time.Duration) (*Initiation, []byte) {
		t.Helper()
		x, server = initiate(t, 18, after), m.Start()
		reply, _, err := server.Step(t.Context(), must(x.First()))
		if err != nil {
			t.Fatal(err)
		}
		return x, reply
	}
	_, another := fresh(0)
	x, good := fresh(time.Microsecond)
	if _, _, err := x.Step(another); !errors.Is(err, auth.ErrBadCredential) {
		t.Errorf("the answer to another: %v", err)
	}
	if _, _, err := x.Step(good); !errors.Is(err, auth.ErrOutOfOrder) {
		t.Errorf("a second try: %v", err)
	}
	for n := range good {
		x.next = takeReply
		if answer, _, err := x.Step(flipped(good, n)); err == nil || answer != nil || errors.Is(err, errFault) {
			t.Errorf("octet %d changed: %x, %v", n, answer, err)
		}
		x.next = takeReply
		if _, _, err := x.Step(good[:n]); err == nil || errors.Is(err, errFault) {
			t.Errorf("cut off after %d octets: %v", n, err)
		}
	}
	x.next = takeReply
	if _, _, err := x.Step(good); err != nil {
		t.Fatal(err)
	}
	offer, _, err := server.Step(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for n := range offer {
		x.next = takeOffer
		if answer, _, err := x.Step(flipped(offer, n)); (err == nil || answer != nil) && !isRotation(n) {
			t.Errorf("octet %d of the offer changed: %x, %v", n, answer, err)
		}
	}
	x.next = takeOffer
	if _, done, err := x.Step(offer); !done || err != nil {
		t.Errorf("the good offer: %t, %v", done, err)
	}
}

// isRotation reports the octets of a wrap token that its checksum does not cover: to turn it by its whole length changes nothing.
func isRotation(n int) bool { return n == 6 || n == 7 }

// TestOffersThatAreNone are signed by the right server, and yet not taken.
func TestOffersThatAreNone(t *testing.T) {
	for name, change := range map[string]func(*securityContext) ([]byte, side, uint64){
		"layer with integrity alone": func(c *securityContext) ([]byte, side, uint64) {
			return []byte{2, 0, 0, 0}, fromAcceptor(), uint64(c.serverSequence)
		},
		"short": func(c *securityContext) ([]byte, side, uint64) {
			return []byte{1, 0, 0}, fromAcceptor(), uint64(c.serverSequence)
		},
		"another number": func(c *securityContext) ([]byte, side, uint64) {
			return []byte{1, 0, 0, 0}, fromAcceptor(), uint64(c.serverSequence) + 1
		},
		"the client's own": func(c *securityContext) ([]byte, side, uint64) {
			return []byte{1, 0, 0, 0}, fromInitiator(), uint64(c.serverSequence)
		},
	} {
		x, server := initiate(t, 20, 0), newMechanism(t, nil).Start().(*exchange)
		reply, _, err := server.Step(t.Context(), must(x.First()))
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := x.Step(reply); err != nil {
			t.Fatal(err)
		}
		payload, from, sequence := change(&server.context)
		offer, err := (enctypes{}).wrap(payload, &server.context, from, sequence)
		if err != nil {
			t.Fatal(err)
		}
		if answer, done, err := x.Step(offer); err == nil || done || answer != nil {
			t.Errorf("%s: taken", name)
		}
	}
}

func TestInitiatorThatWillNotDo(t *testing.T) {
	if _, err := NewInitiator(InitiatorConfig{Keytab: "k", Principal: "kafka/h"}); !errors.Is(err, ErrBadConfig) {
		t.Errorf("without a service: %v", err)
	}
	path := writeKeytab(t, entry{service, 2, 18})
	i, err := NewInitiator(InitiatorConfig{Keytab: path, Principal: service + "@" + realm, Service: "kafka", ConfigFile: path + ".none"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := i.Start(t.Context(), "localhost"); err == nil {
		t.Error("a ticket without a KDC")
	}
}

// FuzzReply takes whatever a server may send that has the session key, and so had the service's: it may be compromised.
func FuzzReply(f *testing.F) {
	session := sessionKey(18) // as that of the ticket
	part := messages.EncAPRepPart{CTime: noon, Cusec: 123456, Subkey: types.EncryptionKey{KeyType: 18, KeyValue: make([]byte, 32)}, SequenceNumber: 7}
	f.Add(asn1tools.AddASNAppTag(must(asn1.Marshal(part)), asnAppTag.EncAPRepPart), []byte{})
	f.Add([]byte{}, []byte{0x60})
	f.Fuzz(func(t *testing.T, plain, raw []byte) {
		x := initiate(t, 18, 123456789)
		if _, err := x.First(); err != nil {
			t.Fatal(err)
		}
		token := raw
		if len(raw) == 0 {
			sealed, err := crypto.GetEncryptedData(plain, session, keyusage.AP_REP_ENCPART, 0)
			if err != nil {
				return // there is nothing to encrypt
			}
			message := must(asn1.Marshal(messages.APRep{PVNO: 5, MsgType: 15, EncPart: sealed}))
			token = wrapToken(asn1tools.AddASNAppTag(message, asnAppTag.APREP), tokenAPRep)
		}
		_, done, err := x.Step(token)
		if done || errors.Is(err, errFault) {
			t.Errorf("done %t, %v", done, err)
		}
	})
}
