package gssapi

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	krb "github.com/jcmturner/gokrb5/v8/gssapi"
	"github.com/jcmturner/gokrb5/v8/iana/keyusage"

	"github.com/chronik-stream/chronik/auth"
)

// Flags of a wrap token (RFC 4121 section 4.2.2). A sealed token would have 0x02, which is accepted from nobody.
const (
	wrapFromAcceptor   = 0x01
	wrapAcceptorSubkey = 0x04
)

// layerNone is the one security layer that is offered: none (RFC 4752 section 3.3).
const layerNone = 0x01

// choiceBytes is the length of an offer or a choice of layers: the layer, and three octets of size.
const choiceBytes = 4

// offer is the token that offers security layers: none, and no buffer.
func (a *acceptor) offer(c *securityContext) ([]byte, error) {
	return a.enctypes.wrap([]byte{layerNone, 0, 0, 0}, c, fromAcceptor(), uint64(c.serverSequence))
}

// side is what tells the wrap tokens of server and client apart: the flags, but for that of the subkey, and the usage of the key for the
// checksum.
type side struct {
	flags byte
	usage uint32
}

func fromAcceptor() side  { return side{wrapFromAcceptor, keyusage.GSSAPI_ACCEPTOR_SEAL} }
func fromInitiator() side { return side{0, keyusage.GSSAPI_INITIATOR_SEAL} }

// subkeyFlag is set exactly where the server has given a subkey.
func (c *securityContext) subkeyFlag() byte {
	if c.own {
		return wrapAcceptorSubkey
	}
	return 0
}

// choose checks the client's answer to the offer.
func (a *acceptor) choose(message []byte, c *securityContext) error {
	payload, sequence, err := a.enctypes.unwrap(message, c, fromInitiator())
	if err != nil {
		return err
	}
	if c.flags&(flagReplay|flagSequence) != 0 && sequence != uint64(c.clientSequence) {
		return malformed("a wrap token out of sequence")
	}
	if len(payload) < choiceBytes || payload[0] != layerNone {
		return malformed("a choice of layers of %d bytes, or one that was not offered", len(payload))
	}
	authzid := string(payload[choiceBytes:])
	if !utf8.ValidString(authzid) {
		return malformed("an authorization id that is not UTF-8")
	}
	if authzid != "" && authzid != c.client.String() && authzid != c.client.local() && !a.isItself(authzid) {
		return auth.ErrAuthzidNotAllowed
	}
	return nil
}

// isItself reports whether an authorization id is the broker's own name, as service@host or service/host@REALM: Python's clients send
// it, and do not mean that they would be the broker.
func (a *acceptor) isItself(authzid string) bool {
	end := strings.IndexAny(authzid, "/@")
	return end > 0 && authzid[:end] == a.service
}

// wrap makes a wrap token that is signed and not sealed.
func (e enctypes) wrap(payload []byte, c *securityContext, from side, sequence uint64) ([]byte, error) {
	t, err := e.of(c.key.KeyType)
	if err != nil {
		return nil, err
	}
	token := krb.WrapToken{
		Flags: from.flags | c.subkeyFlag(), EC: uint16(t.checksumBytes), SndSeqNum: sequence, Payload: payload, //nolint:gosec // at most 24
	}
	if err := token.SetCheckSum(c.key, from.usage); err != nil {
		return nil, fmt.Errorf("sign a wrap token: %w", err)
	}
	return token.Marshal()
}

// unwrap returns what a wrap token carries, which is signed and not sealed. Its sequence number is for the caller to check.
func (e enctypes) unwrap(message []byte, c *securityContext, from side) (payload []byte, sequence uint64, err error) {
	t, err := e.of(c.key.KeyType)
	if err != nil {
		return nil, 0, err
	}
	if len(message) < krb.HdrLen+t.checksumBytes || len(message) > maxAnswer {
		return nil, 0, malformed("a wrap token of %d bytes", len(message))
	}
	header, body := message[:krb.HdrLen], rotatedBack(message[krb.HdrLen:], binary.BigEndian.Uint16(message[6:]))
	token := krb.WrapToken{Flags: header[2], SndSeqNum: binary.BigEndian.Uint64(header[8:])}
	end := len(body) - t.checksumBytes
	token.Payload, token.CheckSum = body[:end], body[end:]
	switch {
	case header[0] != 0x05 || header[1] != 0x04 || header[3] != krb.FillerByte:
		return nil, 0, malformed("a token that is no wrap token of RFC 4121")
	case token.Flags != from.flags|c.subkeyFlag():
		return nil, 0, malformed("a wrap token with flags %#x", token.Flags)
	case int(binary.BigEndian.Uint16(header[4:])) != t.checksumBytes:
		return nil, 0, malformed("a wrap token with a checksum of another length")
	}
	if valid, err := token.Verify(c.key, from.usage); err != nil || !valid {
		return nil, 0, fmt.Errorf("%w: the checksum of a wrap token", auth.ErrBadCredential)
	}
	return token.Payload, token.SndSeqNum, nil
}

// rotatedBack undoes the rotation of a token's part after its header (RFC 4121 section 4.2.5).
func rotatedBack(body []byte, count uint16) []byte {
	if len(body) == 0 {
		return nil
	}
	n := int(count) % len(body)
	return slices.Concat(body[n:], body[:n])
}
