package gssapi

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/iana"
	"github.com/jcmturner/gokrb5/v8/iana/asnAppTag"
	"github.com/jcmturner/gokrb5/v8/iana/keyusage"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"

	"github.com/chronik-stream/chronik/auth"
)

const (
	// optionSessionKey is the AP-REQ's option for user-to-user authentication, which is not served.
	optionSessionKey = 1
	// Flags of a ticket (RFC 4120 section 5.3, RFC 8062 section 3).
	ticketInvalid, ticketTransitedChecked, ticketAnonymous = 7, 12, 16
	// gssChecksum is the type of a checksum that carries the flags of GSS-API (RFC 4121 section 4.1.1), gssChecksumBytes its least length
	// and bindingsBytes the length of the channel bindings in it.
	gssChecksum, gssChecksumBytes, bindingsBytes = 0x8003, 24, 16
	maxMicroseconds                              = 999_999
)

// acceptor verifies AP-REQs.
type acceptor struct {
	service  string
	keys     *keys
	enctypes enctypes
	skew     time.Duration
	replays  *Replays
	clock    func() time.Time
}

// accept verifies the client's first token, field by field, and fills in the context. The client's name is there as soon as a ticket
// says it, also where an error follows.
func (a *acceptor) accept(ctx context.Context, token []byte, c *securityContext) error {
	message, err := openToken(token, tokenAPReq)
	if err != nil {
		return err
	}
	request, err := a.parse(message)
	if err != nil {
		return err
	}
	ticket, err := a.openTicket(ctx, &request.Ticket)
	if err != nil {
		return err
	}
	if c.client, err = nameOf(ticket.CName, ticket.CRealm); err != nil {
		return err
	}
	now := a.clock()
	if err := a.checkTicket(ticket, request.Ticket.Realm, now); err != nil {
		return err
	}
	authenticator, err := a.openAuthenticator(request.EncryptedAuthenticator, ticket.Key)
	if err != nil {
		return err
	}
	if err := a.checkAuthenticator(authenticator, c, now); err != nil {
		return err
	}
	c.authenticated, c.ends = ticket.AuthTime, a.sessionEnd(ticket.EndTime, now)
	c.session, c.key = ticket.Key, ticket.Key
	if len(authenticator.SubKey.KeyValue) > 0 {
		c.key = authenticator.SubKey
	}
	return a.replays.add(request.EncryptedAuthenticator.Cipher, now, c.sent.Add(a.skew))
}

// parse reads an AP-REQ and checks what can be before anything is decrypted.
func (a *acceptor) parse(message []byte) (*messages.APReq, error) {
	if _, err := application(message, asnAppTag.APREQ); err != nil {
		return nil, malformed("AP-REQ: %w", err)
	}
	request := &messages.APReq{}
	if err := request.Unmarshal(message); err != nil {
		return nil, malformed("AP-REQ: %w", err)
	}
	ticket := &request.Ticket
	switch {
	case request.PVNO != iana.PVNO || ticket.TktVNO != iana.PVNO:
		return nil, malformed("AP-REQ of version %d with a ticket of version %d", request.PVNO, ticket.TktVNO)
	case request.APOptions.At(optionSessionKey) != 0:
		return nil, malformed("AP-REQ for user-to-user authentication")
	case len(ticket.SName.NameString) == 0 || ticket.SName.NameString[0] != a.service:
		return nil, fmt.Errorf("%w: %.255q", ErrService, ticket.SName.PrincipalNameString())
	}
	if err := a.enctypes.checkCipher("ticket", ticket.EncPart); err != nil {
		return nil, err
	}
	return request, a.enctypes.checkCipher("authenticator", request.EncryptedAuthenticator)
}

// openTicket decrypts a ticket with the key that it is for.
func (a *acceptor) openTicket(ctx context.Context, ticket *messages.Ticket) (*messages.EncTicketPart, error) {
	service := name{ticket.SName.NameString, ticket.Realm}
	keys := a.keys.find(ctx, service, ticket.EncPart.EType, ticket.EncPart.KVNO)
	if len(keys) == 0 {
		return nil, fmt.Errorf("%w: %.255q, version %d, encryption type %d", ErrNoKey, service, ticket.EncPart.KVNO, ticket.EncPart.EType)
	}
	for _, key := range keys {
		plain, err := crypto.DecryptEncPart(ticket.EncPart, key, keyusage.KDC_REP_TICKET)
		if err != nil {
			continue
		}
		part := &messages.EncTicketPart{}
		if err := part.Unmarshal(plain); err != nil {
			return nil, malformed("ticket: %w", err)
		}
		return part, a.enctypes.checkKey("session key", part.Key)
	}
	return nil, fmt.Errorf("%w: the ticket can not be decrypted", auth.ErrBadCredential)
}

