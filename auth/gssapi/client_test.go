package gssapi

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/jcmturner/gofork/encoding/asn1"
	"github.com/jcmturner/gokrb5/v8/asn1tools"
	"github.com/jcmturner/gokrb5/v8/crypto"
	krb "github.com/jcmturner/gokrb5/v8/gssapi"
	"github.com/jcmturner/gokrb5/v8/iana/asnAppTag"
	"github.com/jcmturner/gokrb5/v8/iana/keyusage"
	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"

	"github.com/chronik-stream/chronik/auth"
)

const (
	realm   = "TEST.CHRONIK"
	service = "kafka/localhost"
	secret  = "of the service"
)

// Flags as the real clients set them.
const (
	flagsOfCyrus        = 0x12a
	flagsOfJava         = 0x3c
	flagsOfJavaMutually = 0x3e
	flagsOfFranz        = 0x30
)

var noon = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

// entry is a line of a keytab.
type entry struct {
	principal string
	kvno      uint8
	enctype   int32
}

// longTermKey is the key that a service has of one encryption type.
func longTermKey(secret string, enctype int32) types.EncryptionKey {
	size := map[int32]int{17: 16, 18: 32, 19: 16, 20: 32, 23: 16}[enctype]
	sum := sha256.Sum256(fmt.Append(nil, enctype, secret))
	return types.EncryptionKey{KeyType: enctype, KeyValue: sum[:size]}
}

