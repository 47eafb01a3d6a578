package httpd

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/chronik-stream/chronik/broker/limit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

func started(t *testing.T, routes ...Route) *Server {
	t.Helper()
	s, err := New(Config{Addr: "127.0.0.1:0", Routes: routes, Logger: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Error(err)
		}
	})
	return s
}

// fetch asks over a connection of its own.
func fetch(t *testing.T, s *Server, method, path string) (code int, body string, header http.Header) {
	t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), method, "http://"+s.Addr().String()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Close = true
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 5 * time.Second}
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(b), answer.Header
}

func TestRoutes(t *testing.T) {
	registry := prometheus.NewRegistry()
	counter := prometheus.NewCounter(prometheus.CounterOpts{Name: "chronik_test_total"})
	registry.MustRegister(counter)
	counter.Inc()
	ready := errors.New("still loading")
	s := started(t, Metrics(registry), Healthz(nil), Readyz(func(context.Context) error { return ready }),
		Route{Method: "GET", Path: "/fault", Gate: Open, Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("fault") })})
	for _, c := range []struct {
		method, path string
		code         int
		body         string
	}{
		{"GET", "/healthz", 200, "ok"},
		{"HEAD", "/healthz", 200, ""},
		{"GET", "/readyz", 503, "still loading"},
		{"GET", "/metrics", 200, "chronik_test_total 1"},
		{"POST", "/metrics", 405, "not allowed"},
		{"GET", "/", 404, "not found"},
		{"GET", "/metrics/", 404, "not found"},
		{"GET", "/debug/pprof/", 404, "not found"},
		{"GET", "/fault", 500, "internal error"},
		{"GET", "/healthz", 200, "ok"},
	} {
		code, body, _ := fetch(t, s, c.method, c.path)
		if code != c.code || !strings.Contains(body, c.body) {
			t.Errorf("%s %s: %d %q, want %d %q", c.method, c.path, code, body, c.code, c.body)
		}
	}
	if _, _, header := fetch(t, s, "GET", "/healthz"); header.Get("X-Content-Type-Options") != "nosniff" || header.Get("Cache-Control") != "no-store" {
		t.Errorf("headers: %v", header)
	}
	ready = nil
	if code, _, _ := fetch(t, s, "GET", "/readyz"); code != 200 {
		t.Errorf("readyz once ready: %d", code)
	}
}

func TestLoopbackGate(t *testing.T) {
	for _, c := range []struct {
		from, host, header string
		remote             bool
		want               int
	}{
		{from: "127.0.0.1:1000", host: "127.0.0.1:9404", want: 200},
		{from: "127.0.0.1:1000", host: "127.0.0.1", want: 200},
		{from: "127.0.0.1:1000", host: "localhost:9404", want: 200},
		{from: "127.0.0.1:1000", host: "LocalHost", want: 200},
		{from: "[::1]:1000", host: "[::1]:9404", want: 200},
		{from: "[::1]:1000", host: "[::1]", want: 200},
		{from: "[::ffff:127.0.0.1]:9", host: "127.0.0.1:9404", want: 200},
		{from: "10.0.0.1:1000", host: "127.0.0.1:9404", want: 403},
		{from: "10.0.0.1:1000", host: "broker.example:9404", remote: true, want: 200},
		{from: "", host: "127.0.0.1:9404", want: 403},
		// A page's name that its owner lets point here.
		{from: "127.0.0.1:1000", host: "page.example:9404", want: 403},
		{from: "127.0.0.1:1000", host: "localhost.page.example:9404", want: 403},
		{from: "127.0.0.1:1000", host: "127.0.0.1.page.example", want: 403},
		{from: "127.0.0.1:1000", host: "", want: 403},
		// A proxy on this machine.
		{from: "127.0.0.1:1000", host: "127.0.0.1:9404", header: "X-Forwarded-For", want: 403},
		{from: "127.0.0.1:1000", host: "127.0.0.1:9404", header: "forwarded", want: 403},
		{from: "127.0.0.1:1000", host: "127.0.0.1:9404", header: "X-Real-IP", want: 403},
		{from: "127.0.0.1:1000", host: "page.example", header: "X-Forwarded-For", remote: true, want: 200},
	} {
		s, err := New(Config{Routes: []Route{Metrics(prometheus.NewRegistry())}, Remote: c.remote, Logger: quiet()})
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
		r.RemoteAddr, r.Host = c.from, c.host
		if c.header != "" {
			r.Header.Set(c.header, "192.0.2.1")
		}
		w := httptest.NewRecorder()
		s.http.Handler.ServeHTTP(w, r)
		if w.Code != c.want {
			t.Errorf("%+v: %d", c, w.Code)
		}
	}
}

func TestBadTables(t *testing.T) {
	fine := Healthz(nil)
	for name, routes := range map[string][]Route{
		"twice":      {fine, fine},
		"no gate":    {{Method: "GET", Path: "/x", Handler: fine.Handler}},
		"no path":    {{Method: "GET", Gate: Open, Handler: fine.Handler}},
		"pattern":    {{Method: "GET", Path: "/{any}", Gate: Open, Handler: fine.Handler}},
		"no method":  {{Path: "/x", Gate: Open, Handler: fine.Handler}},
		"no handler": {{Method: "GET", Path: "/x", Gate: Open}},
	} {
		if _, err := New(Config{Routes: routes, Logger: quiet()}); !errors.Is(err, ErrBadRoute) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestConnectionsAreBounded(t *testing.T) {
	s := started(t, Healthz(nil))
	var open []net.Conn
	defer func() {
		for _, nc := range open {
			_ = nc.Close()
		}
	}()
	for range limit.HTTPConnections {
		nc, err := net.Dial("tcp", s.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, nc)
	}
	extra, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = extra.Close() }()
	if err := extra.SetReadDeadline(time.Now().Add(2 * time.Second)); err != nil {
		t.Fatal(err)
	}
	var timeout net.Error
	if _, err := extra.Read(make([]byte, 1)); err == nil || errors.As(err, &timeout) && timeout.Timeout() {
		t.Errorf("one connection too many is kept: %v", err)
	}
}

func TestStartTwice(t *testing.T) {
	s := started(t, Healthz(nil))
	if err := s.Start(context.Background()); !errors.Is(err, ErrStarted) {
		t.Errorf("got %v", err)
	}
	other, err := New(Config{Addr: s.Addr().String(), Logger: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(context.Background()); err == nil {
		t.Error("started on an address in use")
	}
	if err := other.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
}
