package gssapi

import (
	"context"
	"errors"
	"testing"

	"github.com/jcmturner/gofork/encoding/asn1"
	"github.com/jcmturner/gokrb5/v8/asn1tools"
	"github.com/jcmturner/gokrb5/v8/crypto"
	krb "github.com/jcmturner/gokrb5/v8/gssapi"
	"github.com/jcmturner/gokrb5/v8/iana/asnAppTag"
	"github.com/jcmturner/gokrb5/v8/iana/keyusage"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"

	"github.com/chronik-stream/chronik/auth"
)

// refused fails a fuzz test where a fault was contained, or where somebody was let in.
func refused(t *testing.T, outcome *auth.Outcome, err error) {
	t.Helper()
	if outcome != nil || errors.Is(err, errFault) {
		t.Errorf("%v, %v", outcome, err)
	}
}

// FuzzFirstToken sends whatever a stranger may send. Its seeds are whole tokens, and those that made gokrb5 panic.
func FuzzFirstToken(f *testing.F) {
	m := newMechanism(f, nil)
	for enctype := int32(17); enctype <= 20; enctype++ {
		c := client{enctype: enctype, principal: []string{"alice"}, flags: flagsOfCyrus, subkey: true}
		request := c.apReq(f)
		f.Add(wrapToken(must(request.Marshal()), tokenAPReq))
		for _, size := range []int{0, 11, 12, 16, 24, 28, 32, 40} {
			short := *request
			short.Ticket.EncPart.Cipher, short.Ticket.EncPart.KVNO = make([]byte, size), 0
			f.Add(wrapToken(must(short.Marshal()), tokenAPReq))
			short = *request
			short.EncryptedAuthenticator.Cipher = make([]byte, size)
			f.Add(wrapToken(must(short.Marshal()), tokenAPReq))
		}
		nobody := *request
		nobody.Ticket.SName.NameString = nil
		f.Add(wrapToken(must(nobody.Marshal()), tokenAPReq))
		without := *request
		without.APOptions = asn1.BitString{}
		f.Add(wrapToken(must(without.Marshal()), tokenAPReq))
	}
	f.Fuzz(func(t *testing.T, token []byte) {
		_, outcome, err := m.Start().Step(context.Background(), token)
		refused(t, outcome, err)
	})
}

// FuzzAuthenticator sends what the holder of a ticket may send: any authenticator, rightly encrypted.
func FuzzAuthenticator(f *testing.F) {
	m := newMechanism(f, nil)
	c := client{enctype: 18, principal: []string{"alice"}, flags: flagsOfFranz}
	request := c.apReq(f)
	plain, err := crypto.DecryptEncPart(request.EncryptedAuthenticator, c.session, keyusage.AP_REQ_AUTHENTICATOR)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(plain)
	f.Add([]byte{})
	f.Add(asn1tools.AddASNAppTag(nil, asnAppTag.Authenticator))
	f.Fuzz(func(t *testing.T, plain []byte) {
		sent := *request
		var err error
		if sent.EncryptedAuthenticator, err = crypto.GetEncryptedData(plain, c.session, keyusage.AP_REQ_AUTHENTICATOR, 0); err != nil {
			return // there is nothing to encrypt
		}
		x := m.Start()
		_, outcome, err := x.Step(context.Background(), wrapToken(must(sent.Marshal()), tokenAPReq))
		refused(t, outcome, err)
		if claimed := x.Claimed(); len(plain) > 0 && claimed != "alice@"+realm {
			t.Errorf("claimed %q with a ticket of alice", claimed)
		}
	})
}

// FuzzTicket opens what a KDC may have put into a ticket.
func FuzzTicket(f *testing.F) {
	m := newMechanism(f, nil)
	c := client{enctype: 20, principal: []string{"alice"}, flags: flagsOfFranz}
	request := c.apReq(f)
	service := name{request.Ticket.SName.NameString, realm}
	key := m.acceptor.keys.current.Load().find(service, 20, 2)[0]
	plain, err := crypto.DecryptEncPart(request.Ticket.EncPart, key, keyusage.KDC_REP_TICKET)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(plain)
	f.Add(asn1tools.AddASNAppTag(must(asn1.Marshal(messages.EncTicketPart{})), asnAppTag.EncTicketPart))
	f.Fuzz(func(t *testing.T, plain []byte) {
		sent := *request
		var err error
		if sent.Ticket.EncPart, err = crypto.GetEncryptedData(plain, key, keyusage.KDC_REP_TICKET, 2); err != nil {
			return // there is nothing to encrypt
		}
		_, outcome, err := m.Start().Step(context.Background(), wrapToken(must(sent.Marshal()), tokenAPReq))
		refused(t, outcome, err)
	})
}

// FuzzChoice answers the offer of layers with anything. Only what the key of the context has signed is taken.
func FuzzChoice(f *testing.F) {
	a := &acceptor{}
	key := types.EncryptionKey{KeyType: 18, KeyValue: make([]byte, 32)}
	choice := krb.WrapToken{EC: 12, Payload: []byte{1, 0, 0, 0}}
	if err := choice.SetCheckSum(key, keyusage.GSSAPI_INITIATOR_SEAL); err != nil {
		f.Fatal(err)
	}
	good := must(choice.Marshal())
	f.Add(good)
	f.Add(append([]byte("\x05\x04\x00\xff\x00\x0c\xff\xff"), make([]byte, 40)...))
	f.Fuzz(func(t *testing.T, message []byte) {
		c := &securityContext{key: key, client: name{[]string{"alice"}, realm}}
		err := contain(func() error { return a.choose(message, c) })
		if errors.Is(err, errFault) {
			t.Error(err)
		}
		if err == nil && len(message) != len(good) {
			t.Errorf("taken: %x", message)
		}
	})
}

// FuzzKeytab reads files that are no keytabs, or were.
func FuzzKeytab(f *testing.F) {
	f.Add(keytabBytes(f, secret, entry{service, 2, 18}))
	f.Add([]byte("\x05\x01\x00\x00\x00\x01"))
	f.Add([]byte("\x05\x02\x80\x00\x00\x00\x00\x00\x00\x01"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		ring, err := parseKeytab("k", raw, wanted{service: "kafka"})
		if err != nil {
			return
		}
		for _, k := range ring.keys {
			if k.name.components[0] != "kafka" || (enctypes{}).checkKey("key", k.key) != nil {
				t.Errorf("taken: %s", k.name)
			}
		}
	})
}

// FuzzRules reads rules and applies them. What comes out is a short name.
func FuzzRules(f *testing.F) {
	f.Add("RULE:[2:$1@$0](.*@TEST)s/@.*//gL", "alice/admin@TEST")
	f.Add("DEFAULT", "alice@TEST")
	f.Fuzz(func(t *testing.T, text, full string) {
		rules, err := ParseRules("TEST", []string{text})
		if err != nil {
			return
		}
		if short, err := rules.ShortName(full); err == nil && (short == "" || len(short) > auth.MaxNameBytes) {
			t.Errorf("%q of %q is %q", text, full, short)
		}
	})
}
