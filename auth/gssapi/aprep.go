package gssapi

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/jcmturner/gofork/encoding/asn1"
	"github.com/jcmturner/gokrb5/v8/asn1tools"
	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/iana"
	"github.com/jcmturner/gokrb5/v8/iana/asnAppTag"
	"github.com/jcmturner/gokrb5/v8/iana/keyusage"
	"github.com/jcmturner/gokrb5/v8/iana/msgtype"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
)

// sequenceMask leaves sequence numbers that no implementation takes for negative.
const sequenceMask = 0x3fffffff

// reply proves to the client that the server has the service's key (RFC 4120 section 3.2.4), and gives it a subkey: so the tokens of
// the exchange are worth nothing to whoever sends them again.
func (a *acceptor) reply(c *securityContext) ([]byte, error) {
	t, err := a.enctypes.of(c.key.KeyType)
	if err != nil {
		return nil, err
	}
	random := make([]byte, t.keyBytes+4)
	_, _ = rand.Read(random) // never fails
	c.key = types.EncryptionKey{KeyType: c.key.KeyType, KeyValue: random[:t.keyBytes]}
	c.own = true
	c.serverSequence = binary.BigEndian.Uint32(random[t.keyBytes:])&sequenceMask | 1 // 0 would be left out
	part, err := asn1.Marshal(messages.EncAPRepPart{
		CTime: c.sent.UTC().Truncate(time.Second), Cusec: c.sent.Nanosecond() / int(time.Microsecond),
		Subkey: c.key, SequenceNumber: int64(c.serverSequence),
	})
	if err != nil {
		return nil, fmt.Errorf("encode the AP-REP: %w", err)
	}
	sealed, err := crypto.GetEncryptedData(asn1tools.AddASNAppTag(part, asnAppTag.EncAPRepPart), c.session, keyusage.AP_REP_ENCPART, 0)
	if err != nil {
		return nil, fmt.Errorf("encrypt the AP-REP: %w", err)
	}
	message, err := asn1.Marshal(messages.APRep{PVNO: iana.PVNO, MsgType: msgtype.KRB_AP_REP, EncPart: sealed})
	if err != nil {
		return nil, fmt.Errorf("encode the AP-REP: %w", err)
	}
	return wrapToken(asn1tools.AddASNAppTag(message, asnAppTag.APREP), tokenAPRep), nil
}
