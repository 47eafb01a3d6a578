//go:build interop

package interop

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chronik-stream/chronik/test/harness"
)

// acknowledged are the records that the broker has confirmed and nobody has looked for yet, by offset.
type acknowledged struct {
	mu       sync.Mutex
	byOffset map[int64]string
	total    int
}

func (a *acknowledged) add(offset int64, value string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.byOffset[offset] = value
	a.total++
}

func (a *acknowledged) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.total
}

// take hands over what is to be looked for.
func (a *acknowledged) take() map[int64]string {
	a.mu.Lock()
	defer a.mu.Unlock()
	taken := a.byOffset
	a.byOffset = map[int64]string{}
	return taken
}

// TestSoakKill kills the broker under load and looks for what it had acknowledged: records, ACLs, users, topics, configs,
// groups and offsets. The seed is printed; INTEROP_SEED repeats a run's moments.
func TestSoakKill(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("INTEROP_SEED"); s != "" {
		parsed, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		seed = parsed
	}
	t.Logf("seed %d, %d rounds", seed, killRounds)
	rng := rand.New(rand.NewPCG(seed, 0))

	b := harness.Start(t)
	const topic = "killed"
	createTopic(t, b, topic, 1)
	acked := &acknowledged{byOffset: map[int64]string{}}
	var seen []uint32 // a checksum of each record that was read, by offset
	for round := range killRounds + 1 {
		putMetadata(t, b, round)
		end := b.Kill
		if round == killRounds {
			end = b.Stop // by SIGTERM, which loses nothing either
		}
		produceUntil(t, b, end, topic, round, time.Duration(200+rng.IntN(800))*time.Millisecond, acked)
		b.Run(t)
		checkMetadata(t, b, round)
		seen = checkNewRecords(t, b, topic, seen, acked.take())
	}
	checkUnchanged(t, b, topic, seen)
	checkEffect(t, b, "durable-0")
	if acked.count() == 0 {
		t.Fatal("nothing was acknowledged: the test has shown nothing")
	}
	t.Logf("%d acknowledged records were all there after %d kills", acked.count(), killRounds)
}

func produceUntil(t *testing.T, b *harness.Broker, end func(testing.TB), topic string, round int, after time.Duration, acked *acknowledged) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	client := franzClient(t, append(franzSASL(t, b, "SCRAM-SHA-512"), kgo.ProducerLinger(time.Millisecond))...)
	before := acked.count()
	go func() {
		for i := 0; ctx.Err() == nil; i++ {
			value := fmt.Sprintf("round-%d-record-%d", round, i)
			client.Produce(ctx, &kgo.Record{Topic: topic, Value: []byte(value)}, func(r *kgo.Record, err error) {
				if err == nil {
					acked.add(r.Offset, value)
				}
			})
		}
	}()
	waitFor(t, "an acknowledged record", func() bool { return acked.count() > before })
	<-time.After(after)
	end(t)
	cancel()
	client.Close()
}

func waitFor(t *testing.T, what string, done func() bool) {
	t.Helper()
	deadline := time.NewTimer(time.Minute)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-deadline.C:
			t.Fatalf("waited a minute for %s", what)
		case <-tick.C:
		}
	}
}

// checkNewRecords reads what was not read before, looks for what was acknowledged, and returns the checksums of all.
func checkNewRecords(t *testing.T, b *harness.Broker, topic string, seen []uint32, missing map[int64]string) []uint32 {
	t.Helper()
	for o, v := range missing { // acknowledgements that the client told of only after their round
		if o < int64(len(seen)) && seen[o] == crc32.ChecksumIEEE([]byte(v)) {
			delete(missing, o)
		}
	}
	readFrom(t, b, topic, int64(len(seen)), func(r *kgo.Record) {
		seen = append(seen, crc32.ChecksumIEEE(r.Value))
		if want, was := missing[r.Offset]; was && want != string(r.Value) {
			t.Errorf("offset %d holds %q, acknowledged was %q", r.Offset, r.Value, want)
		}
		delete(missing, r.Offset)
	})
	for o, v := range missing {
		t.Errorf("acknowledged record %q at offset %d is lost, the log ends at %d", v, o, len(seen))
	}
	return seen
}

// checkUnchanged reads everything once more, after the last kill.
func checkUnchanged(t *testing.T, b *harness.Broker, topic string, seen []uint32) {
	t.Helper()
	read := 0
	readFrom(t, b, topic, 0, func(r *kgo.Record) {
		if read < len(seen) && seen[read] != crc32.ChecksumIEEE(r.Value) {
			t.Errorf("offset %d has changed", r.Offset)
		}
		read++
	})
	if read != len(seen) {
		t.Errorf("%d records, there were %d", read, len(seen))
	}
}

