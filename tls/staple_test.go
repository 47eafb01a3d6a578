package tls

import (
	"bytes"
	"crypto"
	stdtls "crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"
)

// responder is an OCSP responder whose answer a test chooses.
type responder struct {
	*httptest.Server
	answer atomic.Pointer[func(serial string) (status int, body []byte)]
	asked  atomic.Int64
}

func newResponder(t *testing.T) *responder {
	r := &responder{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		r.asked.Add(1)
		body, err := io.ReadAll(q.Body)
		request, parseErr := ocsp.ParseRequest(body)
		if err != nil || parseErr != nil || q.Header.Get("Content-Type") != "application/ocsp-request" {
			http.Error(w, "no OCSP request", http.StatusBadRequest)
			return
		}
		status, answer := (*r.answer.Load())(request.SerialNumber.String())
		w.WriteHeader(status)
		_, _ = w.Write(answer)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *responder) set(answer func(serial string) (int, []byte)) { r.answer.Store(&answer) }

// says makes a response about a certificate, signed by its issuer or, where that is not nil, by a delegate.
func says(t *testing.T, about, issuer, delegate *signer, change func(*ocsp.Response)) []byte {
	t.Helper()
	template := ocsp.Response{
		Status: ocsp.Good, SerialNumber: about.cert.SerialNumber, IssuerHash: crypto.SHA256,
		ThisUpdate: time.Now().Add(-time.Minute).Truncate(time.Second), NextUpdate: time.Now().Add(time.Hour).Truncate(time.Second),
	}
	by := issuer
	if delegate != nil {
		template.Certificate, by = delegate.cert, delegate
	}
	if change != nil {
		change(&template)
	}
	raw, err := ocsp.CreateResponse(issuer.cert, by.cert, template, by.key)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// stapledSite is a site whose server certificate names a responder.
func stapledSite(t *testing.T, address string, change func(*Config)) *site {
	t.Helper()
	return newSite(t, func(cfg *Config) {
		cfg.ClientAuth, cfg.RevocationLists = None, nil
		if change != nil {
			change(cfg)
		}
	}, func(c *x509.Certificate) { c.OCSPServer = []string{address} })
}

// shown is the response that a client gets in the handshake.
func (s *site) shown() []byte {
	s.t.Helper()
	_, state, err, clientErr := handshake(s.t, s.reloader, s.client(s.server))
	if err != nil || clientErr != nil {
		s.t.Fatal(err, clientErr)
	}
	return state.OCSPResponse
}

func TestStapling(t *testing.T) {
	responder := newResponder(t)
	s := stapledSite(t, responder.URL, func(cfg *Config) { cfg.Staple.On = true })
	responder.set(func(serial string) (int, []byte) {
		if serial != s.server.cert.SerialNumber.String() {
			return http.StatusNotFound, nil
		}
		return http.StatusOK, says(t, s.server, s.root, nil, nil)
	})
	if got := s.shown(); got != nil {
		t.Errorf("%d bytes before there is a response", len(got))
	}
	if wait := s.reloader.staple(t.Context()); wait < 25*time.Minute || wait > 30*time.Minute {
		t.Errorf("asks again in %s, of an hour", wait)
	}
	if r, err := ocsp.ParseResponseForCert(s.shown(), s.server.cert, s.root.cert); err != nil || r.Status != ocsp.Good {
		t.Errorf("%+v, %v", r, err)
	}
	s.reloader.staple(t.Context())
	if got := responder.asked.Load(); got != 1 {
		t.Errorf("asked %d times while the response is fresh", got)
	}
	if stats := s.reloader.Stats(); stats.StapleFailures != 0 {
		t.Errorf("%+v", stats)
	}
}

// TestOldResponsesAreNotAskedForAllTheTime: a responder that gives out one response for days is not asked every second once half of its
// life is over.
func TestOldResponsesAreNotAskedForAllTheTime(t *testing.T) {
	responder := newResponder(t)
	s := stapledSite(t, responder.URL, func(cfg *Config) { cfg.Staple.On = true })
	for left, most := range map[time.Duration]time.Duration{
		40 * time.Minute: 20 * time.Minute, 100 * time.Hour: longestStaplePause, 40 * time.Second: firstStapleRetry, 10 * time.Second: 10 * time.Second,
	} {
		old := says(t, s.server, s.root, nil, func(r *ocsp.Response) {
			r.ThisUpdate, r.NextUpdate = time.Now().Add(-1000*time.Hour), time.Now().Add(left).Truncate(time.Second)
		})
		responder.set(func(string) (int, []byte) { return http.StatusOK, old })
		s.reloader = load(t, s.cfg)
		if wait := s.reloader.staple(t.Context()); wait > most || wait < most-5*time.Second {
			t.Errorf("%s left: looks again in %s, want %s", left, wait, most)
		}
	}
}

// TestTicketsOutliveResponses: a new response makes no client begin anew.
func TestTicketsOutliveResponses(t *testing.T) {
	s := stapledSite(t, "", nil)
	s.cfg.Staple.Location = s.file("response.der", says(t, s.server, s.root, nil, nil))
	s.reloader = load(t, s.cfg)
	client := s.client(s.server)
	client.ClientSessionCache = stdtls.NewLRUClientSessionCache(1)
	for _, resumed := range []bool{false, true} {
		if _, state, err, _ := handshake(t, s.reloader, client); err != nil || state.DidResume != resumed {
			t.Errorf("%v, resumed %t, want %t", err, state.DidResume, resumed)
		}
		s.reloader.staple(t.Context())
	}
}

// TestStaplingFollowsTheCertificate: the responses belong to certificates, and a renewed one has its own, got by the goroutine that Start
// began.
func TestStaplingFollowsTheCertificate(t *testing.T) {
	responder := newResponder(t)
	s := stapledSite(t, responder.URL, func(cfg *Config) { cfg.Staple.On = true })
	certificates := []*signer{s.server}
	responder.set(func(serial string) (int, []byte) {
		for _, c := range certificates {
			if c.cert.SerialNumber.String() == serial {
				return http.StatusOK, says(t, c, s.root, nil, nil)
			}
		}
		return http.StatusNotFound, nil
	})
	next := s.root.issue("server", func(c *x509.Certificate) {
		c.DNSNames, c.OCSPServer = []string{"localhost"}, []string{responder.URL}
	})
	certificates = append(certificates, next)
	if err := s.reloader.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer s.reloader.Stop()
	for _, c := range certificates {
		write(t, s.cfg.KeyStore.Location, asPEM(t, c.key, c.cert, s.root.cert))
		s.reload()
		until(t, "a response about the certificate in use", func() bool {
			raw := s.shown()
			_, err := ocsp.ParseResponseForCert(raw, c.cert, s.root.cert)
			return len(raw) > 0 && err == nil
		})
	}
}

func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	deadline, tick := time.NewTimer(time.Minute), time.NewTicker(time.Millisecond)
	defer deadline.Stop()
	defer tick.Stop()
	for !done() {
		select {
		case <-deadline.C:
			t.Fatalf("waited a minute for %s", what)
		case <-tick.C:
		}
	}
}

// TestBadResponses are not shown, and the last good one is, until it is out of date. The pauses between attempts grow.
func TestBadResponses(t *testing.T) {
	responder := newResponder(t)
	var ahead atomic.Int64
	log := &strings.Builder{}
	s := stapledSite(t, responder.URL, func(cfg *Config) {
		cfg.Staple.On = true
		cfg.Clock = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
		cfg.Logger = slog.New(slog.NewTextHandler(log, nil))
	})
	good := says(t, s.server, s.root, nil, nil)
	delegate := func(usage ...x509.ExtKeyUsage) *signer {
		return s.root.issue("responder", func(c *x509.Certificate) { c.ExtKeyUsage = usage })
	}
	past := s.root.issue("responder", func(c *x509.Certificate) {
		c.ExtKeyUsage, c.NotAfter = []x509.ExtKeyUsage{x509.ExtKeyUsageOCSPSigning}, time.Now().Add(-time.Minute)
	})
	stranger := newAuthority(t, "root")
	answers := map[string][]byte{
		"empty":            {},
		"truncated":        good[:len(good)-2],
		"no response":      []byte("hello"),
		"an error":         ocsp.TryLaterErrorResponse,
		"too large":        make([]byte, maxResponseBytes+1),
		"revoked":          says(t, s.server, s.root, nil, func(r *ocsp.Response) { r.Status, r.RevokedAt = ocsp.Revoked, time.Now() }),
		"unknown":          says(t, s.server, s.root, nil, func(r *ocsp.Response) { r.Status = ocsp.Unknown }),
		"another's":        says(t, s.issuer, s.root, nil, nil),
		"a stranger":       says(t, s.server, stranger, nil, nil),
		"a mere client":    says(t, s.server, s.root, delegate(x509.ExtKeyUsageClientAuth), nil),
		"an old responder": says(t, s.server, s.root, past, nil),
		"out of date":      says(t, s.server, s.root, nil, func(r *ocsp.Response) { r.NextUpdate = time.Now().Add(-time.Second) }),
		"without an end":   says(t, s.server, s.root, nil, func(r *ocsp.Response) { r.NextUpdate = time.Time{} }),
		"of tomorrow": says(t, s.server, s.root, nil, func(r *ocsp.Response) {
			r.ThisUpdate, r.NextUpdate = r.ThisUpdate.Add(24*time.Hour), r.NextUpdate.Add(24*time.Hour)
		}),
		"not found (a 404)": nil,
	}
	for name, answer := range answers {
		responder.set(func(string) (int, []byte) {
			if answer == nil {
				return http.StatusNotFound, nil
			}
			return http.StatusOK, answer
		})
		s.reloader = load(t, s.cfg)
		if wait := s.reloader.staple(t.Context()); wait > firstStapleRetry || s.reloader.Stats().StapleFailures != 1 {
			t.Errorf("%s: asks again in %s, %+v", name, wait, s.reloader.Stats())
		}
		if got := s.shown(); got != nil {
			t.Errorf("%s is shown", name)
		}
	}
	s.reloader = load(t, s.cfg)
	responder.set(func(string) (int, []byte) {
		return http.StatusOK, says(t, s.server, s.root, delegate(x509.ExtKeyUsageOCSPSigning), nil)
	})
	s.reloader.staple(t.Context())
	last := s.shown()
	if last == nil {
		t.Fatal("a response by a responder that may sign it is not shown")
	}
	responder.set(func(string) (int, []byte) { return http.StatusInternalServerError, nil })
	log.Reset()
	var pauses []time.Duration
	for ahead.Store(int64(31 * time.Minute)); s.shown() != nil; {
		if !bytes.Equal(s.shown(), last) {
			t.Fatal("another response")
		}
		pause := s.reloader.staple(t.Context())
		pauses = append(pauses, pause)
		ahead.Add(int64(pause))
	}
	gone := time.Duration(ahead.Load()) - pauses[len(pauses)-1]
	if len(pauses) < 4 || pauses[1] <= pauses[0] || gone < 59*time.Minute || gone > 61*time.Minute {
		t.Errorf("pauses %v, gone after %s", pauses, gone)
	}
	if got := strings.Count(log.String(), "no new OCSP response"); got != 1 {
		t.Errorf("told %d times: %s", got, log)
	}
}

func TestStaplingFromAFile(t *testing.T) {
	s := stapledSite(t, "http://127.0.0.1:1/never-asked", nil)
	s.cfg.Staple.Location = s.file("response.der", []byte("damaged"))
	s.reloader = load(t, s.cfg)
	s.reloader.staple(t.Context())
	if got := s.shown(); got != nil || s.reloader.Stats().StapleFailures != 1 {
		t.Errorf("%d bytes, %+v", len(got), s.reloader.Stats())
	}
	good := says(t, s.server, s.root, nil, nil)
	write(t, s.cfg.Staple.Location, good)
	s.reloader = load(t, s.cfg)
	if wait := s.reloader.staple(t.Context()); wait > DefaultReloadInterval {
		t.Errorf("looks again in %s", wait)
	}
	if got := s.shown(); !bytes.Equal(got, good) {
		t.Errorf("%d bytes", len(got))
	}
}

// TestNoIssuerNoStaple: without the issuer a response can not be verified, and is not asked for.
func TestNoIssuerNoStaple(t *testing.T) {
	s := stapledSite(t, "ftp://127.0.0.1/", func(cfg *Config) { cfg.Staple.On = true })
	if _, err := s.reloader.getResponse(t.Context(), s.reloader.current.Load(), []*x509.Certificate{s.server.cert, s.root.cert}); !errors.Is(err, ErrBadResponse) {
		t.Errorf("a responder by ftp: %v", err)
	}
	write(t, s.cfg.KeyStore.Location, asPEM(t, s.server.key, s.server.cert))
	s.cfg.TrustStore = TrustStore{}
	s.reloader = load(t, s.cfg)
	s.reloader.staple(t.Context())
	if got := s.reloader.Stats().StapleFailures; got != 1 {
		t.Errorf("%d failures", got)
	}
}

// FuzzResponse: what a responder sends neither panics nor is shown when somebody else has signed it.
func FuzzResponse(f *testing.F) {
	root, stranger := newAuthority(f, "root"), newAuthority(f, "root")
	server := root.issue("server", nil)
	for _, issuer := range []*signer{root, stranger} {
		raw, err := ocsp.CreateResponse(issuer.cert, issuer.cert, ocsp.Response{
			Status: ocsp.Good, SerialNumber: server.cert.SerialNumber, ThisUpdate: time.Now().Add(-time.Minute), NextUpdate: time.Now().Add(time.Hour),
		}, issuer.key)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
		f.Add(raw[:len(raw)/2])
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := parseResponse(raw, server.cert, root.cert, time.Now())
		if (r == nil) != (err != nil) || err != nil && !errors.Is(err, ErrBadResponse) {
			t.Fatalf("%v, %v", r, err)
		}
		if _, byStranger := parseResponse(raw, server.cert, stranger.cert, time.Now()); err == nil && byStranger == nil {
			t.Fatal("signed by two authorities")
		}
	})
}
