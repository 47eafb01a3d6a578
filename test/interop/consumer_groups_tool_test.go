//go:build interop

package interop

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chronik-stream/chronik/test/harness"
)

// groupKind is a protocol of groups that kafka-consumer-groups is run on.
type groupKind struct {
	// name is what the tool calls it, otherType the protocol that it is not of.
	name, otherType string
	// strategy is what assigns the partitions.
	strategy string
	// states and members are columns of the verbose descriptions.
	states, members string
	protocol        []kgo.Opt
}

func groupKinds() []groupKind {
	return []groupKind{
		{
			name: "Classic", otherType: "consumer", strategy: "range", states: "ASSIGNMENT-STRATEGY", members: "ASSIGNMENT",
			protocol: []kgo.Opt{kgo.Balancers(kgo.RangeBalancer())},
		},
		{
			name: "Consumer", otherType: "classic", strategy: "range", states: "GROUP-EPOCH", members: "TARGET-ASSIGNMENT",
			protocol: []kgo.Opt{kgo.Balancers(kgo.RangeBalancer()), kgo.ServerSideBalancer()},
		},
	}
}

// The topics of the groups: of two partitions and of one, each with ten records, five of two hours ago and five of now.
const (
	twoTopic = "grouped"
	oneTopic = "grouped-too"
	oldAge   = 2 * time.Hour
)

// TestConsumerGroupsTool runs kafka-consumer-groups in every form on groups of each protocol, and looks at what has become of their
// offsets.
func TestConsumerGroupsTool(t *testing.T) {
	t.Parallel()
	b := startSubject(t, "CHRONIK_GROUP_INITIAL_REBALANCE_DELAY_MS=0")
	createTopic(t, b.Broker, twoTopic, 2)
	createTopic(t, b.Broker, oneTopic, 1)
	start := time.Now().Add(-oldAge).Truncate(time.Second)
	fillGrouped(t, b.Broker, start)
	client := kadm.NewClient(franzClient(t, franzSASL(t, b.Broker, "SCRAM-SHA-512")...))
	for _, kind := range groupKinds() {
		t.Run(kind.name, func(t *testing.T) {
			g := toolGroup{Broker: b.Broker, client: client, kind: kind, name: "team-" + strings.ToLower(kind.name), start: start}
			g.other = g.name + "-2"
			leave := g.join(t, g.name, 2, twoTopic)
			t.Run("live", g.checkLive)
			leave()
			g.join(t, g.other, 1, oneTopic)()
			t.Run("listed", g.checkListed)
			t.Run("reset", g.checkResets)
			t.Run("files", g.checkFiles)
			t.Run("deleted", g.checkDeleted)
		})
	}
}

// fillGrouped writes the records: the fifth is a second younger than the fourth, and so on.
func fillGrouped(t *testing.T, b *harness.Broker, start time.Time) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	client := franzClient(t, append(franzSASL(t, b, "SCRAM-SHA-512"), kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
	for i := range 10 {
		at := start.Add(time.Duration(i) * time.Second)
		if i >= 5 {
			at = at.Add(oldAge)
		}
		err := client.ProduceSync(ctx,
			&kgo.Record{Topic: twoTopic, Partition: 0, Timestamp: at, Value: []byte("v")},
			&kgo.Record{Topic: twoTopic, Partition: 1, Timestamp: at, Value: []byte("v")},
			&kgo.Record{Topic: oneTopic, Partition: 0, Timestamp: at, Value: []byte("v")}).FirstErr()
		if err != nil {
			t.Fatal(err)
		}
	}
}

// toolGroup is a group of a kind, and another one of it.
type toolGroup struct {
	*harness.Broker
	kind        groupKind
	client      *kadm.Client
	name, other string
	start       time.Time
}

// join lets members read a topic to its end and commit, one partition each, and returns what makes them leave.
func (g toolGroup) join(t *testing.T, group string, members int, topic string) (leave func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var reading sync.WaitGroup
	for i := range members {
		c := franzClient(t, slices.Concat(franzSASL(t, g.Broker, "SCRAM-SHA-512"), g.kind.protocol, []kgo.Opt{
			kgo.ClientID(fmt.Sprintf("reader-%d", i)), kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic),
			kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.AutoCommitInterval(100 * time.Millisecond),
		})...)
		reading.Go(func() {
			for ctx.Err() == nil {
				c.PollFetches(ctx)
			}
			c.Close()
		})
	}
	want := map[string]int64{}
	for p := range members {
		want[fmt.Sprintf("%s:%d", topic, p)] = 10
	}
	waitFor(t, "the members to have read all there is", func() bool {
		return maps.Equal(g.committed(t, group), want) && g.stable(t, group, members)
	})
	return func() {
		cancel()
		reading.Wait()
	}
}

