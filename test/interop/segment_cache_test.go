//go:build interop

package interop

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/chronik-stream/chronik/broker/storage"
	"github.com/chronik-stream/chronik/test/harness"
)

// TestConsumersReadMoreSegmentsThanMayBeOpen has Java's consumer read partitions with far more segments than the cache holds,
// under each policy, and looks at what chronik log cache says of it.
func TestConsumersReadMoreSegmentsThanMayBeOpen(t *testing.T) {
	t.Parallel()
	const files, indexBytes, partitions, records = 16, 4096, 8, 40_000
	for _, policy := range []string{"lru", "lfu"} {
		t.Run(policy, func(t *testing.T) {
			b := harness.Start(t, "CHRONIK_SEGMENT_CACHE_POLICY="+policy,
				fmt.Sprintf("CHRONIK_SEGMENT_CACHE_FILES=%d", files), fmt.Sprintf("CHRONIK_SEGMENT_CACHE_INDEX_BYTES=%d", indexBytes))
			admin(t, b, topicCommand, "--create", "--topic", "many", "--partitions", strconv.Itoa(partitions),
				"--config", "segment.bytes=1048576", "--config", "index.interval.bytes=1024")
			tools.Must(t, producerPerf, "--topic", "many", "--num-records", strconv.Itoa(records), "--record-size", "1024", "--throughput", "-1",
				"--bootstrap-server", b.Bootstrap(), "--command-config", b.ClientProperties(), "--command-property", "acks=all")
			logs, err := filepath.Glob(filepath.Join(b.Dir, "data", "many-*", "*.log"))
			if err != nil || len(logs) < 2*files {
				t.Fatalf("%d segments, %v", len(logs), err)
			}
			for _, group := range []string{"first", "second"} {
				out := tools.Must(t, roundTrip, "consume", b.Bootstrap(), b.ClientProperties(), "many", strconv.Itoa(records), group)
				if n := len(fourthFields(out)); n != records {
					t.Errorf("%s reads %d of %d records", group, n, records)
				}
			}
			checkCache(t, b, policy, files, indexBytes)
			b.Stop(t)
		})
	}
}

// checkCache looks at the bounds, and that the cache was at work.
func checkCache(t *testing.T, b *harness.Broker, policy string, files, indexBytes int64) {
	t.Helper()
	answer := harness.Command(t, "", harness.Binary(t), "log", "cache", "--json", "--http-server", b.HTTP)
	var stats storage.CacheStats
	if err := json.Unmarshal([]byte(answer), &stats); err != nil {
		t.Fatal(err)
	}
	if stats.Policy != policy || stats.OpenFiles > files || stats.Indexes.Held > indexBytes || stats.Files.Evicted.Size == 0 ||
		stats.Indexes.Evicted.Size == 0 || stats.Files.Hits == 0 || stats.Damaged != 0 {
		t.Errorf("the cache: %s", answer)
	}
	contains(t, harness.Command(t, "", harness.Binary(t), "log", "cache", "--http-server", b.HTTP), "policy "+policy, "index bytes")
}
