package tls

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"fmt"
)

// identityFromPEM takes the one private key of key and all certificates of certificates; both may be the same text.
func identityFromPEM(key, certificates []byte, password string) (identity, error) {
	private, err := keyFromPEM(key, password)
	if err != nil {
		return identity{}, err
	}
	certs, err := certificatesFromPEM(certificates)
	if err != nil {
		return identity{}, err
	}
	return arrange(private, certs)
}

// certificatesFromPEM returns the certificates of a text, which may hold other things; an error if there is none.
func certificatesFromPEM(text []byte) ([]*x509.Certificate, error) {
	var certs []*x509.Certificate
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("%w: certificate %d in PEM: %w", ErrBadStore, len(certs)+1, err)
		}
		certs = append(certs, cert)
	}
	if len(certs) == 0 {
		return nil, fmt.Errorf("%w: no certificate in PEM", ErrBadStore)
	}
	return certs, nil
}

func keyFromPEM(text []byte, password string) (crypto.PrivateKey, error) {
	var key crypto.PrivateKey
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		parsed, err := keyFromBlock(block, password)
		if err != nil {
			return nil, err
		}
		if parsed != nil && key != nil {
			return nil, fmt.Errorf("%w: more than one private key in PEM", ErrBadStore)
		}
		if parsed != nil {
			key = parsed
		}
	}
	if key == nil {
		return nil, fmt.Errorf("%w: no private key in PEM", ErrBadStore)
	}
	return key, nil
}

// keyFromBlock returns the block's private key, nil if it holds something else.
func keyFromBlock(block *pem.Block, password string) (crypto.PrivateKey, error) {
	if block.Headers["DEK-Info"] != "" {
		return nil, fmt.Errorf("%w: a private key in OpenSSL's old encryption; make it PKCS#8: openssl pkcs8 -topk8 -v2 aes-256-cbc", ErrBadStore)
	}
	var key crypto.PrivateKey
	var err error
	switch block.Type {
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	case "ENCRYPTED PRIVATE KEY":
		key, err = decryptPKCS8(block.Bytes, password)
	default:
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %s in PEM: %w", ErrBadStore, block.Type, err)
	}
	return key, nil
}
