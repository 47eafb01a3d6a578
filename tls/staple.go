package tls

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/crypto/ocsp"
)

// ErrBadResponse is wrapped by the errors about OCSP responses that can not be shown to clients.
var ErrBadResponse = errors.New("unusable OCSP response")

// Staple says where the server gets the OCSP responses about its own certificates that it shows in handshakes. The zero value shows none.
type Staple struct {
	// On is chronik.ssl.ocsp.staple: ask the responder that the certificate names.
	On bool
	// Location is chronik.ssl.ocsp.response.location, a file with a response in DER that something else keeps fresh; it is used instead.
	Location string
}

func (s Staple) wanted() bool { return s.On || s.Location != "" }

// response is an OCSP response that has been verified (RFC 6960).
type response struct {
	raw                    []byte
	thisUpdate, nextUpdate time.Time
}

// parseResponse verifies a response about a certificate and that it says that the certificate is good.
func parseResponse(raw []byte, leaf, issuer *x509.Certificate, now time.Time) (*response, error) {
	r, err := ocsp.ParseResponseForCert(raw, leaf, issuer)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadResponse, err)
	}
	switch {
	case r.Status == ocsp.Revoked:
		return nil, fmt.Errorf("%w: it says that the server's certificate was revoked at %s", ErrBadResponse, r.RevokedAt.Format(time.RFC3339))
	case r.Status != ocsp.Good:
		return nil, fmt.Errorf("%w: the responder does not know the server's certificate", ErrBadResponse)
	case slices.Contains(weakSignatures(), r.SignatureAlgorithm):
		return nil, fmt.Errorf("%w: its signature is %s, which is not secure", ErrBadResponse, r.SignatureAlgorithm)
	case r.ThisUpdate.After(now.Add(maxClockSkew)):
		return nil, fmt.Errorf("%w: it is valid from %s on", ErrBadResponse, r.ThisUpdate.Format(time.RFC3339))
	case r.NextUpdate.IsZero():
		return nil, fmt.Errorf("%w: it has no nextUpdate, and so no end", ErrBadResponse)
	case !now.Before(r.NextUpdate):
		return nil, fmt.Errorf("%w: it was valid until %s", ErrBadResponse, r.NextUpdate.Format(time.RFC3339))
	}
	if err := checkResponder(r.Certificate, issuer, now); err != nil {
		return nil, err
	}
	return &response{raw: raw, thisUpdate: r.ThisUpdate, nextUpdate: r.NextUpdate}, nil
}

// checkResponder checks that the certificate within a response, if there is one, may sign responses (RFC 6960 section 4.2.2.2); that the
// issuer has signed it has been checked.
func checkResponder(responder, issuer *x509.Certificate, now time.Time) error {
	switch {
	case responder == nil || responder.Equal(issuer):
		return nil
	case !slices.Contains(responder.ExtKeyUsage, x509.ExtKeyUsageOCSPSigning):
		return fmt.Errorf("%w: %q may not sign responses", ErrBadResponse, responder.Subject)
	case now.Before(responder.NotBefore) || now.After(responder.NotAfter):
		return fmt.Errorf("%w: the certificate of its signer %q is not valid now", ErrBadResponse, responder.Subject)
	default:
		return nil
	}
}

// issuerOf finds who issued a server's certificate: beside it in the key store, or in the trust store.
func (s *snapshot) issuerOf(chain []*x509.Certificate) (*x509.Certificate, error) {
	for _, c := range slices.Concat(chain[1:], s.trust) {
		if chain[0].CheckSignatureFrom(c) == nil {
			return c, nil
		}
	}
	return nil, fmt.Errorf("%w: the issuer of %q is not in the key store", ErrBadResponse, chain[0].Subject)
}

// stapled is what is known of the responses about one certificate.
type stapled struct {
	response *response // the last good one, nil for none
	// due is when to ask again; failures counts those since the last good answer, failure is the last of them.
	due      time.Time
	failures int
	failure  error
}

// StapleInfo tells of an OCSP response that the server shows.
type StapleInfo struct {
	// Subject is that of the certificate that it is about.
	Subject    string
	NextUpdate time.Time
}

// Staples are the OCSP responses that the server shows.
func (r *Reloader) Staples() []StapleInfo {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []StapleInfo
	for _, chain := range r.current.Load().chains {
		if k := r.staples[sha256.Sum256(chain[0].Raw)]; k.response != nil {
			out = append(out, StapleInfo{Subject: chain[0].Subject.String(), NextUpdate: k.response.nextUpdate})
		}
	}
	return out
}

