package token

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"io"

	"github.com/chronik-stream/chronik/auth/scram"
)

// MinSecretBytes is the least length of the secret, 128 bits: whoever has one token can try secrets on it without asking a broker.
const MinSecretBytes = 16

// ErrBadSecret is wrapped where the secret is too short. The error does not repeat it.
var ErrBadSecret = errors.New("unusable secret key of delegation tokens")

// keys derives from the secret.
type keys struct {
	secret []byte
}

// hmac is HMAC-SHA-512 of the id (Apache Kafka's DelegationTokenManager.createHmac).
func (k *keys) hmac(id string) []byte { return k.mac(id) }

// salt is a SCRAM salt in the form of all others, the same at each start and on each broker: one that changes would tell that its
// token is there.
func (k *keys) salt(id string, h scram.Hash) []byte {
	return scram.SaltFrom(k.mac("SCRAM salt of a delegation token\x00", h.String(), "\x00", id))
}

func (k *keys) mac(parts ...string) []byte {
	m := hmac.New(sha512.New, k.secret)
	for _, p := range parts {
		_, _ = io.WriteString(m, p)
	}
	return m.Sum(nil)
}

// credential is what a log-in by the token is checked against: its password is the HMAC in base64.
func (k *keys) credential(id string, h scram.Hash) (scram.Credential, error) {
	password := base64.StdEncoding.EncodeToString(k.hmac(id))
	c, err := scram.Derive(password, k.salt(id, h), scram.DefaultIterations, h)
	if err != nil {
		return scram.Credential{}, fmt.Errorf("derive the %s credential of delegation token %s: %w", h, id, err)
	}
	return c, nil
}

// fingerprint finds a token by its HMAC without keeping that.
func fingerprint(hmac []byte) [sha256.Size]byte { return sha256.Sum256(hmac) }
