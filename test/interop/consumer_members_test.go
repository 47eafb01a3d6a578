//go:build interop

package interop

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/test/harness"
)

// crew is a group of consumers of several libraries, and a producer that they read from.
type crew struct {
	*harness.Broker
	topic, group string
	partitions   int
	asker        *kgo.Client
	client       *kadm.Client

	mu sync.Mutex
	// acknowledged counts the records of the producer, by partition; read has who has read which offset, and how often.
	acknowledged map[int32]int64
	read         map[place64]map[string]int
	counts       map[string]int
}

type place64 struct {
	partition int32
	offset    int64
}

func newCrew(t *testing.T, b *harness.Broker, group string, partitions int) *crew {
	t.Helper()
	asker := franzClient(t, franzSASL(t, b, "SCRAM-SHA-512")...)
	c := &crew{
		Broker: b, topic: "read-by-" + group, group: group, partitions: partitions,
		asker: asker, client: kadm.NewClient(asker),
		acknowledged: map[int32]int64{}, read: map[place64]map[string]int{}, counts: map[string]int{},
	}
	createTopic(t, b, c.topic, partitions)
	return c
}

// produce writes a record to each partition now and then, over all restarts of the broker, until the function that it returns is called.
func (c *crew) produce(t *testing.T) (stop func()) {
	t.Helper()
	client := franzClient(t, append(franzSASL(t, c.Broker, "SCRAM-SHA-512"), kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for ctx.Err() == nil {
			for p := range c.partitions {
				client.Produce(context.Background(), &kgo.Record{Topic: c.topic, Partition: int32(p), Value: []byte("v")}, c.acknowledge)
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
			}
		}
		if err := client.Flush(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return func() {
		cancel()
		running.Wait()
	}
}

func (c *crew) acknowledge(r *kgo.Record, err error) {
	if err != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.acknowledged[r.Partition] = max(c.acknowledged[r.Partition], r.Offset+1)
}

// take notes that a member has read a record.
func (c *crew) take(member string, partition int32, offset int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := place64{partition, offset}
	if c.read[at] == nil {
		c.read[at] = map[string]int{}
	}
	c.read[at][member]++
	c.counts[member]++
}

func (c *crew) count(member string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.counts[member]
}

// state is how many records each member has read.
func (c *crew) state() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return fmt.Sprintf("%d are acknowledged, read were %v", c.acknowledged, c.counts)
}

// line takes a line of VerifiableConsumer, and of ours in Python.
func (c *crew) line(member string) func([]byte) {
	return func(text []byte) {
		var event struct {
			Name, Exception string
			Partition       int32
			Offset          int64
		}
		if err := json.Unmarshal(text, &event); err != nil {
			return
		}
		if event.Name == "record_data" {
			c.take(member, event.Partition, event.Offset)
		}
	}
}

// A member is started with the protocol "classic" or "consumer"; what is returned makes it leave.

func franzMember(t *testing.T, c *crew, name, protocol string) func() {
	t.Helper()
	opts := append(franzSASL(t, c.Broker, "SCRAM-SHA-512"),
		kgo.ConsumerGroup(c.group), kgo.ConsumeTopics(c.topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.AutoCommitInterval(200*time.Millisecond), kgo.Balancers(kgo.RangeBalancer()), kgo.SessionTimeout(10*time.Second),
		kgo.HeartbeatInterval(500*time.Millisecond))
	if protocol == "consumer" {
		opts = append(opts, kgo.ServerSideBalancer())
	}
	client := franzClient(t, opts...)
	ctx, cancel := context.WithCancel(context.Background())
	var reading sync.WaitGroup
	reading.Go(func() {
		for ctx.Err() == nil {
			client.PollFetches(ctx).EachRecord(func(r *kgo.Record) { c.take(name, r.Partition, r.Offset) })
		}
		client.Close()
	})
	return func() {
		cancel()
		reading.Wait()
	}
}

func javaMember(t *testing.T, c *crew, name, protocol string) func() {
	t.Helper()
	config, err := os.ReadFile(c.ClientProperties())
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "consumer.properties")
	config = append(config, "\nreconnect.backoff.max.ms=200\nauto.commit.interval.ms=200\nclient.id="+name+"\n"...)
	if err := os.WriteFile(file, config, 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{
		"--bootstrap-server", c.Bootstrap(), "--topic", c.topic, "--group-id", c.group, "--group-protocol", protocol,
		"--enable-autocommit", "--verbose", "--command-config", file,
	}
	if protocol == "classic" {
		args = append(args, "--session-timeout", "10000")
	}
	p := harness.StartProcess(t, c.line(name), "java", harness.JavaArgs(t, []string{"-Xmx128m"}, "org.apache.kafka.tools.VerifiableConsumer", args...)...)
	return func() { p.Stop(t) }
}

func confluentMember(t *testing.T, c *crew, name, protocol string) func() {
	t.Helper()
	user, password := c.Admin(t)
	p := harness.StartPython(t, c.line(name), "load_confluent.py", "group", c.Bootstrap(), c.CA(), user, password, c.topic, c.group, protocol)
	return func() { p.Stop(t) }
}

// waitShared waits until so many members of the consumer group have their share of the partitions each.
func (c *crew) waitShared(t *testing.T, members int) {
	t.Helper()
	waitSeeing(t, fmt.Sprintf("%d members with %d partitions each", members, c.partitions/members), func() (string, bool) {
		d := c.describe(t)
		if d == nil {
			return "it is no consumer group", false
		}
		state, shared := fmt.Sprintf("%s in epoch %d of %d:", d.State, d.AssignmentEpoch, d.Epoch), d.State == "Stable" && len(d.Members) == members
		for _, m := range d.Members {
			n := partitionsIn(m.Assignment)
			state += fmt.Sprintf(" %s (%s) in epoch %d has %d of %d;", m.MemberID, m.ClientID, m.MemberEpoch, n, partitionsIn(m.TargetAssignment))
			shared = shared && n == c.partitions/members
		}
		return state, shared
	})
}

func partitionsIn(a kmsg.Assignment) (n int) {
	for _, topic := range a.TopicPartitions {
		n += len(topic.Partitions)
	}
	return n
}

// describe describes the group as one of the consumer protocol; nil where it is none, or nobody can tell.
func (c *crew) describe(t *testing.T) *kmsg.ConsumerGroupDescribeResponseGroup {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	q := kmsg.NewPtrConsumerGroupDescribeRequest()
	q.Groups = []string{c.group}
	r, err := q.RequestWith(ctx, c.asker)
	if err != nil || len(r.Groups) != 1 || r.Groups[0].ErrorCode != 0 {
		return nil
	}
	return &r.Groups[0]
}

// waitReads waits until each of the members has read something more.
func (c *crew) waitReads(t *testing.T, members ...string) {
	t.Helper()
	for _, name := range members {
		before := c.count(name)
		waitSeeing(t, name+" to read on", func() (string, bool) { return c.state(), c.count(name) > before })
	}
}

// checkAllRead wants every acknowledged record to have been read, and committed.
func (c *crew) checkAllRead(t *testing.T) {
	t.Helper()
	c.mu.Lock()
	ends := map[int32]int64{}
	for p, n := range c.acknowledged {
		ends[p] = n
	}
	c.mu.Unlock()
	waitSeeing(t, "everything to be read and committed", func() (string, bool) {
		offsets, err := c.client.FetchOffsets(context.Background(), c.group)
		if err != nil {
			return err.Error(), false
		}
		state, all := c.state(), true
		for p := range int32(c.partitions) {
			o, found := offsets.Lookup(c.topic, p)
			all = all && (ends[p] == 0 || found && o.At >= ends[p])
			state += fmt.Sprintf("; partition %d is committed to %d of %d", p, o.At, ends[p])
		}
		return state, all
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	lost, twice := 0, 0
	for p, end := range ends {
		for offset := range end {
			switch readers := c.read[place64{p, offset}]; {
			case len(readers) == 0:
				lost++
			case len(readers) > 1:
				twice++
			}
		}
	}
	t.Logf("%v records, read by %v; %d by more than one", ends, c.counts, twice)
	if lost > 0 {
		t.Errorf("%d acknowledged records were read by nobody, and are committed", lost)
	}
}
