package tls

import (
	stdtls "crypto/tls"
	"crypto/x509"
	"slices"
	"strings"
)

// Offer is what a configuration comes to, for those who judge it.
type Offer struct {
	// OldVersion says that TLS 1.2 is spoken as well.
	OldVersion bool
	// WeakSuites are the suites of TLS 1.2 that are offered without forward secrecy or with CBC, by their IANA names.
	WeakSuites []string
	// PostQuantum says that clients without a post-quantum key exchange are refused.
	PostQuantum bool
	// Certificates are the server's own, valid or not, the leaf of each chain.
	Certificates []*x509.Certificate
}

// Inspect reads the files of a configuration and tells what it offers. Unlike Load it takes certificates that have expired.
func Inspect(cfg Config) (*Offer, error) {
	if cfg.KeyStore.Type == "" {
		cfg.KeyStore.Type = DefaultStoreType
	}
	s, err := cfg.settings()
	if err != nil {
		return nil, err
	}
	if err := cfg.KeyStore.check(); err != nil {
		return nil, err
	}
	f, err := readFiles(cfg.KeyStore.Location, cfg.KeyStore.KeyLocation)
	if err != nil {
		return nil, err
	}
	ids, err := cfg.KeyStore.load(f)
	if err != nil {
		return nil, err
	}
	o := &Offer{OldVersion: s.min <= stdtls.VersionTLS12, PostQuantum: s.postQuantum}
	if o.OldVersion {
		o.WeakSuites = weakSuites(s.suites)
	}
	for i := range ids {
		o.Certificates = append(o.Certificates, ids[i].chain[0])
	}
	return o, nil
}

// weakSuites are the names of the weak ones of offered.
func weakSuites(offered []uint16) []string {
	var weak []string
	for _, suite := range stdtls.CipherSuites() {
		if slices.Contains(offered, suite.ID) && isWeak(suite.Name) {
			weak = append(weak, suite.Name)
		}
	}
	return weak
}

// strongSuites are Go's suites of TLS 1.2 without the weak ones.
func strongSuites() []uint16 {
	var strong []uint16
	for _, suite := range stdtls.CipherSuites() {
		if slices.Contains(suite.SupportedVersions, stdtls.VersionTLS12) && !isWeak(suite.Name) {
			strong = append(strong, suite.ID)
		}
	}
	return strong
}

// isWeak reports whether a suite of TLS 1.2 is without forward secrecy or without authenticated encryption.
func isWeak(suite string) bool {
	return strings.HasPrefix(suite, "TLS_RSA_") || !strings.Contains(suite, "_GCM_") && !strings.Contains(suite, "_CHACHA20_")
}
