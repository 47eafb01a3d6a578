package tls

import (
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestExpiryIsToldInTime: once at each of the times, of each certificate, and not again of what is the same.
func TestExpiryIsToldInTime(t *testing.T) {
	const day = 24 * time.Hour
	start := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	certs := []CertificateInfo{
		{Kind: KindServer, Subject: "CN=server", NotAfter: start.Add(31 * day), digest: [32]byte{1}},
		{Kind: KindTrust, Subject: "CN=root", NotAfter: start.Add(300 * day), digest: [32]byte{2}},
		{Kind: KindChain, Subject: "CN=root", NotAfter: start.Add(300 * day), digest: [32]byte{2}},
	}
	log := &strings.Builder{}
	logger := slog.New(slog.NewTextHandler(log, nil))
	w := expiryWarnings{before: []time.Duration{7 * day, 30 * day, day, 14 * day}}
	told := map[int]int{}
	for hour := range 24 * 33 {
		before := strings.Count(log.String(), "\n")
		w.look(certs, start.Add(time.Duration(hour)*time.Hour), logger)
		if n := strings.Count(log.String(), "\n") - before; n > 0 {
			told[hour] += n
		}
	}
	for _, left := range []int{30, 14, 7, 1, 0} {
		if told[24*(31-left)] != 1 {
			t.Errorf("%d days before: told %d times", left, told[24*(31-left)])
		}
	}
	if len(told) != 5 || strings.Contains(log.String(), "CN=root") || strings.Count(log.String(), "level=ERROR") != 1 {
		t.Errorf("told at %v:\n%s", told, log)
	}
	log.Reset()
	w.look(certs, start.Add(299*day), logger)
	if got := strings.Count(log.String(), "CN=root"); got != 1 {
		t.Errorf("one certificate in two places is told of %d times", got)
	}
}

func TestExpiryIsLookedForWithoutReloads(t *testing.T) {
	s := newSite(t, func(cfg *Config) { cfg.RevocationLists = nil })
	synctest.Test(t, func(t *testing.T) {
		log := &strings.Builder{}
		start := time.Now()
		cfg := s.cfg
		cfg.ReloadInterval, cfg.ExpiryWarnings = -1, []time.Duration{2 * time.Hour}
		cfg.Clock = func() time.Time { return s.server.cert.NotAfter.Add(-3 * time.Hour).Add(time.Since(start)) }
		cfg.Logger = slog.New(slog.NewTextHandler(log, nil))
		r := load(t, cfg)
		if err := r.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		<-time.After(90 * time.Minute) // of the bubble's time
		synctest.Wait()
		r.Stop()
		if got := strings.Count(log.String(), "expires soon"); got != 2 { // server and root end together
			t.Errorf("told of %d:\n%s", got, log)
		}
	})
}

func TestCertificatesInUse(t *testing.T) {
	s := newSite(t, nil)
	kinds := map[string]string{}
	for _, c := range s.reloader.Certificates() {
		kinds[c.Kind] += c.Subject + " " + c.Serial
		if !c.NotAfter.Equal(s.server.cert.NotAfter) && !c.NotAfter.Equal(s.root.cert.NotAfter) {
			t.Errorf("%+v", c)
		}
	}
	want := map[string]string{
		KindServer: "CN=server " + s.server.cert.SerialNumber.Text(16), KindChain: "CN=root " + s.root.cert.SerialNumber.Text(16),
		KindTrust: "CN=root " + s.root.cert.SerialNumber.Text(16),
	}
	for kind, text := range want {
		if kinds[kind] != text {
			t.Errorf("%s: %q, want %q", kind, kinds[kind], text)
		}
	}
	if len(kinds) != len(want) {
		t.Errorf("%v", kinds)
	}
	lists := s.reloader.Lists()
	if len(lists) != 2 || lists[0].Issuer != "CN=issuer" || lists[0].Revoked != 0 || lists[0].NextUpdate.Before(time.Now()) {
		t.Errorf("%+v", lists)
	}
}
