package group

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/wire"
)

// kafkaMaxAppend is what max.message.bytes of Apache Kafka's default, 1048588 bytes, leaves for records.
const kafkaMaxAppend = 1_048_588 - 61

// javaAssignment is what Apache Kafka's Java clients make of one partition of a topic with a name of 20 characters, in bytes.
const javaAssignment = 40

// javaSubscription is a subscription to n topics with names of 20 characters whose member owns a partition. It is as large as that of
// CooperativeStickyAssignor of Apache Kafka 4.3.1's Java client, the largest of those that come with it: 54 bytes and 22 for each topic.
func javaSubscription(n int) []byte {
	var topics []string
	for i := range n {
		topics = append(topics, fmt.Sprintf("orders-by-region-%03d", i))
	}
	s := subscription(topics...)
	return append(s, make([]byte, 54+22*n-len(s))...)
}

// largeGroup has a thousand members with a client id and a member id as long as Java's.
func largeGroup(t *testing.T, cfg Config, topics int) (*harness, []*client) {
	t.Helper()
	h := newHarness(t, cfg)
	clients := make([]*client, 1000)
	for i := range clients {
		c := h.client(fmt.Sprintf("consumer-team-%d-00000000-0000-0000-0000-%010d", i, i))
		c.protocols = []kmsg.JoinGroupRequestProtocol{{Name: "cooperative-sticky", Metadata: javaSubscription(topics)}}
		clients[i] = c
	}
	return h, clients
}

// synced has all members join and sync, the leader last, and returns what it is told.
func synced(h *harness, clients []*client) int16 {
	h.t.Helper()
	tickets := make([]uint64, len(clients))
	for i, c := range clients {
		tickets[i] = c.join()
	}
	h.pass(testConfig().InitialRebalanceDelay)
	assignment := string(bytes.Repeat([]byte{7}, javaAssignment))
	var pairs []string
	for i, c := range clients {
		if r := c.joined(tickets[i]); r.ErrorCode != wire.None {
			h.t.Fatalf("%s cannot join: %s", c.name, wire.CodeName(r.ErrorCode))
		}
		pairs = append(pairs, c.id, assignment)
	}
	for _, c := range clients[1:] {
		c.sync()
	}
	return h.reply(clients[0].sync(pairs...)).Code
}

func largeConfig() Config {
	cfg := testConfig()
	cfg.MaxSize, cfg.MaxAppendBytes, cfg.InitialRebalanceDelay = 1000, kafkaMaxAppend, 0
	return cfg
}

// A group is one record. With a thousand members that read a thousand partitions it fits a batch of Apache Kafka's default size, in one
// topic and in thirty.
func TestAThousandMembersFitTheLog(t *testing.T) {
	for _, topics := range []int{1, 10, 30} {
		h, clients := largeGroup(t, largeConfig(), topics)
		expectCode(t, fmt.Sprint(topics, " topics"), synced(h, clients), wire.None)
		record := h.log[len(h.log)-1].Record
		if size := record.Size(); size < 1000*(54+22*topics+javaAssignment) {
			t.Fatalf("%d topics: the record has %d bytes, less than its subscriptions and assignments", topics, size)
		}
		h.reload(largeConfig())
		if g := h.m.groups["g"]; g == nil || len(g.members) != 1000 || g.state != Stable {
			t.Fatalf("%d topics: the group is not there after a restart", topics)
		}
	}
}

// What does not fit is refused as Apache Kafka does, until max.message.bytes of __consumer_offsets is raised: at once, without a restart.
func TestALargerGroupNeedsLargerBatches(t *testing.T) {
	h, clients := largeGroup(t, largeConfig(), 60)
	expectCode(t, "60 topics", synced(h, clients), wire.UnknownServerError)
	h.expectTrouble("g", "store 1000 members: ")
	expectCode(t, "resize", h.reply(h.ask(SetMaxAppend{Bytes: 2 * kafkaMaxAppend})).Code, wire.None)
	expectCode(t, "60 topics", synced(h, clients), wire.None)
	if got := h.state(); got != "Stable" {
		t.Fatalf("state = %s", got)
	}
}