// keepStapled keeps the responses about the certificates in use fresh until ctx is done.
func (r *Reloader) keepStapled(ctx context.Context) {
	timer := time.NewTimer(r.staple(ctx))
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-r.renewed:
		}
		timer.Reset(r.staple(ctx))
	}
}

// staple gets the responses that are due, and returns how long until it has to be called again.
func (r *Reloader) staple(ctx context.Context) time.Duration {
	now := r.cfg.Clock()
	s := r.current.Load()
	next := map[[sha256.Size]byte]stapled{}
	wake := now.Add(longestStaplePause)
	var errs []error
	for _, chain := range s.chains {
		id := sha256.Sum256(chain[0].Raw)
		k := r.staples[id]
		if !now.Before(k.due) {
			r.refresh(ctx, &k, s, chain)
		}
		if k.response != nil && !r.cfg.Clock().Before(k.response.nextUpdate) {
			k.response = nil
		}
		if k.due.Before(wake) {
			wake = k.due
		}
		if k.response != nil && k.response.nextUpdate.Before(wake) {
			wake = k.response.nextUpdate
		}
		errs = append(errs, k.failure)
		next[id] = k
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.staples = next
	r.show()
	r.tellStaple(errors.Join(errs...))
	return max(wake.Sub(r.cfg.Clock()), shortestStaple)
}

// refresh gets a new response. Where that fails the last good one stays for as long as it is valid. Responders may give out one response for
// days, so what counts is how much of its life is left.
func (r *Reloader) refresh(ctx context.Context, k *stapled, s *snapshot, chain []*x509.Certificate) {
	fresh, err := r.getResponse(ctx, s, chain)
	pause := firstStapleRetry << min(k.failures, maxStapleDoublings)
	if err != nil {
		k.failures++
		k.failure = fmt.Errorf("certificate %q: %w", chain[0].Subject, err)
		r.mu.Lock()
		r.stats.StapleFailures++
		r.mu.Unlock()
	} else {
		k.response, k.failures, k.failure = fresh, 0, nil
		pause = max(fresh.nextUpdate.Sub(r.cfg.Clock())/2, firstStapleRetry)
	}
	if r.cfg.Staple.Location != "" && r.cfg.ReloadInterval > 0 {
		pause = r.cfg.ReloadInterval
	}
	k.due = r.cfg.Clock().Add(min(pause, longestStaplePause))
}

func (r *Reloader) getResponse(ctx context.Context, s *snapshot, chain []*x509.Certificate) (*response, error) {
	issuer, err := s.issuerOf(chain)
	if err != nil {
		return nil, err
	}
	if r.cfg.Staple.Location != "" {
		raw, err := unlessDone(ctx, func() ([]byte, error) { return readBounded(r.cfg.Staple.Location, maxResponseBytes, ErrBadResponse) })
		if err != nil {
			return nil, err
		}
		return parseResponse(raw, chain[0], issuer, r.cfg.Clock())
	}
	return askResponders(ctx, chain[0], issuer, r.cfg.Clock)
}

// show puts the responses into the configuration that new connections get. The caller holds r.mu. The new configuration has no session
// tickets of its own, so tickets go on.
func (r *Reloader) show() {
	s := *r.current.Load()
	s.config = s.config.Clone()
	s.config.Certificates = slices.Clone(s.config.Certificates)
	for i := range s.config.Certificates {
		s.config.Certificates[i].OCSPStaple = nil
		if k := r.staples[sha256.Sum256(s.chains[i][0].Raw)]; k.response != nil {
			s.config.Certificates[i].OCSPStaple = k.response.raw
		}
	}
	r.current.Store(&s)
}

// tellStaple logs each new reason why there is no new response. The caller holds r.mu.
func (r *Reloader) tellStaple(err error) {
	failure := ""
	if err != nil {
		failure = err.Error()
	}
	if failure != "" && failure != r.stapleFailure {
		r.cfg.Logger.Warn("no new OCSP response about the server's certificate; the last good one is shown while it is valid", "cause", err)
	}
	if failure == "" && r.stapleFailure != "" {
		r.cfg.Logger.Info("OCSP responses about the server's certificate are fresh again")
	}
	r.stapleFailure = failure
}