// stable reports whether each of so many members has a partition.
func (g toolGroup) stable(t *testing.T, group string, members int) bool {
	t.Helper()
	out := strings.Fields(admin(t, g.Broker, groupCommand, "--describe", "--group", group, "--state"))
	return slices.Contains(out, "Stable") && slices.Contains(out, fmt.Sprint(members))
}

// committed is what a group has committed, by topic:partition; nothing while no coordinator is there.
func (g toolGroup) committed(t *testing.T, group string) map[string]int64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	offsets, err := g.client.FetchOffsets(ctx, group)
	if err != nil {
		return nil
	}
	out := map[string]int64{}
	offsets.Each(func(o kadm.OffsetResponse) { out[fmt.Sprintf("%s:%d", o.Topic, o.Partition)] = o.At })
	return out
}

// at is both partitions of the larger topic at offsets.
func at(first, second int64) map[string]int64 {
	return map[string]int64{twoTopic + ":0": first, twoTopic + ":1": second}
}

func (g toolGroup) wantCommitted(t *testing.T, group string, want map[string]int64) {
	t.Helper()
	if diff := cmp.Diff(want, g.committed(t, group)); diff != "" {
		t.Errorf("offsets of %s: -want +committed:\n%s", group, diff)
	}
}

// run runs the tool. GROUP and OTHER in args stand for the groups' names.
func (g toolGroup) run(t *testing.T, args string) string {
	t.Helper()
	return admin(t, g.Broker, groupCommand, strings.Fields(strings.NewReplacer("GROUP", g.name, "OTHER", g.other).Replace(args))...)
}

// wantRow looks for the line of a table that begins with the first so many words, and for the words that follow.
func wantRow(t *testing.T, table string, begins int, words ...string) {
	t.Helper()
	for line := range strings.Lines(table) {
		found := strings.Fields(line)
		if len(found) < begins || !slices.Equal(found[:begins], words[:begins]) {
			continue
		}
		for _, w := range words[begins:] {
			if !slices.Contains(found[begins:], w) {
				t.Errorf("no %q in the line %q", w, line)
			}
		}
		return
	}
	t.Errorf("no line %q in:\n%s", words[:begins], table)
}

// checkLive describes a group whose two members have a partition each. Nothing of it can be taken away.
func (g toolGroup) checkLive(t *testing.T) {
	offsets := g.run(t, "--describe --group GROUP --offsets")
	wantRow(t, offsets, 3, g.name, twoTopic, "0", "10", "0", "/127.0.0.1")
	wantRow(t, offsets, 3, g.name, twoTopic, "1", "10", "0", "/127.0.0.1")
	wantRow(t, g.run(t, "--describe --group GROUP --state"), 1, g.name, g.kind.strategy, "Stable", "2")
	contains(t, g.run(t, "--describe --group GROUP --state --verbose"), g.kind.states)
	members := g.run(t, "--describe --group GROUP --members --verbose")
	contains(t, members, "reader-0", "reader-1", twoTopic+":0", twoTopic+":1", g.kind.members)
	contains(t, g.run(t, "--describe --group GROUP --members"), "#PARTITIONS", "reader-0", "reader-1")
	wantRow(t, g.run(t, "--list --state stable --type "+g.kind.name), 1, g.name, g.kind.name, "Stable")

	contains(t, g.run(t, "--reset-offsets --group GROUP --to-earliest --topic grouped --execute"), "is inactive, but the current state is Stable.")
	contains(t, g.run(t, "--delete --group GROUP"), "GroupNotEmptyException")
	contains(t, g.run(t, "--delete-offsets --group GROUP --topic grouped"), "GroupSubscribedToTopicException")
	g.wantCommitted(t, g.name, at(10, 10))
}

// checkListed lists and describes groups that their members have left.
func (g toolGroup) checkListed(t *testing.T) {
	for filter, listed := range map[string]bool{
		"--type": true, "--state": true, "--state empty": true, "--state Empty,Stable --type": true, "--type " + strings.ToLower(g.kind.name): true,
		"--state stable": false, "--state --type " + g.kind.otherType: false,
	} {
		out := g.run(t, "--list "+filter)
		if slices.Contains(strings.Fields(out), g.name) != listed {
			t.Errorf("is %s listed by %s? want %v\n%s", g.name, filter, listed, out)
		}
	}
	wantRow(t, g.run(t, "--list --type --state"), 1, g.other, g.kind.name, "Empty")
	both := g.run(t, "--describe --group GROUP --group OTHER --verbose")
	wantRow(t, both, 3, g.name, twoTopic, "1", "10", "0", "-")
	wantRow(t, both, 3, g.other, oneTopic, "0", "10", "0", "-")
	states := g.run(t, "--describe --all-groups --state")
	wantRow(t, states, 1, g.name, "Empty", "0")
	wantRow(t, states, 1, g.other, "Empty", "0")
}

