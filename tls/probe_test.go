package tls

import (
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"testing"
)

// TestProbe tells of servers from outside what their configurations say.
func TestProbe(t *testing.T) {
	paths := pki(t)
	for name, c := range map[string]struct {
		change       func(*Config)
		old, pq, bad bool
	}{
		"default":        {func(*Config) {}, true, false, false},
		"TLS 1.3":        {func(c *Config) { c.EnabledProtocols = []string{"TLSv1.3"} }, false, false, false},
		"post-quantum":   {func(c *Config) { c.PostQuantum = true }, false, true, false},
		"CBC":            {func(c *Config) { c.CipherSuites = []string{"TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA"} }, true, false, true},
		"no certificate": {func(c *Config) { c.ClientAuth, c.EnabledProtocols = Required, []string{"TLSv1.3"} }, false, false, false},
	} {
		cfg := serverConfig(paths, None)
		c.change(&cfg)
		server := httptest.NewUnstartedServer(http.NotFoundHandler())
		server.TLS = load(t, cfg).Config()
		server.Config.ErrorLog = log.New(io.Discard, "", 0)
		server.StartTLS()
		o, err := Probe(t.Context(), server.Listener.Addr().String())
		server.Close()
		if err != nil || o.OldVersion != c.old || o.PostQuantum != c.pq || len(o.WeakSuites) > 0 != c.bad || len(o.Certificates) != 1 {
			t.Errorf("%s: %+v, %v", name, o, err)
		}
	}
	open := httptest.NewServer(http.NotFoundHandler())
	defer open.Close()
	if _, err := Probe(context.Background(), open.Listener.Addr().String()); !errors.Is(err, ErrNotTLS) {
		t.Errorf("a server without TLS: %v", err)
	}
}
