package tls

import (
	stdtls "crypto/tls"
	"slices"
)

// postQuantum are the groups that are hybrids with ML-KEM, in the order of preference.
func postQuantum() []stdtls.CurveID {
	return []stdtls.CurveID{stdtls.X25519MLKEM768, stdtls.SecP256r1MLKEM768, stdtls.SecP384r1MLKEM1024}
}

// Negotiated tells, after the handshake, what the two ends have agreed on: the version as Apache Kafka writes it, the group of the
// key exchange and the cipher suite by their IANA names, and whether the group is a hybrid with ML-KEM.
func (c *Conn) Negotiated() (version, group, suite string, isPostQuantum bool) {
	state := c.ConnectionState()
	return versionName(state.Version), groupName(state.CurveID), stdtls.CipherSuiteName(state.CipherSuite), slices.Contains(postQuantum(), state.CurveID)
}

func versionName(version uint16) string {
	switch version {
	case stdtls.VersionTLS12:
		return "TLSv1.2"
	case stdtls.VersionTLS13:
		return "TLSv1.3"
	default:
		return stdtls.VersionName(version)
	}
}

// groupName is the name in IANA's registry "TLS Supported Groups"; "" for none.
func groupName(group stdtls.CurveID) string {
	switch group {
	case 0:
		return ""
	case stdtls.X25519:
		return "x25519"
	case stdtls.CurveP256:
		return "secp256r1"
	case stdtls.CurveP384:
		return "secp384r1"
	case stdtls.CurveP521:
		return "secp521r1"
	default:
		return group.String()
	}
}
