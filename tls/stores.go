package tls

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/pavlo-v-chernykh/keystore-go/v4"
	"software.sslmate.com/src/go-pkcs12"
)

// The types of stores by Apache Kafka's names.
const (
	typePEM    = "PEM"
	typePKCS12 = "PKCS12"
	typeJKS    = "JKS"
)

func checkType(setting, name string) error {
	switch name {
	case typePEM, typePKCS12, typeJKS:
		return nil
	default:
		return fmt.Errorf("%w: %s is %q; PEM, PKCS12 and JKS are allowed", ErrBadConfig, setting, name)
	}
}

// form is how the content of a store is encoded. Java reads either under both type names, and so does this package.
type form int8

const (
	formUnknown form = iota
	formPKCS12
	formJKS
)

func formOf(content []byte) form {
	switch {
	case bytes.HasPrefix(content, []byte{0xfe, 0xed, 0xfe, 0xed}):
		return formJKS
	case bytes.HasPrefix(content, []byte{0x30}): // a DER sequence
		return formPKCS12
	default:
		return formUnknown
	}
}

func identityFromPKCS12(content []byte, password string) (identity, error) {
	key, leaf, others, err := pkcs12.DecodeChain(content, password)
	if err != nil {
		return identity{}, fmt.Errorf("%w: read PKCS12 with one private key: %w", ErrBadStore, err)
	}
	return arrange(key, append([]*x509.Certificate{leaf}, others...))
}

// certificatesFromPKCS12 returns the certificates that are marked as trusted, as keytool does and Java wants.
func certificatesFromPKCS12(content []byte, password string) ([]*x509.Certificate, error) {
	certs, err := pkcs12.DecodeTrustStore(content, password)
	if err != nil {
		return nil, fmt.Errorf("%w: read trusted certificates from PKCS12: %w", ErrBadStore, err)
	}
	return certs, nil
}

func openJKS(content []byte, password string) (keystore.KeyStore, error) {
	ks := keystore.New(keystore.WithOrderedAliases())
	if err := ks.Load(bytes.NewReader(content), []byte(password)); err != nil {
		return ks, fmt.Errorf("%w: open JKS with its password: %w", ErrBadStore, err)
	}
	return ks, nil
}

func identitiesFromJKS(content []byte, password, keyPassword string) ([]identity, error) {
	ks, err := openJKS(content, password)
	if err != nil {
		return nil, err
	}
	var ids []identity
	for _, alias := range ks.Aliases() {
		if !ks.IsPrivateKeyEntry(alias) {
			continue
		}
		entry, err := ks.GetPrivateKeyEntry(alias, []byte(keyPassword))
		if err != nil {
			return nil, fmt.Errorf("%w: open key %q of JKS with its password: %w", ErrBadStore, alias, err)
		}
		id, err := identityFromJKS(entry)
		if err != nil {
			return nil, fmt.Errorf("key %q of JKS: %w", alias, err)
		}
		ids = append(ids, id)
	}
	if len(ids) == 0 {
		return nil, fmt.Errorf("%w: it has no private key", ErrBadStore)
	}
	return ids, nil
}

func identityFromJKS(entry keystore.PrivateKeyEntry) (identity, error) {
	key, err := x509.ParsePKCS8PrivateKey(entry.PrivateKey)
	if err != nil {
		return identity{}, fmt.Errorf("%w: %w", ErrBadStore, err)
	}
	var certs []*x509.Certificate
	for _, c := range entry.CertificateChain {
		cert, err := x509.ParseCertificate(c.Content)
		if err != nil {
			return identity{}, fmt.Errorf("%w: %w", ErrBadStore, err)
		}
		certs = append(certs, cert)
	}
	return arrange(key, certs)
}

func certificatesFromJKS(content []byte, password string) ([]*x509.Certificate, error) {
	ks, err := openJKS(content, password)
	if err != nil {
		return nil, err
	}
	var certs []*x509.Certificate
	for _, alias := range ks.Aliases() {
		entry, err := ks.GetTrustedCertificateEntry(alias)
		if errors.Is(err, keystore.ErrWrongEntryType) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("%w: certificate %q of JKS: %w", ErrBadStore, alias, err)
		}
		cert, err := x509.ParseCertificate(entry.Certificate.Content)
		if err != nil {
			return nil, fmt.Errorf("%w: certificate %q of JKS: %w", ErrBadStore, alias, err)
		}
		certs = append(certs, cert)
	}
	return certs, nil
}
