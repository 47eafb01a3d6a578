//go:build interop

package interop

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chronik-stream/chronik/test/harness"
)

// TestDirectoryOfApacheKafkaIsAdopted fills Apache Kafka with real clients, stops it, imports what it left, and finds the same with
// the same clients and tools.
func TestDirectoryOfApacheKafkaIsAdopted(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*harness.Kafka, testing.TB){"stopped": (*harness.Kafka).Stop, "killed": (*harness.Kafka).Kill} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			adoptAfter(t, end, name == "killed")
		})
	}
}

func adoptAfter(t *testing.T, end func(*harness.Kafka, testing.TB), killed bool) {
	// Compaction would go on where Apache Kafka's has stopped, and the comparison is record by record.
	b := harness.Start(t, "CHRONIK_LOG_CLEANER_ENABLE=false", "CHRONIK_TRANSACTION_ABORT_TIMED_OUT_TRANSACTION_CLEANUP_INTERVAL_MS=500")
	k := harness.StartKafka(t, b, "log.cleaner.backoff.ms=500")
	fill(t, b, k)
	before := look(t, b, k.Bootstrap())
	if before.Lowest["keyed"] == 0 || len(before.Committed) == 0 {
		t.Fatal("Apache Kafka was not filled as meant")
	}
	config := importConfig(t, b)
	refusedWith(t, "locked by another process", config, k.Dir)
	b.Stop(t)
	refusedWith(t, "in use", config, k.Dir)
	member := &survivor{t: t}
	member.join(append(franzSASL(t, b, "SCRAM-SHA-512"), kgo.SeedBrokers(k.Bootstrap())))
	end(k, t)

	sums := directorySums(t, k.Dir)
	dry, code := importKafka(t, config, k.Dir, "--dry-run")
	if wanted := map[bool]int{false: 0, true: 2}[killed]; code != wanted || dry.Imported || len(dry.Topics) < len(filledTopics()) {
		t.Fatalf("dry run: exit %d, want %d: %+v", code, wanted, dry)
	}
	report, code := importKafka(t, config, k.Dir, "--accept", "unclean")
	if code != 0 || !report.Imported {
		t.Fatalf("exit %d: %+v", code, report)
	}
	if again := directorySums(t, k.Dir); !slices.Equal(sums, again) {
		t.Errorf("the source has changed: %s", cmp.Diff(sums, again))
	}
	if _, code := importKafka(t, config, k.Dir, "--accept", "unclean"); code != 2 {
		t.Errorf("a second import over the first: exit %d", code)
	}
	wholesomeDirectory(t, filepath.Join(b.Dir, "data"))

	b.Run(t)
	member.goOn(franzSASL(t, b, "SCRAM-SHA-512"))
	after := look(t, b, b.Bootstrap())
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("-Apache Kafka +this broker:\n%.20000s", diff)
	}
	goesOn(t, b)
}

// seen is what clients see of a broker.
type seen struct {
	// Records has what a reader of all, Committed what a reader of committed transactions gets, by partition.
	Records, Committed map[string][]seenRecord
	Lowest             map[string]int
	// Tools has the output of tools.
	Tools map[string][]string
}

type seenRecord struct {
	Offset, Timestamp int64
	TimestampType     int8
	Key, Value        []byte
	Headers           []kgo.RecordHeader
	Control           bool
}

