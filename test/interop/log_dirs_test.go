//go:build interop

package interop

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chronik-stream/chronik/test/harness"
)

const logDirsCommand = "org.apache.kafka.tools.LogDirsCommand"

// describedDir is a directory as kafka-log-dirs prints it.
type describedDir struct {
	LogDir     string
	Error      *string
	Partitions []struct {
		Partition string
		Size      int64
		OffsetLag int64
		IsFuture  bool
	}
}

// describeDirs runs kafka-log-dirs and returns the directories by their paths.
func describeDirs(t *testing.T, b *harness.Broker, args ...string) map[string]describedDir {
	t.Helper()
	out := admin(t, b, logDirsCommand, append([]string{"--describe"}, args...)...)
	var printed struct {
		Brokers []struct{ LogDirs []describedDir }
	}
	if err := json.Unmarshal([]byte(out[max(strings.Index(out, "{"), 0):]), &printed); err != nil || len(printed.Brokers) != 1 {
		t.Fatalf("%v in:\n%s", err, out)
	}
	byPath := map[string]describedDir{}
	for _, d := range printed.Brokers[0].LogDirs {
		byPath[d.LogDir] = d
	}
	return byPath
}

// withDirs starts a broker with as many log directories, the first one with the metadata log, and returns them.
func withDirs(t *testing.T, n int, env ...string) (*harness.Broker, []string) {
	t.Helper()
	root := t.TempDir()
	var dirs []string
	for _, name := range []string{"one", "two", "three"}[:n] {
		dirs = append(dirs, filepath.Join(root, name))
	}
	return harness.Start(t, append(env, "CHRONIK_LOG_DIRS="+strings.Join(dirs, ","))...), dirs
}

// TestLogDirsTool runs kafka-log-dirs, with all directories and with one that is broken.
func TestLogDirsTool(t *testing.T) {
	b, dirs := withDirs(t, 2)
	createTopic(t, b, "spread", 4)
	tools.Must(t, roundTrip, "produce", b.Bootstrap(), b.ClientProperties(), "spread", "40", "v")
	d := describeDirs(t, b, "--topic-list", "spread")
	total := 0
	for _, path := range dirs {
		dir := d[path]
		if dir.Error != nil || len(dir.Partitions) == 0 {
			t.Errorf("%s: %+v", path, dir)
		}
		for _, p := range dir.Partitions {
			if !strings.HasPrefix(p.Partition, "spread-") || p.OffsetLag != 0 || p.IsFuture {
				t.Errorf("%+v", p)
			}
			if p.Size > 0 {
				total++
			}
		}
	}
	if total == 0 {
		t.Error("no partition has a size")
	}
	all := describeDirs(t, b)
	if n := len(all[dirs[0]].Partitions) + len(all[dirs[1]].Partitions); n != 5 {
		t.Errorf("%d partitions in all, want those of the topic and of the audit log", n)
	}

	b.Stop(t)
	if err := os.WriteFile(filepath.Join(dirs[1], "meta.properties"), []byte("broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	b.Run(t)
	broken := describeDirs(t, b)[dirs[1]]
	if broken.Error == nil || !strings.Contains(*broken.Error, "KafkaStorageException") {
		t.Errorf("the broken directory: %+v", broken)
	}
	contains(t, admin(t, b, topicCommand, "--describe", "--topic", "spread", "--unavailable-partitions"), "Leader: none")
	metrics := scrape(t, b)
	contains(t, metrics, "chronik_offline_log_directories 1", `chronik_log_directory_online{directory="`+dirs[0]+`"} 1`,
		`chronik_log_directory_online{directory="`+dirs[1]+`"} 0`, `chronik_log_directory_usable_bytes{directory="`+dirs[0]+`"}`)
}

func scrape(t *testing.T, b *harness.Broker) string {
	t.Helper()
	resp, err := http.Get("http://" + b.HTTP + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
