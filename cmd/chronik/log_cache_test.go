package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chronik-stream/chronik/broker"
	"github.com/chronik-stream/chronik/broker/storage"
)

func TestLogCache(t *testing.T) {
	stats := storage.CacheStats{
		Policy: "lru", TTLMs: 600_000, OpenFiles: 12, UnsyncedFiles: 2,
		Files:  storage.CacheKindStats{Held: 10, Max: 8192, Hits: 300, Misses: 100, Evicted: storage.EvictedStats{Size: 4, TTL: 5, Removed: 6}},
		WarmUp: storage.WarmUpStats{Segments: 9, Done: 9, Finished: true},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+broker.CachePath, func(w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode(stats) })
	server := httptest.NewServer(mux)
	defer server.Close()
	address := strings.TrimPrefix(server.URL, "http://")
	out, err := runCommand(t, "", "log", "cache", "--http-server", address)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"8192", "75.0%", "10m0s", "12 files open, 2 of them", "9 of 9 segments, finished"} {
		if !strings.Contains(out, part) {
			t.Errorf("no %q in:\n%s", part, out)
		}
	}
	out, err = runCommand(t, "", "log", "cache", "--json", "--http-server", address)
	var got storage.CacheStats
	if err != nil || json.Unmarshal([]byte(out), &got) != nil || got != stats {
		t.Errorf("--json: %v\n%s", err, out)
	}
	mux.HandleFunc("GET /elsewhere/", http.NotFound)
	if _, err := runCommand(t, "", "log", "cache", "--http-server", address+"/elsewhere"); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("a server without the route: %v", err)
	}
	if _, err := runCommand(t, "", "log", "cache", "--http-server", server.URL); err == nil || !strings.Contains(err.Error(), "not host:port") {
		t.Errorf("a URL: %v", err)
	}
}
