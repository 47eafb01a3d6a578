package tls

import (
	"context"
	stdtls "crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
)

// ErrNotTLS is wrapped where who listens at an address does not answer by TLS.
var ErrNotTLS = errors.New("it does not speak TLS")

// Probe connects to a server as a client, several times, and tells what it takes. It trusts nobody and sends nothing after a handshake.
// What a client without a certificate is refused counts as not offered.
func Probe(ctx context.Context, address string) (*Offer, error) {
	state, err := probe(ctx, address, &stdtls.Config{MinVersion: stdtls.VersionTLS12})
	if err != nil {
		return nil, err
	}
	o := &Offer{Certificates: state.PeerCertificates[:min(1, len(state.PeerCertificates))]}
	classical := []stdtls.CurveID{stdtls.X25519, stdtls.CurveP256, stdtls.CurveP384, stdtls.CurveP521}
	_, err = probe(ctx, address, &stdtls.Config{MinVersion: stdtls.VersionTLS12, CurvePreferences: classical})
	if unreachable(err) {
		return nil, err
	}
	o.PostQuantum = err != nil
	for _, suite := range slices.Concat(stdtls.CipherSuites(), stdtls.InsecureCipherSuites()) {
		if !slices.Contains(suite.SupportedVersions, stdtls.VersionTLS12) {
			continue
		}
		only := []uint16{suite.ID}
		old := &stdtls.Config{MinVersion: stdtls.VersionTLS12, MaxVersion: stdtls.VersionTLS12, CipherSuites: only} //nolint:gosec // it is asked for
		_, err := probe(ctx, address, old)
		if unreachable(err) {
			return nil, err
		}
		if err != nil {
			continue
		}
		o.OldVersion = true
		if isWeak(suite.Name) {
			o.WeakSuites = append(o.WeakSuites, suite.Name)
		}
	}
	return o, ctx.Err()
}

// unreachable tells that a server was not asked from one that has refused.
func unreachable(err error) bool {
	var failed *net.OpError
	return errors.As(err, &failed) && failed.Op == "dial"
}

func probe(ctx context.Context, address string, config *stdtls.Config) (ConnectionState, error) {
	var dialer net.Dialer
	raw, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return ConnectionState{}, err
	}
	host, _, _ := net.SplitHostPort(address)
	config.ServerName = host
	config.InsecureSkipVerify = true //nolint:gosec // the certificate is judged, and nothing is sent
	conn := stdtls.Client(raw, config)
	defer func() { _ = conn.Close() }()
	if err := conn.HandshakeContext(ctx); err != nil {
		var header stdtls.RecordHeaderError
		if errors.As(err, &header) {
			return ConnectionState{}, fmt.Errorf("%w: %w", ErrNotTLS, err)
		}
		return ConnectionState{}, fmt.Errorf("handshake with %s: %w", address, err)
	}
	return conn.ConnectionState(), nil
}