func look(t *testing.T, b *harness.Broker, bootstrap string) seen {
	t.Helper()
	s := seen{Records: map[string][]seenRecord{}, Committed: map[string][]seenRecord{}, Lowest: map[string]int{}, Tools: map[string][]string{}}
	opts := append(franzSASL(t, b, "SCRAM-SHA-512"), kgo.SeedBrokers(bootstrap))
	filled := slices.Collect(maps.Keys(filledTopics()))
	readTopics(t, s.Records, opts, false, filled...)
	readTopics(t, s.Committed, opts, true, filled...)
	for i, r := range s.Records["keyed-0"] {
		if r.Offset > int64(i) {
			s.Lowest["keyed"]++
		}
	}
	run := func(main string, args ...string) {
		out := tools.Must(t, main, append([]string{"--bootstrap-server", bootstrap, "--command-config", b.ClientProperties()}, args...)...)
		lines := slices.DeleteFunc(normal(out, bootstrap), func(line string) bool {
			return strings.HasPrefix(line, "CONSOLE ") || strings.HasPrefix(line, "survivors ")
		})
		slices.Sort(lines)
		s.Tools[main+" "+strings.Join(args, " ")] = lines
	}
	for _, question := range []string{"-1", "-2", "-3", fmt.Sprint(time.Now().Add(-20 * time.Hour).Truncate(24 * time.Hour).UnixMilli())} {
		run(getOffsets, "--time", question, "--topic-partitions", "codecs,appended,segments,keyed,shortened,transactions,empty")
	}
	for _, group := range []string{"classic-group", "new-group", "by-hand", "session-group"} {
		s.Tools["offsets of "+group] = committedOffsets(t, opts, group)
	}
	for _, group := range []string{"classic-group", "new-group", "by-hand", "session-group"} {
		run(groupCommand, "--describe", "--group", group)
		run(groupCommand, "--describe", "--group", group, "--state")
	}
	run(groupCommand, "--list", "--state", "--type")
	for _, topic := range []string{"codecs", "transactions", "keyed"} {
		n := 0
		for partition := range 3 {
			for _, r := range s.Committed[fmt.Sprintf("%s-%d", topic, partition)] {
				if !r.Control {
					n++
				}
			}
		}
		args := []string{"--topic", topic, "--from-beginning", "--isolation-level", "read_committed", "--max-messages", fmt.Sprint(n), "--timeout-ms", "30000"}
		for _, field := range []string{"timestamp", "key", "offset", "partition", "headers", "value"} {
			args = append(args, "--formatter-property", "print."+field+"=true")
		}
		run(consoleConsumer, args...)
	}
	for partition := range 3 {
		run(transactionsCommand, "describe-producers", "--topic", "transactions", "--partition", fmt.Sprint(partition))
	}
	run(transactionsCommand, "describe-producers", "--topic", "codecs", "--partition", "0")
	run(aclCommand, "--list")
	run(configCommand, "--describe", "--entity-type", "users", "--entity-name", "reader")
	for _, topic := range []string{"codecs", "appended", "segments", "keyed", "shortened"} {
		run(configCommand, "--describe", "--entity-type", "topics", "--entity-name", topic)
	}
	return s
}

// readTopics reads all partitions to their ends.
func readTopics(t *testing.T, into map[string][]seenRecord, opts []kgo.Opt, committed bool, topics ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	isolation := kgo.ReadUncommitted()
	if committed {
		isolation = kgo.ReadCommitted()
	}
	c := franzClient(t, append(opts, kgo.ConsumeTopics(topics...), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(isolation), kgo.KeepControlRecords())...)
	ends, err := kadm.NewClient(c).ListEndOffsets(ctx, topics...)
	if err != nil {
		t.Fatal(err)
	}
	left := map[string]int64{}
	ends.Each(func(o kadm.ListedOffset) {
		if o.Err != nil {
			t.Fatal(o.Err)
		}
		if o.Offset > 0 {
			left[fmt.Sprintf("%s-%d", o.Topic, o.Partition)] = o.Offset - 1
		}
	})
	for len(left) > 0 {
		fetches := c.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatalf("%v are left: %v", left, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			name := fmt.Sprintf("%s-%d", r.Topic, r.Partition)
			into[name] = append(into[name], seenRecord{
				Offset: r.Offset, Timestamp: r.Timestamp.UnixMilli(), TimestampType: r.Attrs.TimestampType(), Key: r.Key, Value: r.Value,
				Headers: r.Headers, Control: r.Attrs.IsControl(),
			})
			if r.Offset == left[name] {
				delete(left, name)
			}
		})
	}
}

func committedOffsets(t *testing.T, opts []kgo.Opt, group string) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	offsets, err := kadm.NewClient(franzClient(t, opts...)).FetchOffsets(ctx, group)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	offsets.Each(func(o kadm.OffsetResponse) {
		out = append(out, fmt.Sprintf("%s-%d %d %q %v", o.Topic, o.Partition, o.At, o.Metadata, o.Err))
	})
	slices.Sort(out)
	if len(out) == 0 {
		t.Errorf("group %s has committed nothing", group)
	}
	return out
}

