package tls

import (
	"errors"
	"fmt"
	"strings"
)

// ErrNotFIPS is wrapped where a setting asks for what FIPS 140-3 does not have.
var ErrNotFIPS = errors.New("not allowed in FIPS 140-3 mode")

// checkFIPS refuses at the start what the cryptographic module would refuse later, or would let pass though it is not its own: Go leaves
// out groups and suites by itself, but stores are opened by others.
func (c *Config) checkFIPS() error {
	if !c.FIPS {
		return nil
	}
	for _, s := range []struct{ setting, kind string }{
		{"ssl.keystore.type", c.KeyStore.Type}, {"ssl.truststore.type", c.trustStoreType()},
	} {
		if s.kind != typePEM {
			return fmt.Errorf("%w: %s is %s, whose passwords and checksums are made with SHA-1; use PEM", ErrNotFIPS, s.setting, s.kind)
		}
	}
	for _, name := range c.CipherSuites {
		if !inFIPS(name) {
			return fmt.Errorf("%w: ssl.cipher.suites has %s; use suites with AES and GCM, such as TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", ErrNotFIPS, name)
		}
	}
	return nil
}

// trustStoreType is that of the store that is read: an empty one is in every mode.
func (c *Config) trustStoreType() string {
	if c.TrustStore.empty() {
		return typePEM
	}
	return c.TrustStore.Type
}

// inFIPS reports whether FIPS 140-3 has the algorithms of a suite.
func inFIPS(suite string) bool { return !strings.Contains(suite, "CHACHA20") }
