package tls

import (
	"bytes"
	"crypto"
	stdtls "crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"
)

// ErrBadStore is wrapped by the errors about what is in a key store or trust store.
var ErrBadStore = errors.New("unusable key or trust store")

// identity is a private key and its certificates, the leaf first.
type identity struct {
	key   crypto.PrivateKey
	chain []*x509.Certificate
}

// check refuses settings that contradict each other, as Apache Kafka's DefaultSslEngineFactory does.
func (k *KeyStore) check() error {
	inline := k.Key != "" || k.CertificateChain != ""
	switch {
	case k.Location == "" && !inline:
		return fmt.Errorf("%w: ssl.keystore.location is not set", ErrBadConfig)
	case k.Location != "" && inline:
		return fmt.Errorf("%w: ssl.keystore.location and ssl.keystore.key or ssl.keystore.certificate.chain are set", ErrBadConfig)
	case inline && (k.Key == "" || k.CertificateChain == ""):
		return fmt.Errorf("%w: of ssl.keystore.key and ssl.keystore.certificate.chain one is missing", ErrBadConfig)
	case (inline || k.KeyLocation != "") && k.Type != typePEM:
		return fmt.Errorf("%w: keys given as PEM need ssl.keystore.type PEM", ErrBadConfig)
	case k.Type == typePEM && k.Password != "":
		return fmt.Errorf("%w: ssl.keystore.password does not go with type PEM; ssl.key.password does", ErrBadConfig)
	}
	return checkType("ssl.keystore.type", k.Type)
}

// load returns the identities of the store.
func (k *KeyStore) load(f files) ([]identity, error) {
	ids, err := k.read(f)
	if err != nil {
		return nil, fmt.Errorf("ssl.keystore %s: %w", k.Location, err)
	}
	return ids, nil
}

func (k *KeyStore) read(f files) ([]identity, error) {
	if k.Type == typePEM {
		key, certificates := []byte(k.Key), []byte(k.CertificateChain)
		if k.Location != "" {
			certificates = f.content[k.Location]
			key = certificates
		}
		if k.KeyLocation != "" {
			key = f.content[k.KeyLocation]
		}
		id, err := identityFromPEM(key, certificates, k.KeyPassword)
		return []identity{id}, err
	}
	content := f.content[k.Location]
	switch formOf(content) {
	case formPKCS12:
		id, err := identityFromPKCS12(content, k.Password)
		return []identity{id}, err
	case formJKS:
		keyPassword := k.KeyPassword
		if keyPassword == "" {
			keyPassword = k.Password
		}
		return identitiesFromJKS(content, k.Password, keyPassword)
	default:
		return nil, fmt.Errorf("%w: it is neither PKCS12 nor JKS", ErrBadStore)
	}
}

// certificate checks that the key belongs to the leaf, which is valid at now, and returns both for crypto/tls.
func (id *identity) certificate(now time.Time) (stdtls.Certificate, error) {
	leaf := id.chain[0]
	signer, ok := id.key.(crypto.Signer)
	if !ok {
		return stdtls.Certificate{}, fmt.Errorf("%w: a key of type %T cannot sign", ErrBadStore, id.key)
	}
	if !samePublicKey(signer, leaf) {
		return stdtls.Certificate{}, fmt.Errorf("%w: the private key is not that of certificate %q", ErrBadStore, leaf.Subject)
	}
	if now.Before(leaf.NotBefore) || now.After(leaf.NotAfter) {
		return stdtls.Certificate{}, fmt.Errorf("%w: certificate %q is valid from %s to %s", ErrBadStore, leaf.Subject,
			leaf.NotBefore.Format(time.RFC3339), leaf.NotAfter.Format(time.RFC3339))
	}
	c := stdtls.Certificate{PrivateKey: id.key, Leaf: leaf}
	for _, cert := range id.chain {
		c.Certificate = append(c.Certificate, cert.Raw)
	}
	return c, nil
}

func samePublicKey(key crypto.Signer, cert *x509.Certificate) bool {
	public, ok := key.Public().(interface{ Equal(x crypto.PublicKey) bool })
	return ok && public.Equal(cert.PublicKey)
}

// arrange puts the certificate of key first and each issuer after what it issued, whatever the order in the store.
func arrange(key crypto.PrivateKey, certs []*x509.Certificate) (identity, error) {
	signer, ok := key.(crypto.Signer)
	if !ok {
		return identity{}, fmt.Errorf("%w: a key of type %T cannot sign", ErrBadStore, key)
	}
	at := slices.IndexFunc(certs, func(c *x509.Certificate) bool { return samePublicKey(signer, c) })
	if at < 0 {
		return identity{}, fmt.Errorf("%w: none of its %d certificates belongs to its private key", ErrBadStore, len(certs))
	}
	chain, rest := []*x509.Certificate{certs[at]}, slices.Delete(slices.Clone(certs), at, at+1)
	for len(rest) > 0 {
		issuer := chain[len(chain)-1].RawIssuer
		next := slices.IndexFunc(rest, func(c *x509.Certificate) bool { return bytes.Equal(c.RawSubject, issuer) })
		if next < 0 {
			break
		}
		chain, rest = append(chain, rest[next]), slices.Delete(rest, next, next+1)
	}
	return identity{key: key, chain: append(chain, rest...)}, nil
}