// importConfig is a properties file for the directories of a development broker.
func importConfig(t *testing.T, b *harness.Broker) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "server.properties")
	text := fmt.Sprintf("node.id=1\nlisteners=SASL_SSL://%s\nlog.dirs=%s\nsasl.enabled.mechanisms=SCRAM-SHA-512\nssl.keystore.type=PEM\nssl.keystore.location=%s\n",
		b.SASL, filepath.Join(b.Dir, "data"), filepath.Join(b.Dir, "server.keystore.pem"))
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// importReport is the part of the report that the tests look at.
type importReport struct {
	Imported bool
	Topics   []struct {
		Name    string
		Records int64
	}
	Tokens   int
	LeftOut  []string
	Problems []struct {
		Kind, Topic, Text string
		Accepted          bool
	}
}

func importKafka(t *testing.T, config, from string, args ...string) (importReport, int) {
	t.Helper()
	cmd := exec.Command(harness.Binary(t), append([]string{"import", "kafka-logs", "--config", config, "--from", from, "--json"}, args...)...)
	var log strings.Builder
	cmd.Stderr = &log
	out, err := cmd.Output()
	var report importReport
	if json.Unmarshal(out, &report) != nil {
		t.Fatalf("import: %v\n%s%s", err, out, log.String())
	}
	if t.Failed() {
		t.Log(log.String())
	}
	return report, cmd.ProcessState.ExitCode()
}

// refusedWith runs an import that ends before it has a report.
func refusedWith(t *testing.T, reason, config, from string) {
	t.Helper()
	cmd := exec.Command(harness.Binary(t), "import", "kafka-logs", "--config", config, "--from", from)
	if out, err := cmd.CombinedOutput(); err == nil || cmd.ProcessState.ExitCode() != 1 || !strings.Contains(string(out), reason) {
		t.Fatalf("exit %d, want %q: %s", cmd.ProcessState.ExitCode(), reason, out)
	}
}

// directorySums lists the files below a directory with their sizes and times of change.
func directorySums(t *testing.T, dir string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := os.Lstat(path)
		if err == nil {
			out = append(out, fmt.Sprintf("%s %d %s %s", path, info.Size(), info.Mode(), info.ModTime()))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// wholesomeDirectory lets Apache Kafka's own tool look at the files of the imported topics.
func wholesomeDirectory(t *testing.T, dir string) {
	t.Helper()
	count := 0
	for topic, configs := range filledTopics() {
		for _, pattern := range []string{"*.log", "*.index", "*.timeindex", "*.snapshot", "*.txnindex"} {
			files, err := filepath.Glob(filepath.Join(dir, topic+"-*", pattern))
			if err != nil {
				t.Fatal(err)
			}
			for _, file := range files {
				count++
				args := []string{"--files", file, "--deep-iteration"}
				if strings.HasSuffix(file, "index") && !strings.HasSuffix(file, "txnindex") {
					args = []string{"--files", file, "--index-sanity-check"}
				}
				if out := dumped(t, args...); slices.Contains(configs, "cleanup.policy=compact") {
					sound(t, out) // compaction leaves gaps
				} else {
					wholesome(t, out)
				}
			}
		}
	}
	if count < 100 {
		t.Errorf("%d files were looked at", count)
	}
}

// goesOn uses what was imported: users log in with their passwords, groups read on, producers write.
func goesOn(t *testing.T, b *harness.Broker) {
	t.Helper()
	reader := franzUser(t, b, "SCRAM-SHA-512", "reader", "reader-secret")
	if got := franzConsume(t, append(reader, kgo.ConsumerGroup("readers")), "codecs", 100); len(got) < 100 {
		t.Errorf("the imported user reads %d records", len(got))
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	denied := franzClient(t, append(reader, kgo.AllowAutoTopicCreation())...)
	if err := denied.ProduceSync(ctx, &kgo.Record{Topic: "codecs", Value: []byte("denied")}).FirstErr(); err == nil {
		t.Error("an imported DENY is not in force")
	}
	franzProduce(t, franzSASL(t, b, "SCRAM-SHA-512"), "codecs", values("more", 20))
	tools.Must(t, roundTrip, "consume", b.Bootstrap(), b.ClientProperties(), "codecs", "20", "classic-group")
	tools.Must(t, roundTrip, "consume", b.Bootstrap(), b.ClientProperties(), "codecs", "20", "new-group", "group.protocol=consumer")
	transactionsGoOn(t, b)
}