// checkResets resets the offsets of a group in each way, one after the other.
func (g toolGroup) checkResets(t *testing.T) {
	for _, step := range []struct {
		args string
		want map[string]int64
	}{
		{"--topic grouped --to-earliest --execute", at(0, 0)},
		{"--topic grouped --to-latest --execute", at(10, 10)},
		{"--topic grouped --to-earliest --dry-run", at(10, 10)},
		{"--topic grouped --to-earliest", at(10, 10)},
		{"--topic grouped:1 --to-offset 4 --execute", at(10, 4)},
		{"--topic grouped:0,1 --to-offset 6 --execute", at(6, 6)},
		{"--topic grouped:0 --topic grouped:1 --to-offset 99 --execute", at(10, 10)},
		{"--topic grouped --shift-by -3 --execute", at(7, 7)},
		{"--topic grouped:0 --shift-by 2 --execute", at(9, 7)},
		{"--topic grouped:0 --shift-by -99 --execute", at(0, 7)},
		{"--all-topics --to-current --execute", at(0, 7)},
		{"--topic grouped --by-duration PT1H --execute", at(5, 5)},
		{"--topic grouped --by-duration P1D --execute", at(0, 0)},
		{"--topic grouped --to-datetime " + g.start.Add(2500*time.Millisecond).UTC().Format("2006-01-02T15:04:05.000Z") + " --execute", at(3, 3)},
		{"--topic grouped --to-datetime 2099-01-01T00:00:00.000 --execute", at(10, 10)},
		{"--all-topics --to-offset 2 --execute", at(2, 2)},
		{"--topic grouped-too --topic grouped:0 --to-offset 1 --execute", map[string]int64{"grouped:0": 1, "grouped:1": 2, "grouped-too:0": 1}},
	} {
		g.run(t, "--reset-offsets --group GROUP "+step.args)
		g.wantCommitted(t, g.name, step.want)
	}
}

// checkFiles writes out what a reset would do, for one group and for several, and resets to what was written.
func (g toolGroup) checkFiles(t *testing.T) {
	one, all := filepath.Join(t.TempDir(), "one.csv"), filepath.Join(t.TempDir(), "all.csv")
	write := func(file, content string) {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	exported := g.run(t, "--reset-offsets --group GROUP --topic grouped --to-offset 8 --export --dry-run")
	contains(t, exported, "grouped,0,8\n", "grouped,1,8\n")
	write(one, exported)
	several := g.run(t, "--reset-offsets --all-groups --all-topics --to-offset 3 --export --dry-run")
	contains(t, several, g.name+",grouped,0,3\n", g.name+",grouped,1,3\n", g.name+",grouped-too,0,3\n", g.other+",grouped-too,0,3\n")
	write(all, several)

	g.run(t, "--reset-offsets --group GROUP --from-file "+one+" --dry-run")
	g.wantCommitted(t, g.name, map[string]int64{"grouped:0": 1, "grouped:1": 2, "grouped-too:0": 1})
	g.run(t, "--reset-offsets --group GROUP --from-file "+one+" --execute")
	g.wantCommitted(t, g.name, map[string]int64{"grouped:0": 8, "grouped:1": 8, "grouped-too:0": 1})
	g.run(t, "--reset-offsets --group GROUP --group OTHER --from-file "+all+" --execute")
	g.wantCommitted(t, g.name, map[string]int64{"grouped:0": 3, "grouped:1": 3, "grouped-too:0": 3})
	g.wantCommitted(t, g.other, map[string]int64{"grouped-too:0": 3})
	g.run(t, "--reset-offsets --all-groups --all-topics --to-latest --execute")
	g.wantCommitted(t, g.name, map[string]int64{"grouped:0": 10, "grouped:1": 10, "grouped-too:0": 10})
	g.wantCommitted(t, g.other, map[string]int64{"grouped-too:0": 10})
}

// checkDeleted deletes offsets, of a partition and of a topic, and then the groups.
func (g toolGroup) checkDeleted(t *testing.T) {
	out := g.run(t, "--delete-offsets --group GROUP --topic grouped:1 --topic grouped-too")
	wantRow(t, out, 2, twoTopic, "1", "Successful")
	wantRow(t, out, 2, oneTopic, "0", "Successful")
	g.wantCommitted(t, g.name, map[string]int64{"grouped:0": 10})
	contains(t, g.run(t, "--delete --group GROUP --group "+g.name+"-never"), "GroupIdNotFoundException", "These consumer groups were deleted successfully: '"+g.name+"'")
	contains(t, g.run(t, "--delete --all-groups"), "('"+g.other+"') was successful.")
	if left := strings.Fields(g.run(t, "--list")); len(left) > 0 {
		t.Errorf("groups %q are left", left)
	}
}
