package group

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"

	"github.com/chronik-stream/chronik/broker/coordinator"
	"github.com/chronik-stream/chronik/broker/group/consumerlog"
	"github.com/chronik-stream/chronik/broker/wire"
)

// TestAnyLogIsServed replays logs of well-formed records with any contents, as they may be after a compaction, a downgrade, or a fault of
// another broker, and then does what clients do.
func TestAnyLogIsServed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := newHarness(t, testConfig())
		h.topics = topicsOf(1, map[string]int32{"t1": 4, "t2": 4})
		for range rapid.IntRange(1, 15).Draw(t, "records") {
			h.log = append(h.log, anyEntry(t))
		}
		h.reload(testConfig())
		h.useAll()
		h.reload(testConfig())
		h.useAll()
		h.step(Failed{Code: wire.NotCoordinator})
		for ticket := uint64(1); ticket <= h.ticket; ticket++ {
			if h.parked(ticket) {
				t.Fatalf("ticket %d was never answered", ticket)
			}
		}
	})
}

func anyEntry(t *rapid.T) Entry {
	if rapid.IntRange(0, 9).Draw(t, "marker") == 0 {
		return Entry{Marker: &coordinator.Marker{ProducerID: anyProducer(t), Commit: rapid.Bool().Draw(t, "commit")}}
	}
	e := Entry{Record: anyModernRecord(t)}
	switch rapid.IntRange(0, 4).Draw(t, "kind") {
	case 0:
		e.Record = anyClassicRecord(t)
	case 1:
		e.Record = anyOffsetRecord(t)
		if e.Transactional = rapid.Bool().Draw(t, "transactional"); e.Transactional {
			e.ProducerID = anyProducer(t)
		}
	}
	if rapid.IntRange(0, 5).Draw(t, "tombstone") == 0 {
		e.Value = nil
	}
	return e
}

func anyProducer(t *rapid.T) int64 { return rapid.Int64Range(-1, 2).Draw(t, "producer") }

func anyOf(t *rapid.T, what string, values ...string) string {
	return rapid.SampledFrom(values).Draw(t, what)
}

// anyNumber is an epoch, a generation, a time or a partition.
func anyNumber(t *rapid.T, what string) int32 {
	return rapid.OneOf(rapid.Int32Range(-2, 6), rapid.Int32()).Draw(t, what)
}

func anyGroup(t *rapid.T) string  { return anyOf(t, "group", "g", "h", "") }
func anyMember(t *rapid.T) string { return anyOf(t, "member", "a", "b", "c", "") }

func anyInstance(t *rapid.T) *string {
	if id := anyOf(t, "instance", "none", "i", "j"); id != "none" {
		return &id
	}
	return nil
}

func anySubscription(t *rapid.T) []byte {
	if rapid.IntRange(0, 4).Draw(t, "malformed") == 0 {
		return rapid.SliceOfN(rapid.Byte(), 0, 12).Draw(t, "subscription")
	}
	return owning("range", anyPartitions(t)...)[0].Metadata
}

func anyPartitions(t *rapid.T) []int32 {
	list := make([]int32, rapid.IntRange(0, 3).Draw(t, "partitions"))
	for i := range list {
		list[i] = anyNumber(t, "partition")
	}
	return list
}

func anyClassicRecord(t *rapid.T) Record {
	name, leader := anyOf(t, "protocol", "range", "stream"), anyMember(t)
	value := kmsg.GroupMetadataValue{
		Version: rapid.Int16Range(0, 4).Draw(t, "version"), ProtocolType: anyOf(t, "type", "consumer", "connect", ""),
		Generation: anyNumber(t, "generation"), Leader: &leader, CurrentStateTimestamp: int64(anyNumber(t, "since")),
	}
	if rapid.Bool().Draw(t, "selected") {
		value.Protocol = &name
	}
	for range rapid.IntRange(0, 3).Draw(t, "members") {
		value.Members = append(value.Members, kmsg.GroupMetadataValueMember{
			MemberID: anyMember(t), InstanceID: anyInstance(t),
			RebalanceTimeoutMillis: anyNumber(t, "rebalance"), SessionTimeoutMillis: anyNumber(t, "session"),
			Subscription: anySubscription(t), Assignment: []byte(partitionsOf(anyPartitions(t)...)),
		})
	}
	return Record{Key: groupRecordKey(anyGroup(t)), Value: value.AppendTo(nil)}
}

func anyOffsetRecord(t *rapid.T) Record {
	o := offset{offset: int64(anyNumber(t, "offset")), committed: time.UnixMilli(int64(anyNumber(t, "committed")))}
	return o.record(anyGroup(t), anyOf(t, "topic", "t1", "t2", "gone"), anyNumber(t, "partition"))
}

func anyModernRecord(t *rapid.T) Record {
	g := newModernGroup(anyGroup(t))
	g.epoch, g.assignmentEpoch, g.hash = anyNumber(t, "epoch"), anyNumber(t, "assignment epoch"), int64(anyNumber(t, "hash"))
	mb := newModernMember(anyMember(t))
	mb.place = place{
		anyNumber(t, "member epoch"), anyNumber(t, "previous"), rapid.SampledFrom([]consumerlog.State{
			consumerlog.Stable, consumerlog.Unrevoked, consumerlog.Unreleased, consumerlog.Unknown,
		}).Draw(t, "state"), anyEpochs(t), anyEpochs(t),
	}
	g.target[mb.id] = anyEpochs(t).partitions()
	told := anyTold(t)
	switch rapid.IntRange(0, 5).Draw(t, "record") {
	case 0:
		return g.groupRecord()
	case 1:
		return g.memberRecord(mb.id, &told)
	case 2:
		return g.targetRecord()
	case 3:
		return g.targetMemberRecord(mb.id)
	case 4:
		g.resolved["t.*"] = consumerlog.Regex{Topics: []string{"t2", "t1", "t2"}, Version: int64(anyNumber(t, "version"))}
		return g.regexRecord("t.*")
	default:
		return g.placeRecord(mb)
	}
}

func anyEpochs(t *rapid.T) epochs {
	e := epochs{}
	for _, p := range anyPartitions(t) {
		e.set(idOf(anyOf(t, "topic", "t1", "t2", "gone")), p, anyNumber(t, "epoch"))
	}
	return e
}

func anyTold(t *rapid.T) consumerlog.Member {
	pattern := anyOf(t, "pattern", "", "t.*")
	assignor := anyOf(t, "assignor", "uniform", "range", "unknown")
	told := consumerlog.Member{
		Instance: anyInstance(t), Topics: rapid.SliceOfN(rapid.SampledFrom([]string{"t2", "t1", "gone"}), 0, 3).Draw(t, "topics"),
		Regex: &pattern, RebalanceTimeoutMillis: anyNumber(t, "rebalance"), Assignor: &assignor,
	}
	if rapid.Bool().Draw(t, "classic") {
		told.Classic = &consumerlog.Classic{SessionTimeoutMillis: anyNumber(t, "session")}
		for range rapid.IntRange(0, 2).Draw(t, "protocols") {
			told.Classic.Protocols = append(told.Classic.Protocols, consumerlog.ClassicProtocol{
				Name: anyOf(t, "protocol", "range", "sticky"), Metadata: anySubscription(t),
			})
		}
	}
	return told
}