// checkTicket checks that a ticket is valid now, that the KDC has looked at the way by which it came from another realm, and that it is of
// somebody: KDCs give tickets to whoever proves nothing (anonymous PKINIT), of which rules would make a short name like any other.
func (a *acceptor) checkTicket(t *messages.EncTicketPart, realm string, now time.Time) error {
	start := t.StartTime
	if start.IsZero() {
		start = t.AuthTime
	}
	switch {
	case t.Flags.At(ticketInvalid) != 0 || start.After(now.Add(a.skew)):
		return ErrNotYetValid
	case t.EndTime.Before(now.Add(-a.skew)):
		return ErrExpired
	case t.CRealm != realm && t.Flags.At(ticketTransitedChecked) == 0:
		return fmt.Errorf("%w: no KDC has checked the ticket's way from realm %.255q", auth.ErrBadCredential, t.CRealm)
	case t.Flags.At(ticketAnonymous) != 0 || t.CName.NameString[0] == reservedName:
		return ErrAnonymous
	}
	return nil
}

// openAuthenticator decrypts what proves that the client has the ticket's key.
func (a *acceptor) openAuthenticator(data types.EncryptedData, session types.EncryptionKey) (*types.Authenticator, error) {
	if data.EType != session.KeyType {
		return nil, fmt.Errorf("%w: an authenticator of %d with a session key of %d", ErrEnctype, data.EType, session.KeyType)
	}
	plain, err := crypto.DecryptEncPart(data, session, keyusage.AP_REQ_AUTHENTICATOR)
	if err != nil {
		return nil, fmt.Errorf("%w: the authenticator can not be decrypted", auth.ErrBadCredential)
	}
	authenticator := &types.Authenticator{}
	if err := authenticator.Unmarshal(plain); err != nil {
		return nil, malformed("authenticator: %w", err)
	}
	if authenticator.AVNO != iana.PVNO {
		return nil, malformed("authenticator of version %d", authenticator.AVNO)
	}
	return authenticator, nil
}

// checkAuthenticator holds it against the ticket and the clock, and takes from it what the context needs.
func (a *acceptor) checkAuthenticator(p *types.Authenticator, c *securityContext, now time.Time) error {
	if claimed := (name{p.CName.NameString, p.CRealm}); !claimed.equal(c.client) {
		return fmt.Errorf("%w: the authenticator is of %.255q, the ticket of another", auth.ErrBadCredential, claimed)
	}
	if p.Cusec < 0 || p.Cusec > maxMicroseconds {
		return malformed("authenticator with %d microseconds", p.Cusec)
	}
	c.sent = p.CTime.Add(time.Duration(p.Cusec) * time.Microsecond)
	if off := now.Sub(c.sent); off > a.skew || off < -a.skew {
		return fmt.Errorf("%w: %s", ErrSkew, off)
	}
	if len(p.SubKey.KeyValue) > 0 || p.SubKey.KeyType != 0 {
		if err := a.enctypes.checkKey("subkey", p.SubKey); err != nil {
			return err
		}
	}
	c.clientSequence = uint32(p.SeqNumber) //nolint:gosec // modulo 2^32, as it is meant
	c.serverSequence = c.clientSequence    // without an AP-REP
	var err error
	c.flags, err = gssFlags(p.Cksum)
	return err
}

// gssFlags reads the flags from the authenticator's checksum. The channel bindings are zeros with all clients and are not looked at.
func gssFlags(c types.Checksum) (uint32, error) {
	if c.CksumType != gssChecksum || len(c.Checksum) < gssChecksumBytes || binary.LittleEndian.Uint32(c.Checksum) != bindingsBytes {
		return 0, malformed("authenticator without the checksum of GSS-API")
	}
	return binary.LittleEndian.Uint32(c.Checksum[4+bindingsBytes:]), nil
}
