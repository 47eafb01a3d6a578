//go:build interop

package interop

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chronik-stream/chronik/test/harness"
)

// TestToolsPrintWhatKafkaPrints runs the same tools with the same arguments against this broker and against Apache Kafka, and
// compares what they print and how they end. Ids, ports and times differ and are made equal first.
func TestToolsPrintWhatKafkaPrints(t *testing.T) {
	t.Parallel()
	b := harness.Start(t, tokensOn)
	k := harness.StartKafka(t, b, "delegation.token.secret.key="+tokenSecretKey)
	file := b.ClientProperties()
	offsets := filepath.Join(t.TempDir(), "offsets.csv")
	if err := os.WriteFile(offsets, []byte("lines,0,2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, bootstrap := range []string{b.Bootstrap(), k.Bootstrap()} {
		joinLive(t, b, file, bootstrap)
	}
	for _, step := range paritySteps() {
		step.args = strings.Replace(step.args, "OFFSETS", offsets, 1)
		t.Run(step.main[strings.LastIndex(step.main, ".")+1:]+" "+step.args, func(t *testing.T) {
			ours := runAt(t, b.Bootstrap(), file, step.main, step.args, step.stdin)
			kafkas := runAt(t, k.Bootstrap(), file, step.main, step.args, step.stdin)
			if diff := cmp.Diff(kafkas, ours); diff != "" {
				t.Errorf("-Apache Kafka +this broker:\n%s", diff)
			}
		})
	}
	compareTokens(t, b, k)
}

// joinLive lets a member of the group "live" have the one partition of a topic until the test ends.
func joinLive(t *testing.T, b *harness.Broker, file, bootstrap string) {
	t.Helper()
	tools.Must(t, topicCommand, "--bootstrap-server", bootstrap, "--command-config", file, "--create", "--topic", "watched")
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	assigned := make(chan struct{})
	seen := sync.OnceFunc(func() { close(assigned) })
	client := franzClient(t, append(franzSASL(t, b, "SCRAM-SHA-512"), kgo.SeedBrokers(bootstrap), kgo.ClientID("watcher"),
		kgo.ConsumerGroup("live"), kgo.ConsumeTopics("watched"), kgo.Balancers(kgo.RangeBalancer()),
		kgo.OnPartitionsAssigned(func(context.Context, *kgo.Client, map[string][]int32) { seen() }))...)
	go client.PollFetches(ctx)
	select {
	case <-assigned:
	case <-ctx.Done():
		t.Fatal("the member was assigned nothing")
	}
	record := &kgo.Record{Topic: "watched", Value: []byte("seen")}
	if err := client.ProduceSync(ctx, record).FirstErr(); err != nil {
		t.Fatal(err)
	}
	if err := client.CommitRecords(ctx, record); err != nil {
		t.Fatal(err)
	}
}

// printed is what is compared of a tool's run.
type printed struct {
	Exit int
	Out  []string
	Err  []string
}

func runAt(t *testing.T, bootstrap, file, main, args, stdin string) printed {
	t.Helper()
	words := strings.Fields(strings.NewReplacer("BOOTSTRAP", bootstrap, "FILE", file).Replace(args))
	if !strings.Contains(args, "BOOTSTRAP") {
		words = append([]string{"--bootstrap-server", bootstrap, "--command-config", file}, words...)
	}
	out := tools.RunInput(t, stdin, main, words...)
	lines := normal(out.Out, bootstrap)
	if inNoOrder(main, args) {
		slices.Sort(lines)
	}
	return printed{Exit: out.Exit, Out: lines, Err: normal(out.Err, bootstrap)}
}

// inNoOrder reports whether a tool prints the elements of a hash set.
func inNoOrder(main, args string) bool {
	switch main {
	case aclCommand, transactionsCommand:
		return true
	case groupCommand:
		return strings.HasPrefix(args, "--list")
	default:
		return main == configCommand && (args == "--entity-type groups --describe" || slices.Contains(quotaListings, args))
	}
}

var different = []struct {
	pattern *regexp.Regexp
	with    string
}{
	{regexp.MustCompile(`[A-Za-z0-9+/]{86}==`), "HMAC"},
	{regexp.MustCompile(`\b[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}\b`), "MINUTE"},
	{regexp.MustCompile(`\bwatcher-[0-9A-Za-z-]+`), "MEMBER"},
	{regexp.MustCompile(`\bconsole-consumer-[0-9]+`), "CONSOLE"},
	{regexp.MustCompile(`\b[A-Za-z0-9_-]{22}\b`), "ID"},
	{regexp.MustCompile(`(?m)^[0-9]+ \[(tool|kafka-admin-client-thread.*?)\] `), ""},
	{regexp.MustCompile(`\badminclient-[0-9]+`), "ADMIN"},
	{regexp.MustCompile(`(?m)^(\s+at |\s*\.\.\. ).*$`), ""}, // where in the tool
	{regexp.MustCompile(`[0-9]{13}`), "TIME"},
	{regexp.MustCompile(`(?m)^__audit_log$`), ""}, // Apache Kafka has none
	// Nothing here depends on these.
	{regexp.MustCompile(`(?m)^Feature: (eligible|kraft|metadata|share|streams)\..*$`), ""},
	{regexp.MustCompile(`(FinalizedVersionLevel: .*Epoch:) [0-9]+`), "$1 INDEX"},
	{regexp.MustCompile(`(user-principal 'admin' are) .*`), "$1 SOME"},
	{regexp.MustCompile(`[ \t]+`), " "},
}

// normal makes equal what has to differ.
func normal(out, bootstrap string) []string {
	_, port, _ := strings.Cut(bootstrap, ":")
	out = strings.NewReplacer(bootstrap, "BOOTSTRAP", " "+port+" ", " PORT ").Replace(out)
	for _, d := range different {
		out = d.pattern.ReplaceAllString(out, d.with)
	}
	var lines []string
	for line := range strings.Lines(out) {
		if trimmed := strings.TrimSpace(line); trimmed != "" {
			lines = append(lines, trimmed)
		}
	}
	return lines
}
