package tls

import (
	"crypto/x509"
	"fmt"
)

func (t *TrustStore) check() error {
	switch {
	case t.empty():
		return nil
	case t.Location != "" && t.Certificates != "":
		return fmt.Errorf("%w: ssl.truststore.location and ssl.truststore.certificates are both set", ErrBadConfig)
	case t.Certificates != "" && t.Type != typePEM:
		return fmt.Errorf("%w: ssl.truststore.certificates needs ssl.truststore.type PEM", ErrBadConfig)
	case t.Type == typePEM && t.Password != "":
		return fmt.Errorf("%w: ssl.truststore.password does not go with type PEM", ErrBadConfig)
	}
	return checkType("ssl.truststore.type", t.Type)
}

// load returns the trusted certificates; none where the store is empty.
func (t *TrustStore) load(f files) ([]*x509.Certificate, error) {
	if t.empty() {
		return nil, nil
	}
	certs, err := t.read(f)
	if err == nil && len(certs) == 0 {
		err = fmt.Errorf("%w: it trusts no certificate", ErrBadStore)
	}
	if err != nil {
		return nil, fmt.Errorf("ssl.truststore %s: %w", t.Location, err)
	}
	return certs, nil
}

// poolOf returns a pool of certificates, nil of none.
func poolOf(certs []*x509.Certificate) *x509.CertPool {
	if len(certs) == 0 {
		return nil
	}
	pool := x509.NewCertPool()
	for _, cert := range certs {
		pool.AddCert(cert)
	}
	return pool
}

func (t *TrustStore) read(f files) ([]*x509.Certificate, error) {
	if t.Certificates != "" {
		return certificatesFromPEM([]byte(t.Certificates))
	}
	content := f.content[t.Location]
	if t.Type == typePEM {
		return certificatesFromPEM(content)
	}
	switch formOf(content) {
	case formPKCS12:
		return certificatesFromPKCS12(content, t.Password)
	case formJKS:
		return certificatesFromJKS(content, t.Password)
	default:
		return nil, fmt.Errorf("%w: it is neither PKCS12 nor JKS", ErrBadStore)
	}
}
