package tls

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"hash"
)

// errKeyEncryption says what encrypted keys are understood.
var errKeyEncryption = errors.New("its encryption is not PBES2 with PBKDF2 (HMAC-SHA-256, 384 or 512) and AES-CBC; " +
	"openssl pkcs8 -topk8 -v2 aes-256-cbc -v2prf hmacWithSHA256 makes such a key")

// errKeyPassword does not tell a wrong password from damage: the format has no check of its own.
var errKeyPassword = errors.New("ssl.key.password does not open it")

// encryptedKey is EncryptedPrivateKeyInfo (RFC 5958 section 3).
type encryptedKey struct {
	Algorithm pkix.AlgorithmIdentifier
	Data      []byte
}

// pbes2 is PBES2-params (RFC 8018 appendix A.4).
type pbes2 struct {
	Derivation pkix.AlgorithmIdentifier
	Encryption pkix.AlgorithmIdentifier
}

// pbkdf2Parameters is PBKDF2-params (RFC 8018 appendix A.2).
type pbkdf2Parameters struct {
	Salt       []byte
	Iterations int
	KeyLength  int                      `asn1:"optional"`
	PRF        pkix.AlgorithmIdentifier `asn1:"optional"`
}

// decryptPKCS8 opens an encrypted PKCS#8 key.
func decryptPKCS8(der []byte, password string) (crypto.PrivateKey, error) {
	if password == "" {
		return nil, errors.New("it is encrypted, and ssl.key.password is not set")
	}
	var key encryptedKey
	var scheme pbes2
	var derivation pbkdf2Parameters
	for _, step := range []struct {
		from func() []byte
		to   any
	}{
		{func() []byte { return der }, &key},
		{func() []byte { return key.Algorithm.Parameters.FullBytes }, &scheme},
		{func() []byte { return scheme.Derivation.Parameters.FullBytes }, &derivation},
	} {
		if rest, err := asn1.Unmarshal(step.from(), step.to); err != nil || len(rest) > 0 {
			return nil, errKeyEncryption
		}
	}
	if key.Algorithm.Algorithm.String() != "1.2.840.113549.1.5.13" || scheme.Derivation.Algorithm.String() != "1.2.840.113549.1.5.12" {
		return nil, errKeyEncryption
	}
	plain, err := derivation.open(key.Data, scheme.Encryption, password)
	if err != nil {
		return nil, err
	}
	private, err := x509.ParsePKCS8PrivateKey(plain)
	if err != nil {
		return nil, errKeyPassword
	}
	return private, nil
}

func (p *pbkdf2Parameters) open(data []byte, encryption pkix.AlgorithmIdentifier, password string) ([]byte, error) {
	h, length := prfOf(p.PRF.Algorithm.String()), keyLengthOf(encryption.Algorithm.String())
	iv := encryption.Parameters.Bytes
	if h == nil || length == 0 || len(iv) != aes.BlockSize {
		return nil, errKeyEncryption
	}
	if p.Iterations < 1 || p.Iterations > maxKeyIterations || len(p.Salt) == 0 {
		return nil, fmt.Errorf("its key derivation has %d iterations, allowed are 1 to %d, and a salt of %d bytes", p.Iterations, maxKeyIterations, len(p.Salt))
	}
	secret, err := pbkdf2.Key(h, password, p.Salt, p.Iterations, length)
	if err != nil {
		return nil, fmt.Errorf("derive its key: %w", err)
	}
	block, err := aes.NewCipher(secret)
	if err != nil {
		return nil, fmt.Errorf("derive its key: %w", err)
	}
	if len(data) == 0 || len(data)%aes.BlockSize != 0 {
		return nil, errKeyPassword
	}
	plain := make([]byte, len(data))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(plain, data)
	return unpad(plain)
}

// unpad takes off the padding of RFC 8018 section 6.1.1.
func unpad(plain []byte) ([]byte, error) {
	n := int(plain[len(plain)-1])
	if n == 0 || n > aes.BlockSize {
		return nil, errKeyPassword
	}
	wrong := byte(0)
	for _, b := range plain[len(plain)-n:] {
		wrong |= b ^ byte(n)
	}
	if subtle.ConstantTimeByteEq(wrong, 0) == 0 {
		return nil, errKeyPassword
	}
	return plain[:len(plain)-n], nil
}

func prfOf(oid string) func() hash.Hash {
	switch oid {
	case "1.2.840.113549.2.9":
		return sha256.New
	case "1.2.840.113549.2.10":
		return sha512.New384
	case "1.2.840.113549.2.11":
		return sha512.New
	default:
		return nil
	}
}

func keyLengthOf(oid string) int {
	switch oid {
	case "2.16.840.1.101.3.4.1.2":
		return 16
	case "2.16.840.1.101.3.4.1.22":
		return 24
	case "2.16.840.1.101.3.4.1.42":
		return 32
	default:
		return 0
	}
}
