//go:build interop

package interop

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

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
	t.Parallel()
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
	return httpGet(t, b, "/metrics")
}

// httpGet asks the broker's HTTP listener.
func httpGet(t *testing.T, b *harness.Broker, path string) string {
	t.Helper()
	resp, err := http.Get("http://" + b.HTTP + path)
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

// TestAlterReplicaLogDirs moves partitions between directories while records come, and looks for them after a kill.
func TestAlterReplicaLogDirs(t *testing.T) {
	t.Parallel()
	b, dirs := withDirs(t, 2)
	createTopic(t, b, "moving", 4)
	tools.Must(t, roundTrip, "produce", b.Bootstrap(), b.ClientProperties(), "moving", "400", "before")
	client := franzClient(t, append(franzSASL(t, b, "SCRAM-SHA-512"), kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	alter := kadm.AlterReplicaLogDirsReq{}
	for p := range int32(4) {
		alter.Add(dirs[1], kadm.TopicsSet{"moving": {p: {}}})
	}
	for _, r := range mustAlter(ctx, t, client, alter) {
		if r.Err != nil {
			t.Errorf("partition %d: %v", r.Partition, r.Err)
		}
	}
	during := 0
	for held := 0; held < 4; during++ {
		record := &kgo.Record{Topic: "moving", Partition: int32(during % 4), Value: []byte("during")}
		if err := client.ProduceSync(ctx, record).FirstErr(); err != nil {
			t.Fatalf("record %d during the move: %v", during, err)
		}
		held = 0
		for _, p := range describeDirs(t, b, "--topic-list", "moving")[dirs[1]].Partitions {
			if !p.IsFuture {
				held++
			}
		}
	}
	b.Kill(t)
	b.Run(t)
	if left := describeDirs(t, b, "--topic-list", "moving")[dirs[0]].Partitions; len(left) != 0 {
		t.Errorf("still in the first directory: %+v", left)
	}
	total := 0
	for _, line := range strings.Fields(admin(t, b, getOffsets, "--topic", "moving")) {
		n, err := strconv.Atoi(line[strings.LastIndex(line, ":")+1:])
		if err != nil {
			t.Fatal(err)
		}
		total += n
	}
	if total != 400+during {
		t.Errorf("%d records, want %d", total, 400+during)
	}
	tools.Must(t, roundTrip, "consume", b.Bootstrap(), b.ClientProperties(), "moving", strconv.Itoa(total), "movers")

	nowhere := kadm.AlterReplicaLogDirsReq{}
	nowhere.Add("/nowhere", kadm.TopicsSet{"moving": {0: {}}})
	for _, r := range mustAlter(ctx, t, client, nowhere) {
		if !errors.Is(r.Err, kerr.LogDirNotFound) {
			t.Errorf("a directory that is none: %v", r.Err)
		}
	}
	if events := auditEvents(t, b, "AlterReplicaLogDirs", 2); len(events) != 2 || events[0].StatusCode != "INTENT" ||
		events[1].StatusCode != "NONE" || events[1].Unmapped.After["0"] != dirs[1] {
		t.Errorf("audit events %+v", events)
	}
}

// mustAlter asks the one broker for moves.
func mustAlter(ctx context.Context, t *testing.T, client *kgo.Client, q kadm.AlterReplicaLogDirsReq) []kadm.AlterReplicaLogDirsResponse {
	t.Helper()
	answers, err := kadm.NewClient(client).AlterBrokerReplicaLogDirs(ctx, 1, q)
	if err != nil {
		t.Fatal(err)
	}
	var all []kadm.AlterReplicaLogDirsResponse
	answers.Each(func(r kadm.AlterReplicaLogDirsResponse) { all = append(all, r) })
	return all
}