// keytabBytes is a keytab whose keys are made of one secret.
func keytabBytes(t testing.TB, secret string, entries ...entry) []byte {
	t.Helper()
	const quick = 23 // the library makes a key of a password, which is slow for other encryption types
	kt := keytab.New()
	for i, e := range entries {
		if err := kt.AddEntry(e.principal, realm, "", noon, e.kvno, quick); err != nil {
			t.Fatal(err)
		}
		kt.Entries[i].Key = longTermKey(secret, e.enctype)
	}
	raw, err := kt.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func writeKeytab(t testing.TB, entries ...entry) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kafka.keytab")
	if err := os.WriteFile(path, keytabBytes(t, secret, entries...), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func everyEnctype(principal string) []entry {
	return []entry{{principal, 2, 17}, {principal, 2, 18}, {principal, 2, 19}, {principal, 2, 20}, {principal, 2, 23}}
}

// newMechanism is a mechanism at noon, with changes.
func newMechanism(t testing.TB, change func(*Config)) *Mechanism {
	t.Helper()
	cfg := Config{
		Keytab: writeKeytab(t, append(everyEnctype(service), everyEnctype("HTTP/localhost")...)...), Service: "kafka", Rules: []string{"DEFAULT"},
		DefaultRealm: realm, Clock: func() time.Time { return noon }, Logger: slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&cfg)
	}
	m, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// client is a client with a ticket made in this process, as a KDC would make it. Its functions change what is sent before it is
// encrypted or signed.
type client struct {
	enctype   int32
	flags     uint32
	subkey    bool
	principal []string
	authzid   string

	ticketPart    func(*messages.EncTicketPart)
	ticket        func(*messages.Ticket)
	authenticator func(*types.Authenticator)
	request       func(*messages.APReq)
	choice        func(*krb.WrapToken)

	session, key    types.EncryptionKey
	sequence        uint32
	acceptorSubkey  bool
	sent            time.Time
	acceptorNumbers uint32
}

func sessionKey(enctype int32) types.EncryptionKey {
	return longTermKey("session", enctype)
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// serviceTicket is a ticket for service, valid around noon.
func (c *client) serviceTicket(t testing.TB) messages.Ticket {
	t.Helper()
	c.session = sessionKey(c.enctype)
	part := messages.EncTicketPart{
		Flags: types.NewKrbFlags(), Key: c.session, CRealm: realm, CName: types.PrincipalName{NameType: 1, NameString: c.principal},
		AuthTime: noon.Add(-time.Minute), StartTime: noon.Add(-time.Minute), EndTime: noon.Add(time.Hour), RenewTill: noon.Add(time.Hour),
	}
	ticket := messages.Ticket{TktVNO: 5, Realm: realm, SName: types.PrincipalName{NameType: 1, NameString: []string{"kafka", "localhost"}}}
	ticket.EncPart.EType, ticket.EncPart.KVNO = c.enctype, 2
	if c.ticketPart != nil {
		c.ticketPart(&part)
	}
	if c.ticket != nil {
		c.ticket(&ticket)
	}
	c.session = part.Key
	key := longTermKey(secret, ticket.EncPart.EType)
	plain := asn1tools.AddASNAppTag(must(asn1.Marshal(part)), asnAppTag.EncTicketPart)
	ticket.EncPart = must(crypto.GetEncryptedData(plain, key, keyusage.KDC_REP_TICKET, ticket.EncPart.KVNO))
	return ticket
}

// initial is the first token: the AP-REQ.
func (c *client) initial(t testing.TB) []byte {
	t.Helper()
	return wrapToken(must(c.apReq(t).Marshal()), tokenAPReq)
}

func (c *client) apReq(t testing.TB) *messages.APReq {
	t.Helper()
	ticket := c.serviceTicket(t)
	sum := make([]byte, 24)
	binary.LittleEndian.PutUint32(sum, 16)
	binary.LittleEndian.PutUint32(sum[20:], c.flags)
	a := types.Authenticator{
		AVNO: 5, CRealm: realm, CName: types.PrincipalName{NameType: 1, NameString: c.principal}, CTime: noon, Cusec: 123456,
		Cksum: types.Checksum{CksumType: 0x8003, Checksum: sum}, SeqNumber: 0x1234567,
	}
	c.key = c.session
	if c.subkey {
		a.SubKey = sessionKey(c.enctype)
		a.SubKey.KeyValue[0] ^= 0xff
		c.key = a.SubKey
	}
	if c.authenticator != nil {
		c.authenticator(&a)
	}
	c.sequence, c.sent = uint32(a.SeqNumber), a.CTime.Add(time.Duration(a.Cusec)*time.Microsecond)
	plain := must(a.Marshal())
	request := &messages.APReq{
		PVNO: 5, MsgType: 14, APOptions: types.NewKrbFlags(), Ticket: ticket,
		EncryptedAuthenticator: must(crypto.GetEncryptedData(plain, c.session, keyusage.AP_REQ_AUTHENTICATOR, 0)),
	}
	if c.request != nil {
		c.request(request)
	}
	return request
}

// readReply checks an AP-REP as the real clients do, and takes its subkey.
func (c *client) readReply(t testing.TB, token []byte) {
	t.Helper()
	message, err := openToken(token, tokenAPRep)
	if err != nil {
		t.Fatalf("AP-REP: %v", err)
	}
	var reply messages.APRep
	if err := reply.Unmarshal(message); err != nil || reply.EncPart.KVNO != 0 {
		t.Fatalf("AP-REP: %v, kvno %d", err, reply.EncPart.KVNO)
	}
	plain, err := crypto.DecryptEncPart(reply.EncPart, c.session, keyusage.AP_REP_ENCPART)
	if err != nil {
		t.Fatalf("AP-REP: %v", err)
	}
	var part messages.EncAPRepPart
	if err := part.Unmarshal(plain); err != nil {
		t.Fatalf("AP-REP: %v", err)
	}
	if got := part.CTime.Add(time.Duration(part.Cusec) * time.Microsecond); !got.Equal(c.sent) {
		t.Errorf("the AP-REP repeats %s, sent was %s", got, c.sent)
	}
	if bytes.Equal(part.Subkey.KeyValue, c.key.KeyValue) || len(part.Subkey.KeyValue) != len(c.key.KeyValue) {
		t.Errorf("the AP-REP's subkey is none of the server's own")
	}
	if part.SequenceNumber == 0 {
		t.Error("the AP-REP has no sequence number")
	}
	c.key, c.acceptorSubkey, c.acceptorNumbers = part.Subkey, true, uint32(part.SequenceNumber)
}

// answerOffer checks the offer of layers as the real clients do, and returns the choice.
func (c *client) answerOffer(t testing.TB, message []byte) []byte {
	t.Helper()
	var offer krb.WrapToken
	if err := offer.Unmarshal(message, true); err != nil {
		t.Fatalf("offer: %v", err)
	}
	if valid, err := offer.Verify(c.key, keyusage.GSSAPI_ACCEPTOR_SEAL); !valid {
		t.Fatalf("offer: %v", err)
	}
	flags, numbers := byte(1), c.sequence
	if c.acceptorSubkey {
		flags, numbers = 5, c.acceptorNumbers
	}
	if offer.Flags != flags || offer.RRC != 0 || offer.SndSeqNum != uint64(numbers) || !bytes.Equal(offer.Payload, []byte{1, 0, 0, 0}) {
		t.Errorf("offer %+v, want flags %d, sequence %d", offer, flags, numbers)
	}
	choice := krb.WrapToken{EC: offer.EC, Flags: flags &^ 1, Payload: append([]byte{1, 0, 0, 0}, c.authzid...)}
	if c.flags&(flagReplay|flagSequence) != 0 {
		choice.SndSeqNum = uint64(c.sequence)
	}
	if c.choice != nil {
		c.choice(&choice)
	}
	if choice.CheckSum == nil {
		if err := choice.SetCheckSum(c.key, keyusage.GSSAPI_INITIATOR_SEAL); err != nil {
			t.Fatal(err)
		}
	}
	return must(choice.Marshal())
}

// logIn runs a whole exchange. It fails the test where a step has an answer that no client takes.
func (c *client) logIn(t testing.TB, m *Mechanism) (*auth.Outcome, error) {
	t.Helper()
	if c.enctype == 0 {
		c.enctype = 18
	}
	if c.principal == nil {
		c.principal = []string{"alice"}
	}
	x := m.Start()
	answer, outcome, err := x.Step(t.Context(), c.initial(t))
	if err != nil {
		return nil, err
	}
	if c.flags&flagMutual != 0 {
		c.readReply(t, answer)
		if answer, outcome, err = x.Step(t.Context(), nil); err != nil {
			return nil, err
		}
	}
	if outcome != nil {
		t.Fatal("logged in before the choice of a layer")
	}
	answer, outcome, err = x.Step(t.Context(), c.answerOffer(t, answer))
	if (outcome == nil) == (err == nil) || answer != nil {
		t.Fatalf("the last step returned %x, %v, %v", answer, outcome, err)
	}
	if outcome != nil && (outcome.Proven != c.principal[0]+"@"+realm || x.Claimed() != outcome.Proven || outcome.Issued.IsZero()) {
		t.Errorf("proven %q, claimed %q, authenticated at %s", outcome.Proven, x.Claimed(), outcome.Issued)
	}
	return outcome, err
}
