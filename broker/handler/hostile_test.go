package handler

import (
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/limit"
	"github.com/chronik-stream/chronik/broker/wire"
)

// repeated is how often these tests name the same thing: enough to tell an answer that grows with it.
const repeated = 20_000

// allocated is how many bytes run allocates.
func allocated(run func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	run()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func TestFetchOfOnePartitionManyTimes(t *testing.T) {
	withRecords(t, func(t *testing.T, b *recordsBroker) {
		b.fill(2)
		for _, version := range []int16{4, 12, 18} {
			topic := fetchOf("t", 1, 0, 0)
			small := topic.Partitions[0]
			small.PartitionMaxBytes = 1
			for range repeated {
				topic.Partitions = append(topic.Partitions, small)
			}
			topic.Partitions[repeated].FetchOffset = 10
			q := fetchRequest(0, topic, topic)
			var p *kmsg.FetchResponseTopicPartition
			bytes := allocated(func() { p = one(t, b.fetch(q, version)) })
			if p.ErrorCode != wire.None || len(p.RecordBatches) == 0 {
				t.Errorf("version %d: %s, %d bytes", version, wire.CodeName(p.ErrorCode), len(p.RecordBatches))
			}
			if bytes > 2*repeated*1000 {
				t.Errorf("version %d: %d bytes allocated for %d partitions", version, bytes, 2*repeated)
			}
		}
	})
}

func TestFetchForMoreThanItMayHave(t *testing.T) {
	withRecords(t, func(t *testing.T, b *recordsBroker) {
		size := b.fill(3)
		q := fetchRequest(time.Hour, fetchOf("t", 1, 0, 0))
		q.MinBytes, q.MaxBytes = math.MaxInt32, int32(2*size)
		began := time.Now()
		if p := one(t, b.fetch(q, 12)); len(p.RecordBatches) != 2*size || time.Since(began) > 0 {
			t.Errorf("%d bytes of %d after %s", len(p.RecordBatches), 2*size, time.Since(began))
		}
		q = fetchRequest(0, fetchOf("t", 1, 0, 30))
		q.MaxWaitMillis = math.MaxInt32
		if one(t, b.fetch(q, 12)); time.Since(began) != limit.FetchWait {
			t.Errorf("it waited %s", time.Since(began))
		}
	})
}

func TestFetchesShareTheirMemory(t *testing.T) {
	withRecords(t, func(t *testing.T, b *recordsBroker) {
		size := b.fill(3)
		fetch := func() (int, func()) {
			row, c, _ := b.call(fetchRequest(time.Hour, fetchOf("t", 1, 0, 0)), 12)
			answer := row.Handle(t.Context(), c)
			return len(one(t, answer.Response.(*kmsg.FetchResponse)).RecordBatches), answer.Sent
		}
		got, sent := fetch()
		if held := b.area.fetched.Load(); got != 3*size || held != int64(got) {
			t.Errorf("%d bytes, %d are held", got, held)
		}
		b.area.fetched.Add(limit.FetchBytes)
		few, fewSent := fetch()
		if few != size {
			t.Errorf("%d bytes while the memory is used up, one batch has %d", few, size)
		}
		fewSent()
		sent()
		if held := b.area.fetched.Load(); held != limit.FetchBytes {
			t.Errorf("%d bytes stay held", held-limit.FetchBytes)
		}
	})
}

func TestOffsetFetchOfOnePartitionManyTimes(t *testing.T) {
	withGroups(t, func(t *testing.T, b *groupBroker) {
		commit := b.commitRequest(8, nil, 7, 0)
		note := strings.Repeat("x", 4000)
		commit.Topics[0].Partitions[0].Metadata = &note
		if code := sendGroup[*kmsg.OffsetCommitResponse](b, commit).Topics[0].Partitions[0].ErrorCode; code != wire.None {
			t.Fatalf("commit: %s", wire.CodeName(code))
		}
		for _, version := range []int16{5, 8, 10} {
			q := kmsg.NewPtrOffsetFetchRequest()
			q.Version, q.Group = version, "g"
			asked := kmsg.NewOffsetFetchRequestGroup()
			asked.Group = "g"
			partitions := append(make([]int32, 1000), 2, 1, 0)
			for range 3 {
				q.Topics = append(q.Topics, kmsg.OffsetFetchRequestTopic{Topic: "t", Partitions: partitions})
				asked.Topics = append(asked.Topics, kmsg.OffsetFetchRequestGroupTopic{Topic: "t", TopicID: [16]byte{1}, Partitions: partitions})
			}
			q.Groups = append(q.Groups, asked)
			resp := sendGroup[*kmsg.OffsetFetchResponse](b, q)
			var got []string
			if version < fetchMany {
				for _, topic := range resp.Topics {
					for _, p := range topic.Partitions {
						got = append(got, fmt.Sprintf("%d:%d", p.Partition, p.Offset))
					}
				}
			} else {
				for _, topic := range resp.Groups[0].Topics {
					for _, p := range topic.Partitions {
						got = append(got, fmt.Sprintf("%d:%d", p.Partition, p.Offset))
					}
				}
			}
			if fmt.Sprint(got) != "[0:7 2:-1 1:-1]" {
				t.Errorf("version %d: %d partitions", version, len(got))
			}
		}
	})
}

func TestListGroupsWithAFilterBeyondReason(t *testing.T) {
	withGroups(t, func(t *testing.T, b *groupBroker) {
		for _, fill := range []func(*kmsg.ListGroupsRequest, []string){
			func(q *kmsg.ListGroupsRequest, f []string) { q.StatesFilter = f },
			func(q *kmsg.ListGroupsRequest, f []string) { q.TypesFilter = f },
		} {
			q := kmsg.NewPtrListGroupsRequest()
			q.Version = 5
			fill(q, make([]string, groupFilters+1))
			if code := sendGroup[*kmsg.ListGroupsResponse](b, q).ErrorCode; code != wire.InvalidRequest {
				t.Errorf("%d filters: %s", groupFilters+1, wire.CodeName(code))
			}
			fill(q, make([]string, groupFilters))
			if code := sendGroup[*kmsg.ListGroupsResponse](b, q).ErrorCode; code != wire.None {
				t.Errorf("%d filters: %s", groupFilters, wire.CodeName(code))
			}
		}
	})
}

// TestQuestionsCostLittle: what a request of names makes of the authorizer's questions is bounded by its names, whatever else it asks.
func TestQuestionsCostLittle(t *testing.T) {
	b := newTopicBroker(t)
	names := make([]string, repeated)
	for i := range names {
		names[i] = fmt.Sprintf("t%d", i)
	}
	plain := aboutTopics(names...)
	withOperations := aboutTopics(names...)
	withOperations.IncludeTopicAuthorizedOperations = true
	described := kmsg.NewPtrDescribeTopicPartitionsRequest()
	described.ResponsePartitionLimit = 1
	for _, name := range names {
		topic := kmsg.NewDescribeTopicPartitionsRequestTopic()
		topic.Topic = name
		described.Topics = append(described.Topics, topic)
	}
	base := allocated(func() { sendTopic[*kmsg.MetadataResponse](b, "eve", 9, plain) })
	if got := allocated(func() { sendTopic[*kmsg.MetadataResponse](b, "eve", 9, withOperations) }); got > 2*base {
		t.Errorf("Metadata with authorized operations: %d bytes for %d names, %d without", got, repeated, base)
	}
	if got := allocated(func() { sendTopic[*kmsg.DescribeTopicPartitionsResponse](b, "eve", 0, described) }); got > 2*base {
		t.Errorf("DescribeTopicPartitions: %d bytes for %d names, Metadata takes %d", got, repeated, base)
	}
}

// TestTheDigestOfARequestTellsNoPassword: whoever reads the audit log could try passwords on a digest of one.
func TestTheDigestOfARequestTellsNoPassword(t *testing.T) {
	digest := func(user, salted string) string {
		q := kmsg.NewPtrAlterUserSCRAMCredentialsRequest()
		one := kmsg.NewAlterUserSCRAMCredentialsRequestUpsertion()
		one.Name, one.Mechanism, one.Iterations, one.Salt, one.SaltedPassword = user, 2, 4096, []byte("salt"), []byte(salted)
		q.Upsertions = append(q.Upsertions, one)
		d := originOf(&api.Call{Key: q.Key(), Request: q}).Digest
		if string(q.Upsertions[0].SaltedPassword) != salted {
			t.Fatal("the request has changed")
		}
		return d
	}
	if digest("u", "one") != digest("u", "two") {
		t.Error("the digest depends on the password")
	}
	if digest("u", "one") == digest("v", "one") {
		t.Error("the digest does not depend on the user")
	}
}

func TestDescribeConfigsOfOneResourceManyTimes(t *testing.T) {
	b := newConfigsBench(t)
	q := kmsg.NewPtrDescribeConfigsRequest()
	for range 100 {
		for _, name := range []string{"", "1"} {
			r := kmsg.NewDescribeConfigsRequestResource()
			r.ResourceType, r.ResourceName = kmsg.ConfigResourceTypeBroker, name
			q.Resources = append(q.Resources, r)
		}
	}
	for i, r := range b.ask(t, q).(*kmsg.DescribeConfigsResponse).Resources {
		if again := i >= 2; again != (r.ErrorCode == wire.InvalidRequest) || again && len(r.Configs) > 0 {
			t.Fatalf("resource %d: %s with %d entries", i, wire.CodeName(r.ErrorCode), len(r.Configs))
		}
	}
}

func TestListOffsetsOfOnePartitionTwice(t *testing.T) {
	withRecords(t, func(t *testing.T, b *recordsBroker) {
		b.fill(1)
		q := kmsg.NewPtrListOffsetsRequest()
		topic := kmsg.NewListOffsetsRequestTopic()
		topic.Topic = "t"
		for _, index := range []int32{0, 1, 0} {
			p := kmsg.NewListOffsetsRequestTopicPartition()
			p.Partition, p.Timestamp, p.CurrentLeaderEpoch = index, recordsTime.UnixMilli(), -1
			topic.Partitions = append(topic.Partitions, p)
		}
		q.Topics = append(q.Topics, topic)
		for i, p := range b.send(q, 5).(*kmsg.ListOffsetsResponse).Topics[0].Partitions {
			if twice := p.Partition == 0; twice != (p.ErrorCode == wire.InvalidRequest) {
				t.Errorf("answer %d, partition %d: %s", i, p.Partition, wire.CodeName(p.ErrorCode))
			}
		}
	})
}
