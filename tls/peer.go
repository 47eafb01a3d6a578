package tls

import (
	stdtls "crypto/tls"
	"crypto/x509"
)

// ConnectionState is crypto/tls's, for those who may not import it.
type ConnectionState = stdtls.ConnectionState

// PeerLeaf returns the other side's certificate if it has been verified: what was only sent is nobody's.
func PeerLeaf(state ConnectionState) (*x509.Certificate, bool) {
	if len(state.VerifiedChains) == 0 || len(state.VerifiedChains[0]) == 0 {
		return nil, false
	}
	return state.VerifiedChains[0][0], true
}
