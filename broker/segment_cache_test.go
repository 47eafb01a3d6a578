package broker

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chronik-stream/chronik/broker/storage"
)

func TestFilesStayBelowTheProcessLimit(t *testing.T) {
	for _, c := range []struct {
		files int
		limit uint64
		want  int
		warns bool
	}{
		{0, 1 << 20, storage.DefaultCacheFiles, false},
		{100, 200, 100, false},
		{101, 200, 100, true},
		{0, 1024, 512, true},
		{5000, 4, storage.MinCacheFiles, true},
	} {
		var log bytes.Buffer
		got := boundFiles(c.files, c.limit, slog.New(slog.NewTextHandler(&log, nil)))
		if got != c.want || strings.Contains(log.String(), "ulimit") != c.warns {
			t.Errorf("%d files, limit %d: %d, want %d; log %q", c.files, c.limit, got, c.want, log.String())
		}
	}
}

func TestCacheRouteAnswersItsNumbers(t *testing.T) {
	want := storage.CacheStats{Policy: "lfu", OpenFiles: 3, Files: storage.CacheKindStats{Held: 2, Max: 9, Hits: 7}}
	w := httptest.NewRecorder()
	cacheRoute(func() storage.CacheStats { return want }).Handler.ServeHTTP(w, httptest.NewRequest("GET", CachePath, nil))
	var got storage.CacheStats
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || got != want {
		t.Errorf("%v: %s", err, w.Body)
	}
}
