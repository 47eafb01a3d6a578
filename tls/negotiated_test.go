package tls

import (
	stdtls "crypto/tls"
	"testing"
)

func TestWhatWasNegotiated(t *testing.T) {
	paths := pki(t)
	server := load(t, serverConfig(paths, None))
	for _, c := range []struct {
		group   stdtls.CurveID
		version uint16
		suite   uint16
		want    [3]string
		pq      bool
	}{
		{0, 0, 0, [3]string{"TLSv1.3", "X25519MLKEM768", "TLS_AES_128_GCM_SHA256"}, true},
		{stdtls.SecP384r1MLKEM1024, 0, 0, [3]string{"TLSv1.3", "SecP384r1MLKEM1024", "TLS_AES_128_GCM_SHA256"}, true},
		{stdtls.X25519, 0, 0, [3]string{"TLSv1.3", "x25519", "TLS_AES_128_GCM_SHA256"}, false},
		{stdtls.CurveP256, stdtls.VersionTLS12, stdtls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, [3]string{"TLSv1.2", "secp256r1", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"}, false},
	} {
		client := clientConfig(t, paths, nil)
		client.MaxVersion = c.version
		if c.group != 0 {
			client.CurvePreferences = []stdtls.CurveID{c.group}
		}
		if c.suite != 0 {
			client.CipherSuites = []uint16{c.suite}
		}
		conn, _, serverErr, clientErr := handshake(t, server, client)
		if serverErr != nil || clientErr != nil {
			t.Errorf("%v: %v, %v", c.want, serverErr, clientErr)
			continue
		}
		version, group, suite, pq := conn.Negotiated()
		if got := [3]string{version, group, suite}; got != c.want || pq != c.pq {
			t.Errorf("negotiated %v, post-quantum %t; want %v, %t", got, pq, c.want, c.pq)
		}
		if kept := conn.accepted; kept.groups != nil || kept.versions != nil {
			t.Errorf("what the client has offered is kept: %v, %v", kept.groups, kept.versions)
		}
	}
}
