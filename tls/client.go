package tls

import (
	stdtls "crypto/tls"
)

// ClientConfig reads the store and returns what a client needs that trusts its certificates or, where it is empty, the system's
// authorities. Names are verified.
func (t TrustStore) ClientConfig() (*stdtls.Config, error) {
	if t.Type == "" {
		t.Type = DefaultStoreType
	}
	if err := t.check(); err != nil {
		return nil, err
	}
	f, err := readFiles(t.Location)
	if err != nil {
		return nil, err
	}
	roots, err := t.load(f)
	if err != nil {
		return nil, err
	}
	return &stdtls.Config{MinVersion: stdtls.VersionTLS12, RootCAs: poolOf(roots)}, nil
}
