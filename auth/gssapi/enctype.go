package gssapi

import (
	"fmt"

	"github.com/jcmturner/gokrb5/v8/iana/etypeID"
	"github.com/jcmturner/gokrb5/v8/types"
)

// confounderBytes is the random start of each encrypted message.
const confounderBytes = 16

// enctype is an encryption type that is accepted.
type enctype struct {
	keyBytes, checksumBytes int
}

// enctypes are the accepted encryption types: AES with SHA-1 (RFC 3962) and with SHA-2 (RFC 8009). DES, 3DES and RC4 are refused even
// where the keytab has such keys.
type enctypes struct {
	// sha2Only leaves out those with SHA-1, which FIPS 140-3 does not have.
	sha2Only bool
}

// of returns an accepted encryption type by its number.
func (e enctypes) of(id int32) (enctype, error) {
	switch id {
	case etypeID.AES128_CTS_HMAC_SHA256_128:
		return enctype{16, 16}, nil
	case etypeID.AES256_CTS_HMAC_SHA384_192:
		return enctype{32, 24}, nil
	}
	if e.sha2Only {
		return enctype{}, fmt.Errorf("%w: %d, only 19 and 20 are (aes128-cts-hmac-sha256-128, aes256-cts-hmac-sha384-192)", ErrEnctype, id)
	}
	switch id {
	case etypeID.AES128_CTS_HMAC_SHA1_96:
		return enctype{16, 12}, nil
	case etypeID.AES256_CTS_HMAC_SHA1_96:
		return enctype{32, 12}, nil
	}
	return enctype{}, fmt.Errorf("%w: %d, only 17 to 20 are (AES)", ErrEnctype, id)
}

// checkKey checks a key before its first use.
func (e enctypes) checkKey(what string, key types.EncryptionKey) error {
	t, err := e.of(key.KeyType)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if len(key.KeyValue) != t.keyBytes {
		return fmt.Errorf("%w: %s of %d bytes, encryption type %d has %d", ErrEnctype, what, len(key.KeyValue), key.KeyType, t.keyBytes)
	}
	return nil
}

// checkCipher checks an encrypted message before it is decrypted.
func (e enctypes) checkCipher(what string, data types.EncryptedData) error {
	t, err := e.of(data.EType)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if len(data.Cipher) <= confounderBytes+t.checksumBytes {
		return malformed("%s of %d bytes", what, len(data.Cipher))
	}
	return nil
}