// readFrom reads from an offset to the end; offsets have no holes, since nothing is compacted or aborted.
func readFrom(t *testing.T, b *harness.Broker, topic string, next int64, yield func(*kgo.Record)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	from := map[string]map[int32]kgo.Offset{topic: {0: kgo.NewOffset().At(next)}}
	client := franzClient(t, append(franzSASL(t, b, "SCRAM-SHA-512"), kgo.ConsumePartitions(from))...)
	ends, err := kadm.NewClient(client).ListEndOffsets(ctx, topic)
	if err != nil {
		t.Fatal(err)
	}
	end, found := ends.Lookup(topic, 0)
	if !found {
		t.Fatal("the topic is gone")
	}
	for next < end.Offset {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatalf("read at offset %d of %d: %v", next, end.Offset, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if r.Offset != next {
				t.Errorf("offset %d follows %d", r.Offset, next-1)
			}
			next = r.Offset + 1
			yield(r)
		})
	}
}

// putMetadata makes one of each kind of durable thing; checkMetadata looks for those of all rounds so far.
func putMetadata(t *testing.T, b *harness.Broker, round int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	client := kadm.NewClient(franzClient(t, franzSASL(t, b, "SCRAM-SHA-512")...))
	name := fmt.Sprintf("durable-%d", round)
	retention := "12345678"
	must := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	_, err := client.CreateTopic(ctx, 2, 1, map[string]*string{"retention.ms": &retention}, name)
	must("create topic", err)
	acl := kadm.NewACLs().Topics(name).Allow("User:" + name).AllowHosts("*").Operations(kadm.OpRead)
	created, err := client.CreateACLs(ctx, acl)
	must("create ACL", err)
	for _, c := range created {
		must("create ACL", c.Err)
	}
	users, err := client.AlterUserSCRAMs(ctx, nil, []kadm.UpsertSCRAM{{User: name, Mechanism: kadm.ScramSha512, Iterations: 4096, Password: name}})
	must("create user", errors.Join(err, users.Error()))
	offsets := kadm.Offsets{}
	offsets.AddOffset(name, 0, int64(40+round), -1)
	must("commit", client.CommitAllOffsets(ctx, name, offsets))
}

func checkMetadata(t *testing.T, b *harness.Broker, rounds int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	client := kadm.NewClient(franzClient(t, franzSASL(t, b, "SCRAM-SHA-512")...))
	topics, err := client.ListTopics(ctx)
	if err != nil {
		t.Fatal(err)
	}
	users, err := client.DescribeUserSCRAMs(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for round := range rounds + 1 {
		name := fmt.Sprintf("durable-%d", round)
		if got := len(topics[name].Partitions); got != 2 {
			t.Errorf("topic %s has %d partitions, want 2", name, got)
		}
		if _, found := users[name]; !found {
			t.Errorf("user %s is lost", name)
		}
		configs, err := client.DescribeTopicConfigs(ctx, name)
		if err != nil || len(configs) != 1 || !hasConfig(configs[0], "retention.ms", "12345678") {
			t.Errorf("retention.ms of %s is lost (%v)", name, err)
		}
		acls, err := client.DescribeACLs(ctx, kadm.NewACLs().Topics(name).Allow("User:"+name).AllowHosts("*").Operations(kadm.OpRead).ResourcePatternType(kadm.ACLPatternLiteral))
		if err != nil || len(acls) != 1 || len(acls[0].Described) != 1 {
			t.Errorf("ACL of %s is lost (%v)", name, err)
		}
		committed, err := client.FetchOffsets(ctx, name)
		if err != nil {
			t.Errorf("offsets of group %s: %v", name, err)
			continue
		}
		if at, found := committed.Lookup(name, 0); !found || at.At != int64(40+round) {
			t.Errorf("group %s is at %v, want %d", name, at.At, 40+round)
		}
	}
}

// checkEffect logs in as a user from before the kills, who may read the topic of his name and no other.
func checkEffect(t *testing.T, b *harness.Broker, name string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	client := kadm.NewClient(franzClient(t, franzUser(t, b, "SCRAM-SHA-512", name, name)...))
	topics, err := client.ListTopics(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(topics.Names(), []string{name}) {
		t.Errorf("%s sees %q, want its own topic", name, topics.Names())
	}
	groups, err := kadm.NewClient(franzClient(t, franzSASL(t, b, "SCRAM-SHA-512")...)).ListGroups(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, found := groups[name]; !found {
		t.Errorf("group %s is lost", name)
	}
}

func hasConfig(r kadm.ResourceConfig, key, value string) bool {
	for _, c := range r.Configs {
		if c.Key == key && c.MaybeValue() == value {
			return true
		}
	}
	return false
}
