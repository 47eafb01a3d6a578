package broker

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/chronik-stream/chronik/broker/httpd"
	"github.com/chronik-stream/chronik/broker/storage"
	"github.com/chronik-stream/chronik/broker/vfs"
)

// CachePath is where the numbers of the segment cache are served, as JSON of storage.CacheStats.
const CachePath = "/v1/log/cache"

// makeCache makes the segment cache that all log directories share.
func (b *Broker) makeCache(context.Context) error {
	cfg := b.options.Segments
	cfg.Clock, cfg.Logger = b.options.Clock, b.logger
	if limit, known := vfs.OpenFileLimit(); known {
		cfg.Files = boundFiles(cfg.Files, limit, b.logger)
	}
	cache, err := storage.NewSegmentCache(cfg)
	if err != nil {
		return err
	}
	if err := b.registry.Register(cache); err != nil {
		return fmt.Errorf("register the metrics of the segment cache: %w", err)
	}
	b.cache = cache
	return nil
}

// boundFiles leaves half of the files that the process may open to connections and to all else.
func boundFiles(files int, limit uint64, logger *slog.Logger) int {
	if files == 0 {
		files = storage.DefaultCacheFiles
	}
	if uint64(files) <= limit/2 { //nolint:gosec // above zero
		return files
	}
	lowered := max(int(limit/2), storage.MinCacheFiles) //nolint:gosec // below files
	logger.Warn("chronik.segment.cache.files is lowered to half of the files that this process may open (ulimit -n)",
		"configured", files, "limit", limit, "files", lowered)
	return lowered
}

// warmUpCache opens the newest segments, beside the first requests.
func (b *Broker) warmUpCache(ctx context.Context) {
	b.cache.WarmUp(ctx, b.directories, b.options.WarmUpSegments)
}

// cacheRoute tells the numbers of the segment cache.
func cacheRoute(stats func() storage.CacheStats) httpd.Route {
	return httpd.Route{Method: http.MethodGet, Path: CachePath, Gate: httpd.Loopback, Handler: http.HandlerFunc(
		func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(stats()) // a client that has gone needs no answer
		},
	)}
}
