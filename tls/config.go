package tls

import (
	stdtls "crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"
)

// ErrBadConfig is wrapped by the errors about settings; their texts name the setting.
var ErrBadConfig = errors.New("bad TLS configuration")

// Config is what a listener's TLS is made of. Fields are named after Apache Kafka's ssl.* settings (SslConfigs).
type Config struct {
	KeyStore   KeyStore
	TrustStore TrustStore
	// EnabledProtocols is ssl.enabled.protocols: TLSv1.2, TLSv1.3. Empty means what Protocol says.
	EnabledProtocols []string
	// Protocol is ssl.protocol: TLS, TLSv1.3 or "" for both versions, TLSv1.2 for that one. As in Apache Kafka it counts
	// only where EnabledProtocols is empty.
	Protocol string
	// CipherSuites is ssl.cipher.suites by their IANA names. Empty means Go's without the weak ones (no forward secrecy, or CBC).
	CipherSuites []string
	// ClientAuth is ssl.client.auth.
	ClientAuth ClientAuth
	// RevocationLists are the files and directories of chronik.ssl.crl.location; without any, revocation is not checked.
	RevocationLists []string
	// Revocation says what becomes of certificates that no current list is about.
	Revocation RevocationPolicy
	// Staple says where OCSP responses about the server's certificates come from.
	Staple Staple
	// ExpiryWarnings are how long before the end of a certificate in use the log warns of it, once at each.
	ExpiryWarnings []time.Duration
	// PostQuantum refuses clients whose key exchange is no hybrid with ML-KEM.
	PostQuantum bool
	// FIPS refuses settings that ask for what FIPS 140-3 does not have.
	FIPS bool
	// ReloadInterval is how often the files are looked at; 0 is DefaultReloadInterval, below 0 never.
	ReloadInterval time.Duration
	// OnReload, where set, is told of each renewal (err nil) and of each new reason why one failed. It must not block.
	OnReload func(stats Stats, err error)
	// Clock tells whether certificates are valid; nil is time.Now.
	Clock func() time.Time
	// Logger is told of renewals; nil is slog.Default().
	Logger *slog.Logger
}

// KeyStore says where the server's private key and its certificates are. Either Location or Key and CertificateChain is set.
type KeyStore struct {
	// Type is ssl.keystore.type: PEM, PKCS12, JKS; "" is DefaultStoreType.
	Type string
	// Location is ssl.keystore.location, a file.
	Location string
	// KeyLocation is a PEM file with the private key, where it is not in Location (type PEM alone).
	KeyLocation string
	// Password is ssl.keystore.password: of PKCS12 and JKS.
	Password string
	// KeyPassword is ssl.key.password: of an encrypted PEM key, or of the key in a JKS, which otherwise has the store's.
	KeyPassword string
	// Key is ssl.keystore.key, a private key in PEM.
	Key string
	// CertificateChain is ssl.keystore.certificate.chain in PEM.
	CertificateChain string
}

// TrustStore says where the certificates are that client certificates must descend from. It may be empty where
// ClientAuth is None: there is no set of authorities that is trusted by default.
type TrustStore struct {
	// Type is ssl.truststore.type: PEM, PKCS12, JKS; "" is DefaultStoreType.
	Type string
	// Location is ssl.truststore.location, a file.
	Location string
	// Password is ssl.truststore.password: of PKCS12 and JKS.
	Password string
	// Certificates is ssl.truststore.certificates in PEM.
	Certificates string
}

func (t *TrustStore) empty() bool { return t.Location == "" && t.Certificates == "" }

// ClientAuth is whether clients show a certificate. The zero value is invalid.
type ClientAuth int8

const (
	// None asks for no certificate.
	None ClientAuth = iota + 1
	// Requested asks for one and takes a client without; one that is shown must be right.
	Requested
	// Required refuses a client without.
	Required
)

// ParseClientAuth reads ssl.client.auth: none, requested, required.
func ParseClientAuth(s string) (ClientAuth, error) {
	switch strings.ToLower(s) {
	case "none":
		return None, nil
	case "requested":
		return Requested, nil
	case "required":
		return Required, nil
	default:
		return 0, fmt.Errorf("%w: ssl.client.auth is %q; none, requested and required are allowed", ErrBadConfig, s)
	}
}

func (c ClientAuth) std() (stdtls.ClientAuthType, error) {
	switch c {
	case None:
		return stdtls.NoClientCert, nil
	case Requested:
		return stdtls.VerifyClientCertIfGiven, nil
	case Required:
		return stdtls.RequireAndVerifyClientCert, nil
	default:
		return 0, fmt.Errorf("%w: ssl.client.auth is not set", ErrBadConfig)
	}
}

// settings are the part of a configuration that does not come from files.
type settings struct {
	min, max   uint16
	suites     []uint16 // of TLS 1.2
	clientAuth stdtls.ClientAuthType
	// postQuantum says that only hybrids with ML-KEM will do.
	postQuantum bool
}

