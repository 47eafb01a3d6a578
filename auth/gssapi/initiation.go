package gssapi

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/iana"
	"github.com/jcmturner/gokrb5/v8/iana/asnAppTag"
	"github.com/jcmturner/gokrb5/v8/iana/keyusage"
	"github.com/jcmturner/gokrb5/v8/iana/msgtype"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"

	"github.com/chronik-stream/chronik/auth"
)

// initiatorFlags are the flags that a broker logs in with: mutual authentication, replay and sequence detection, and integrity, which the
// signature of the layers' tokens is.
const initiatorFlags = flagMutual | flagReplay | flagSequence | flagIntegrity

// optionMutual is the AP-REQ's option that asks for an AP-REP.
const optionMutual = 2

// Initiation is the client's side of one log-in. It always asks the server to prove that it has the service's key. It is used by one
// goroutine.
type Initiation struct {
	initiator *Initiator
	ticket    ticket
	context   securityContext
	// next takes the server's message that is due, nil when the client has said all.
	next reaction
}

// reaction takes a message of the server and says what takes the one after it.
type reaction func(x *Initiation, message []byte) (answer []byte, next reaction, err error)

// First returns the client's first token.
func (x *Initiation) First() (token []byte, err error) {
	err = contain(func() error {
		token, err = x.request()
		return err
	})
	return token, err
}

// Step takes the server's message and returns the answer to it. done says that the client has said all: the server has proved who it is,
// and what is left is its word that the log-in succeeded.
func (x *Initiation) Step(message []byte) (answer []byte, done bool, err error) {
	if x.next == nil || x.context.sent.IsZero() {
		return nil, false, auth.ErrOutOfOrder
	}
	due := x.next
	x.next = nil
	err = contain(func() (err error) {
		answer, x.next, err = due(x, message)
		return err
	})
	if err != nil {
		x.next = nil
		return nil, false, err
	}
	return answer, x.next == nil, nil
}

// request makes the AP-REQ, with a subkey of the client's.
func (x *Initiation) request() ([]byte, error) {
	i, t := x.initiator, &x.ticket
	e, err := i.enctypes.of(t.session.KeyType)
	if err != nil {
		return nil, err
	}
	random := make([]byte, e.keyBytes+4)
	_, _ = rand.Read(random) // never fails
	c := &x.context
	c.client, c.flags, c.session = t.client, initiatorFlags, t.session
	c.key = types.EncryptionKey{KeyType: t.session.KeyType, KeyValue: random[:e.keyBytes]}
	c.clientSequence = binary.BigEndian.Uint32(random[e.keyBytes:])&sequenceMask | 1 // 0 would be left out
	c.sent = i.cfg.Clock().UTC().Truncate(time.Microsecond)
	flags := binary.LittleEndian.AppendUint32(nil, bindingsBytes)
	flags = binary.LittleEndian.AppendUint32(append(flags, make([]byte, bindingsBytes)...), c.flags)
	who := types.PrincipalName{NameType: 1, NameString: t.client.components}
	proof := types.Authenticator{
		AVNO: iana.PVNO, CRealm: t.client.realm, CName: who, Cksum: types.Checksum{CksumType: gssChecksum, Checksum: flags},
		CTime: c.sent.Truncate(time.Second), Cusec: c.sent.Nanosecond() / int(time.Microsecond),
		SubKey: c.key, SeqNumber: int64(c.clientSequence),
	}
	plain, err := proof.Marshal()
	if err != nil {
		return nil, fmt.Errorf("encode the authenticator: %w", err)
	}
	sealed, err := crypto.GetEncryptedData(plain, c.session, keyusage.AP_REQ_AUTHENTICATOR, 0)
	if err != nil {
		return nil, fmt.Errorf("encrypt the authenticator: %w", err)
	}
	request := messages.APReq{
		PVNO: iana.PVNO, MsgType: msgtype.KRB_AP_REQ, APOptions: types.NewKrbFlags(), Ticket: t.ticket, EncryptedAuthenticator: sealed,
	}
	types.SetFlag(&request.APOptions, optionMutual)
	message, err := request.Marshal()
	if err != nil {
		return nil, fmt.Errorf("encode the AP-REQ: %w", err)
	}
	return wrapToken(message, tokenAPReq), nil
}

// takeReply takes the AP-REP, by which the server proves that it could open the ticket, and answers with nothing.
func takeReply(x *Initiation, token []byte) ([]byte, reaction, error) {
	message, err := openToken(token, tokenAPRep)
	if err != nil {
		return nil, nil, err
	}
	if _, err := application(message, asnAppTag.APREP); err != nil {
		return nil, nil, malformed("AP-REP: %w", err)
	}
	var reply messages.APRep
	if err := reply.Unmarshal(message); err != nil {
		return nil, nil, malformed("AP-REP: %w", err)
	}
	if reply.PVNO != iana.PVNO {
		return nil, nil, malformed("AP-REP of version %d", reply.PVNO)
	}
	c, e := &x.context, x.initiator.enctypes
	if err := e.checkCipher("AP-REP", reply.EncPart); err != nil {
		return nil, nil, err
	}
	plain, err := crypto.DecryptEncPart(reply.EncPart, c.session, keyusage.AP_REP_ENCPART)
	if err != nil || reply.EncPart.EType != c.session.KeyType {
		return nil, nil, fmt.Errorf("%w: the AP-REP can not be decrypted", auth.ErrBadCredential)
	}
	var part messages.EncAPRepPart
	if err := part.Unmarshal(plain); err != nil {
		return nil, nil, malformed("AP-REP: %w", err)
	}
	if at := part.CTime.Add(time.Duration(part.Cusec) * time.Microsecond); !at.Equal(c.sent) {
		return nil, nil, fmt.Errorf("%w: the AP-REP is for another AP-REQ", auth.ErrBadCredential)
	}
	if len(part.Subkey.KeyValue) > 0 || part.Subkey.KeyType != 0 {
		if err := e.checkKey("subkey", part.Subkey); err != nil {
			return nil, nil, err
		}
		c.key, c.own = part.Subkey, true
	}
	c.serverSequence = uint32(part.SequenceNumber) //nolint:gosec // modulo 2^32, as it is meant
	return []byte{}, takeOffer, nil
}

// takeOffer takes the offer of layers and chooses none, with no authorization id.
func takeOffer(x *Initiation, message []byte) ([]byte, reaction, error) {
	c, e := &x.context, x.initiator.enctypes
	payload, sequence, err := e.unwrap(message, c, fromAcceptor())
	if err != nil {
		return nil, nil, err
	}
	switch {
	case sequence != uint64(c.serverSequence):
		return nil, nil, malformed("a wrap token out of sequence")
	case len(payload) != choiceBytes || payload[0]&layerNone == 0:
		return nil, nil, malformed("an offer of layers of %d bytes, or without none", len(payload))
	}
	answer, err := e.wrap([]byte{layerNone, 0, 0, 0}, c, fromInitiator(), uint64(c.clientSequence))
	return answer, nil, err
}
