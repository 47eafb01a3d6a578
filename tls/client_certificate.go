package tls

import (
	stdtls "crypto/tls"
	"fmt"
	"time"
)

// ClientConfigWith is ClientConfig for a client that shows the certificate of a key store.
func (t TrustStore) ClientConfigWith(keys KeyStore) (*stdtls.Config, error) {
	config, err := t.ClientConfig()
	if err != nil {
		return nil, err
	}
	if keys.Type == "" {
		keys.Type = DefaultStoreType
	}
	if err := keys.check(); err != nil {
		return nil, err
	}
	f, err := readFiles(keys.Location, keys.KeyLocation)
	if err != nil {
		return nil, err
	}
	ids, err := keys.load(f)
	if err != nil {
		return nil, err
	}
	for i := range ids {
		certificate, err := ids[i].certificate(time.Now())
		if err != nil {
			return nil, fmt.Errorf("ssl.keystore %s: %w", keys.Location, err)
		}
		config.Certificates = append(config.Certificates, certificate)
	}
	return config, nil
}
