//go:build interop

package interop

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chronik-stream/chronik/test/harness"
)

// TestToolsPrintWhatKafkaPrints runs the same tools with the same arguments against this broker and against Apache Kafka, and
// compares what they print and how they end. Ids, ports and times differ and are made equal first.
func TestToolsPrintWhatKafkaPrints(t *testing.T) {
	b := harness.Start(t)
	k := harness.StartKafka(t, b)
	file := b.ClientProperties()
	steps := []struct {
		main  string
		args  string
		stdin string
	}{
		{main: topicCommand, args: "--create --topic orders --partitions 3 --config retention.ms=600000"},
		{main: topicCommand, args: "--create --topic orders"},
		{main: topicCommand, args: "--create --topic bad/name"},
		{main: topicCommand, args: "--create --topic x --replication-factor 3"},
		{main: topicCommand, args: "--create --topic x --config retention.ms=soon"},
		{main: topicCommand, args: "--list"},
		{main: topicCommand, args: "--describe --topic orders"},
		{main: topicCommand, args: "--describe --topic nothing"},
		{main: topicCommand, args: "--alter --topic orders --partitions 5"},
		{main: topicCommand, args: "--alter --topic orders --partitions 2"},
		{main: topicCommand, args: "--describe --topic orders"},
		{main: configCommand, args: "--entity-type topics --entity-name orders --alter --add-config segment.bytes=1048576"},
		{main: configCommand, args: "--entity-type topics --entity-name orders --describe"},
		{main: configCommand, args: "--entity-type topics --entity-name orders --alter --delete-config segment.bytes"},
		{main: configCommand, args: "--entity-type topics --entity-name nothing --alter --add-config segment.bytes=1048576"},
		{main: configCommand, args: "--entity-type users --entity-name alice --alter --add-config SCRAM-SHA-512=[iterations=8192,password=x]"},
		{main: configCommand, args: "--entity-type users --entity-name alice --describe"},
		{main: configCommand, args: "--entity-type users --entity-name alice --alter --add-config SCRAM-SHA-512=[iterations=20000,password=x]"},
		{main: configCommand, args: "--entity-type users --entity-name alice --alter --delete-config SCRAM-SHA-512"},
		{main: aclCommand, args: "--add --allow-principal User:bob --operation Read --operation Write --topic orders"},
		{main: aclCommand, args: "--add --deny-principal User:eve --deny-host 10.0.0.1 --operation All --group g"},
		{main: aclCommand, args: "--add --allow-principal User:p --producer --topic pre- --resource-pattern-type prefixed"},
		{main: aclCommand, args: "--list --topic orders"},
		{main: aclCommand, args: "--list --topic pre-fix --resource-pattern-type match"},
		{main: aclCommand, args: "--list --group g"},
		{main: aclCommand, args: "--remove --allow-principal User:bob --operation Read --topic orders --force"},
		{main: aclCommand, args: "--list --topic orders"},
		{main: topicCommand, args: "--create --topic lines --partitions 1"},
		{main: consoleProducer, args: "--topic lines", stdin: "a\nb\nc\n"},
		{main: roundTrip, args: "consume BOOTSTRAP FILE lines 3 team"},
		{main: getOffsets, args: "--topic lines --time latest"},
		{main: getOffsets, args: "--topic nothing"},
		{main: groupCommand, args: "--list"},
		{main: groupCommand, args: "--list --state"},
		{main: groupCommand, args: "--describe --group team --state"},
		{main: groupCommand, args: "--describe --group team --members"},
		{main: groupCommand, args: "--describe --group nobody"},
		{main: groupCommand, args: "--reset-offsets --group team --topic lines --to-earliest --dry-run"},
		{main: groupCommand, args: "--delete --group nobody"},
		{main: groupCommand, args: "--delete --group team"},
		{main: topicCommand, args: "--delete --topic orders"},
		{main: topicCommand, args: "--delete --topic orders"},
		{main: clusterTool, args: "cluster-id --bootstrap-server BOOTSTRAP --config FILE"},
	}
	for _, step := range steps {
		t.Run(step.main[strings.LastIndex(step.main, ".")+1:]+" "+step.args, func(t *testing.T) {
			ours := runAt(t, b.Bootstrap(), file, step.main, step.args, step.stdin)
			kafkas := runAt(t, k.Bootstrap(), file, step.main, step.args, step.stdin)
			if diff := cmp.Diff(kafkas, ours); diff != "" {
				t.Errorf("-Apache Kafka +this broker:\n%s", diff)
			}
		})
	}
}

// printed is what is compared of a tool's run.
type printed struct {
	Exit int
	Out  []string
}

func runAt(t *testing.T, bootstrap, file, main, args, stdin string) printed {
	t.Helper()
	words := strings.Fields(strings.NewReplacer("BOOTSTRAP", bootstrap, "FILE", file).Replace(args))
	if !strings.Contains(args, "BOOTSTRAP") {
		words = append([]string{"--bootstrap-server", bootstrap, "--command-config", file}, words...)
	}
	out := tools.RunInput(t, stdin, main, words...)
	lines := normal(out.Out, bootstrap)
	if main == aclCommand {
		slices.Sort(lines) // the tool prints the elements of a hash set
	}
	return printed{Exit: out.Exit, Out: lines}
}

var different = []struct {
	pattern *regexp.Regexp
	with    string
}{
	{regexp.MustCompile(`\b[A-Za-z0-9_-]{22}\b`), "ID"},
	{regexp.MustCompile(`(?m)^.*(\tat |^\[|ERROR|Exception:).*$`), ""},
	{regexp.MustCompile(`[0-9]{13}`), "TIME"},
	{regexp.MustCompile(`(?m)^__audit_log$`), ""},        // Apache Kafka has none
	{regexp.MustCompile(`min\.insync\.replicas=1,`), ""}, // the feature that sets it (KIP-966) comes with replication
	{regexp.MustCompile(`[ \t]+`), " "},
}

// normal makes equal what has to differ.
func normal(out, bootstrap string) []string {
	out = strings.ReplaceAll(out, bootstrap, "BOOTSTRAP")
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
