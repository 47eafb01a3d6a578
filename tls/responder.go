package tls

import (
	"bytes"
	"context"
	"crypto"
	"crypto/fips140"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/crypto/ocsp"
)

// askResponders asks the responders that a certificate names, one after the other, until one has a good answer.
func askResponders(ctx context.Context, leaf, issuer *x509.Certificate, clock func() time.Time) (*response, error) {
	if len(leaf.OCSPServer) == 0 {
		return nil, fmt.Errorf("%w: the certificate names no responder", ErrBadResponse)
	}
	hash := crypto.SHA1
	if fips140.Enabled() {
		hash = crypto.SHA256
	}
	question, err := ocsp.CreateRequest(leaf, issuer, &ocsp.RequestOptions{Hash: hash})
	if err != nil {
		return nil, fmt.Errorf("make an OCSP request: %w", err)
	}
	var errs []error
	for _, address := range leaf.OCSPServer[:min(len(leaf.OCSPServer), maxResponders)] {
		raw, err := askResponder(ctx, address, question)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		r, err := parseResponse(raw, leaf, issuer, clock())
		if err == nil {
			return r, nil
		}
		errs = append(errs, fmt.Errorf("%s: %w", address, err))
	}
	return nil, errors.Join(errs...)
}

// askResponder asks by HTTP (RFC 6960 appendix A). What comes is not trusted: it is verified by its signature, so http will do.
func askResponder(ctx context.Context, address string, question []byte) ([]byte, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("%w: the certificate names the responder %q", ErrBadResponse, address)
	}
	ctx, cancel := context.WithTimeout(ctx, responderTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(question))
	if err != nil {
		return nil, fmt.Errorf("ask the OCSP responder %s: %w", address, err)
	}
	request.Header.Set("Content-Type", "application/ocsp-request")
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true, MaxResponseHeaderBytes: maxResponseBytes}
	answer, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		return nil, fmt.Errorf("ask the OCSP responder %s: %w", address, err)
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%w: the responder %s answers %s", ErrBadResponse, address, answer.Status)
	}
	return bounded(answer.Body, address, maxResponseBytes, ErrBadResponse)
}
