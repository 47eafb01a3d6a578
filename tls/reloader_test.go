package tls

import (
	"context"
	stdtls "crypto/tls"
	"errors"
	"io"
	"log/slog"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	certsdev "github.com/chronik-stream/chronik/certs-dev"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// place copies the server's and the authority's files of from to those of to.
func place(t *testing.T, from, to *certsdev.Paths) {
	t.Helper()
	for source, target := range map[string]string{from.CA: to.CA, from.ServerChain: to.ServerChain, from.ServerKey: to.ServerKey} {
		write(t, target, read(t, source))
	}
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func quiet(cfg Config) Config {
	cfg.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	return cfg
}

func TestReloadTakesNewFilesAndLeavesConnectionsAlone(t *testing.T) {
	paths, next := pki(t), pki(t)
	r := load(t, quiet(serverConfig(paths, Requested)))
	here, there := connect(t)
	server, client := r.Server(here), stdtls.Client(there, clientConfig(t, paths, paths))
	done := make(chan error, 1)
	go func() { done <- client.HandshakeContext(context.Background()) }()
	if err := errors.Join(server.HandshakeContext(t.Context()), <-done); err != nil {
		t.Fatal(err)
	}
	before := clientConfig(t, paths, nil)
	place(t, next, paths)
	if err := r.Reload(); err != nil {
		t.Fatal(err)
	}
	if stats := r.Stats(); stats.Reloads != 1 || stats.Failures != 0 {
		t.Errorf("%+v", stats)
	}
	if _, _, serverErr, clientErr := handshake(t, r, clientConfig(t, next, next)); serverErr != nil || clientErr != nil {
		t.Errorf("new authority: %v, %v", serverErr, clientErr)
	}
	if _, _, _, clientErr := handshake(t, r, before); clientErr == nil {
		t.Error("the old certificate is still shown")
	}
	go func() {
		_, err := client.Write([]byte("ping"))
		done <- err
	}()
	got := make([]byte, 4)
	if _, err := io.ReadFull(server, got); err != nil || string(got) != "ping" || <-done != nil {
		t.Errorf("the old connection: %q, %v", got, err)
	}
}

func TestReloadKeepsTheLastGoodOne(t *testing.T) {
	paths, next := pki(t), pki(t)
	expired, err := certsdev.Ensure(t.TempDir(), certsdev.Options{Clock: func() time.Time { return time.Now().AddDate(-2, 0, 0) }})
	if err != nil {
		t.Fatal(err)
	}
	good := map[string][]byte{paths.CA: read(t, paths.CA), paths.ServerChain: read(t, paths.ServerChain), paths.ServerKey: read(t, paths.ServerKey)}
	var reports []error
	cfg := quiet(serverConfig(paths, Required))
	cfg.OnReload = func(_ Stats, err error) { reports = append(reports, err) }
	r := load(t, cfg)
	client := clientConfig(t, paths, paths)
	for name, damage := range map[string]func(){
		"new key without its certificate": func() { write(t, paths.ServerKey, read(t, next.ServerKey)) },
		"certificate cut off":             func() { write(t, paths.ServerChain, good[paths.ServerChain][:100]) },
		"no authority":                    func() { write(t, paths.CA, nil) },
		"file gone":                       func() { _ = os.Remove(paths.ServerKey) },
		"expired":                         func() { place(t, expired, paths) },
	} {
		before := r.Stats().Failures
		reports = nil
		damage()
		for range 2 {
			if r.Reload() == nil {
				t.Errorf("%s: taken", name)
			}
		}
		if got := r.Stats().Failures - before; got != 2 || len(reports) != 1 || reports[0] == nil {
			t.Errorf("%s: %d failures, reports %v, want 2 and one", name, got, reports)
		}
		if _, _, serverErr, clientErr := handshake(t, r, client); serverErr != nil || clientErr != nil {
			t.Errorf("%s: %v, %v", name, serverErr, clientErr)
		}
		for path, content := range good {
			write(t, path, content)
		}
		if err := r.Reload(); err != nil {
			t.Errorf("%s, mended: %v", name, err)
		}
	}
	if r.Stats().Reloads != 0 {
		t.Errorf("%d reloads of nothing new", r.Stats().Reloads)
	}
}

// TestResumptionEndsWithTrust: a session that began under an authority that is no longer trusted is not resumed.
func TestResumptionEndsWithTrust(t *testing.T) {
	for _, version := range []uint16{stdtls.VersionTLS12, stdtls.VersionTLS13} {
		paths, next := pki(t), pki(t)
		r := load(t, quiet(serverConfig(paths, Required)))
		client := clientConfig(t, paths, paths)
		client.MinVersion, client.MaxVersion = version, version
		client.ClientSessionCache = stdtls.NewLRUClientSessionCache(1)
		for _, resumed := range []bool{false, true} {
			server, state, serverErr, clientErr := handshake(t, r, client)
			if serverErr != nil || clientErr != nil || state.DidResume != resumed {
				t.Fatalf("%v, %v, resumed %t, want %t", serverErr, clientErr, state.DidResume, resumed)
			}
			checkPeer(t, "resumed or not", server, "CN=chronik-client")
		}
		write(t, paths.CA, read(t, next.CA))
		if err := r.Reload(); err != nil {
			t.Fatal(err)
		}
		_, _, serverErr, _ := handshake(t, r, client)
		var refused *ClientCertificateError
		if !errors.As(serverErr, &refused) {
			t.Errorf("%s: %v, want a refused certificate", stdtls.VersionName(version), serverErr)
		}
	}
}

func TestPolling(t *testing.T) {
	paths, next := pki(t), pki(t)
	synctest.Test(t, func(t *testing.T) {
		type report struct {
			at  time.Duration
			err error
		}
		start := time.Now()
		reports := make(chan report, 1)
		cfg := quiet(serverConfig(paths, None))
		valid := end(t, paths).Add(-24 * time.Hour) // time in here begins in the year 2000
		cfg.Clock = func() time.Time { return valid.Add(time.Since(start)) }
		cfg.OnReload = func(_ Stats, err error) { reports <- report{time.Since(start), err} }
		r := load(t, cfg)
		if err := r.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := r.Start(t.Context()); !errors.Is(err, ErrStarted) {
			t.Errorf("second start: %v", err)
		}
		write(t, paths.ServerKey, read(t, next.ServerKey))
		if got := <-reports; got.err == nil || got.at != DefaultReloadInterval {
			t.Errorf("half a pair: %v after %s", got.err, got.at)
		}
		write(t, paths.ServerChain, read(t, next.ServerChain))
		if got := <-reports; got.err != nil || got.at != DefaultReloadInterval+retryInterval {
			t.Errorf("the whole pair: %v after %s", got.err, got.at)
		}
		if stats := r.Stats(); stats.Reloads != 1 || stats.Failures != 1 || !stats.LastReload.Equal(cfg.Clock()) {
			t.Errorf("%+v", stats)
		}
		r.Stop()
		r.Stop()
		select {
		case <-r.done:
		default:
			t.Error("still polling after Stop")
		}
	})
}

func TestNeverPolling(t *testing.T) {
	cfg := quiet(serverConfig(pki(t), None))
	cfg.ReloadInterval = -1
	r := load(t, cfg)
	r.Stop() // before Start: nothing to stop
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.Stop()
	if r.Stats().Reloads != 0 {
		t.Error("reloaded")
	}
}

// end returns when the server certificate ends.
func end(t *testing.T, paths *certsdev.Paths) time.Time {
	t.Helper()
	pair, err := stdtls.LoadX509KeyPair(paths.ServerChain, paths.ServerKey)
	if err != nil {
		t.Fatal(err)
	}
	return pair.Leaf.NotAfter
}