func (c *Config) settings() (settings, error) {
	var s settings
	var err error
	if s.clientAuth, err = c.ClientAuth.std(); err != nil {
		return s, err
	}
	if c.ClientAuth != None && c.TrustStore.empty() {
		return s, fmt.Errorf("%w: ssl.client.auth needs ssl.truststore.location or ssl.truststore.certificates", ErrBadConfig)
	}
	if err := c.checkFIPS(); err != nil {
		return s, err
	}
	if err := s.setVersions(c.EnabledProtocols, c.Protocol); err != nil {
		return s, err
	}
	if err := s.setSuites(c.CipherSuites, suitesOfTLS13(c.FIPS)); err != nil {
		return s, err
	}
	return s, s.setGroups(c.PostQuantum)
}

// setGroups applies the requirement of a post-quantum key exchange, which TLS 1.2 does not have.
func (s *settings) setGroups(postQuantum bool) error {
	if s.postQuantum = postQuantum; !postQuantum {
		return nil
	}
	s.min = stdtls.VersionTLS13
	if s.max < stdtls.VersionTLS13 {
		return fmt.Errorf("%w: a post-quantum key exchange needs TLSv1.3 in ssl.enabled.protocols and suites of it", ErrBadConfig)
	}
	return nil
}

// groups are those of the key exchange, nil for Go's choice.
func (s *settings) groups() []stdtls.CurveID {
	if !s.postQuantum {
		return nil
	}
	return postQuantum()
}

func (s *settings) setVersions(enabled []string, protocol string) error {
	if len(enabled) == 0 {
		switch protocol {
		case "", "TLS", "TLSv1.3":
			enabled = []string{"TLSv1.2", "TLSv1.3"}
		case "TLSv1.2":
			enabled = []string{"TLSv1.2"}
		default:
			return fmt.Errorf("%w: ssl.protocol is %q; TLS, TLSv1.2 and TLSv1.3 are allowed", ErrBadConfig, protocol)
		}
	}
	for _, name := range enabled {
		version, err := versionOf(name)
		if err != nil {
			return err
		}
		if s.min == 0 || version < s.min {
			s.min = version
		}
		s.max = max(s.max, version)
	}
	return nil
}

func versionOf(name string) (uint16, error) {
	switch name {
	case "TLSv1.2":
		return stdtls.VersionTLS12, nil
	case "TLSv1.3":
		return stdtls.VersionTLS13, nil
	default:
		return 0, fmt.Errorf("%w: ssl.enabled.protocols has %q; TLSv1.2 and TLSv1.3 are allowed", ErrBadConfig, name)
	}
}

// setSuites applies ssl.cipher.suites, where all are the suites of TLS 1.3; no list means those that are not weak. As in Java a version
// without a suite in the list is not spoken. Go does not choose among the three suites of TLS 1.3, so a list has all of them or none.
func (s *settings) setSuites(names, all []string) error {
	if len(names) == 0 {
		s.suites = strongSuites()
		return nil
	}
	var modern []string
	for _, name := range names {
		suite, err := suiteOf(name)
		if err != nil {
			return err
		}
		if slices.Contains(suite.SupportedVersions, stdtls.VersionTLS13) {
			modern = append(modern, name)
		} else {
			s.suites = append(s.suites, suite.ID)
		}
	}
	slices.Sort(modern)
	switch modern = slices.Compact(modern); {
	case len(modern) == 0:
		s.max = min(s.max, stdtls.VersionTLS12)
	case len(modern) < len(all):
		return fmt.Errorf("%w: ssl.cipher.suites has %v of TLS 1.3's suites, which cannot be chosen singly: list all of %v or none", ErrBadConfig, modern, all)
	}
	if len(s.suites) == 0 {
		s.min = max(s.min, stdtls.VersionTLS13)
	}
	if s.min > s.max {
		return fmt.Errorf("%w: ssl.cipher.suites has no suite of the versions in ssl.enabled.protocols", ErrBadConfig)
	}
	return nil
}

func suiteOf(name string) (*stdtls.CipherSuite, error) {
	named := func(s *stdtls.CipherSuite) bool { return s.Name == name }
	if i := slices.IndexFunc(stdtls.CipherSuites(), named); i >= 0 {
		return stdtls.CipherSuites()[i], nil
	}
	if slices.ContainsFunc(stdtls.InsecureCipherSuites(), named) {
		return nil, fmt.Errorf("%w: ssl.cipher.suites has %q, which is not secure", ErrBadConfig, name)
	}
	return nil, fmt.Errorf("%w: ssl.cipher.suites has %q, which is not known", ErrBadConfig, name)
}

// suitesOfTLS13 are Go's suites of TLS 1.3; fips leaves out those that it does not offer in FIPS 140-3 mode.
func suitesOfTLS13(fips bool) []string {
	var names []string
	for _, suite := range stdtls.CipherSuites() {
		if slices.Contains(suite.SupportedVersions, stdtls.VersionTLS13) && (!fips || inFIPS(suite.Name)) {
			names = append(names, suite.Name)
		}
	}
	return names
}
