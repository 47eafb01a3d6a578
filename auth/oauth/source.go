package oauth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/chronik-stream/chronik/auth/operatorfile"
)

// ErrBadConfig is wrapped by the errors about a configuration that cannot work or would be open.
var ErrBadConfig = errors.New("bad OAUTHBEARER configuration")

// source is where the issuer's keys come from.
type source interface {
	fetch(ctx context.Context) ([]byte, error)
}

// CheckEndpoint says what is wrong with sasl.oauthbearer.jwks.endpoint.url: it is a file or, over TLS, an address; without TLS only
// one on loopback, since whoever can change the keys on their way can log in as anybody.
func CheckEndpoint(address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return fmt.Errorf("%w: the address of the issuer's keys does not parse", ErrBadConfig)
	}
	switch {
	case u.User != nil:
		return fmt.Errorf("%w: the address of the issuer's keys holds a password", ErrBadConfig)
	case u.Scheme == "file" && u.Host == "" && filepath.IsAbs(u.Path):
		return nil
	case u.Scheme == "https" && u.Hostname() != "":
		return nil
	case u.Scheme == "http" && isLoopback(u.Hostname()):
		return nil
	case u.Scheme == "http":
		return fmt.Errorf("%w: %s: the issuer's keys come over https, or over http from loopback", ErrBadConfig, address)
	default:
		return fmt.Errorf("%w: %s: the issuer's keys are at file:/PATH or https://HOST/PATH", ErrBadConfig, address)
	}
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && addr.IsLoopback()
}

// fileSource reads a file.
type fileSource func() ([]byte, error)

// fetch returns what the file has, or why ctx has ended where that comes first: reading from a mount that has stalled may take for ever.
func (f fileSource) fetch(ctx context.Context) ([]byte, error) {
	type result struct {
		text []byte
		err  error
	}
	done := make(chan result, 1)
	go func() {
		text, err := f()
		done <- result{text, err}
	}()
	select {
	case r := <-done:
		return r.text, r.err
	case <-ctx.Done():
		return nil, fmt.Errorf("read the issuer's keys: %w", ctx.Err())
	}
}

func readFile(path string) ([]byte, error) {
	file, err := operatorfile.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open the issuer's keys: %w", err)
	}
	defer func() { _ = file.Close() }()
	return readBounded(file)
}

// addressSource asks the issuer. It makes a transport for each request, which are few, so that a changed trust store counts.
type addressSource struct {
	url       string
	transport func() (http.RoundTripper, error)
}

func (a addressSource) fetch(ctx context.Context) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	transport, err := a.transport()
	if err != nil {
		return nil, fmt.Errorf("connect to the issuer: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, a.url, http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("ask the issuer for its keys: %w", err)
	}
	request.Header.Set("Accept", "application/jwk-set+json, application/json")
	request.Close = true
	// RoundTrip and no client: what is configured is asked, and no other place that it redirects to.
	response, err := transport.RoundTrip(request)
	if err != nil {
		return nil, fmt.Errorf("ask %s for the issuer's keys: %w", a.url, err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%w: %s answers with status %d", ErrBadKeySet, a.url, response.StatusCode)
	}
	return readBounded(response.Body)
}

func readBounded(r io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxKeySetBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read the issuer's keys: %w", err)
	}
	return text, nil
}
