package handler

import (
	"math"
	"runtime"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/wire"
)

// What a request costs beyond its own size must not be its longest name times its partitions.
const (
	longNameBytes = 30_000
	manyParts     = 5_000
	// mostBytes is far above what requests, answers and bookkeeping take, and far below longNameBytes times manyParts.
	mostBytes = longNameBytes * manyParts / 10
)

// costs is how many bytes the handling of a request allocates, and the answer. The counter is that of the whole process: what others
// allocate meanwhile adds to it, so the least of some rounds counts.
func (b *recordsBroker) costs(q kmsg.Request, version int16) (bytes uint64, resp kmsg.Response) {
	const rounds = 5
	bytes = math.MaxUint64
	for range rounds {
		row, c, refused := b.call(q, version)
		if refused != nil {
			b.t.Fatalf("refused for %v", refused)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		answer := row.Handle(b.t.Context(), c)
		runtime.ReadMemStats(&after)
		bytes, resp = min(bytes, after.TotalAlloc-before.TotalAlloc), answer.Response
		if bytes <= mostBytes {
			break
		}
	}
	return bytes, resp
}

// TestLongNamesAreLookedAtOncePerTopic: for who may do something with the topic, and for who may not.
func TestLongNamesAreLookedAtOncePerTopic(t *testing.T) {
	name := strings.Repeat("n", longNameBytes)
	for who, want := range map[string]struct {
		rules groupGrants
		code  int16
	}{
		"anybody": {groupGrants{}, wire.TopicAuthorizationFailed},
		"alice":   {groupGrants{"*"}, wire.UnknownTopicOrPartition},
	} {
		withRecords(t, func(t *testing.T, b *recordsBroker) {
			b.area.Changes = &changeLog{}
			b.rules = want.rules
			bytes, resp := b.costs(deleteRequest(name, make([]int64, manyParts)...), 2)
			parts := resp.(*kmsg.DeleteRecordsResponse).Topics[0].Partitions
			if last := parts[len(parts)-1]; bytes > mostBytes || len(parts) != manyParts || last.ErrorCode != want.code {
				t.Errorf("%s, DeleteRecords: %d bytes, %d answers, error %d", who, bytes, len(parts), last.ErrorCode)
			}

			q := kmsg.NewPtrListOffsetsRequest()
			q.Topics = append(q.Topics, kmsg.ListOffsetsRequestTopic{Topic: name})
			for p := range int32(manyParts) {
				q.Topics[0].Partitions = append(q.Topics[0].Partitions, kmsg.ListOffsetsRequestTopicPartition{Partition: p, Timestamp: -1})
			}
			bytes, resp = b.costs(q, 7)
			found := resp.(*kmsg.ListOffsetsResponse).Topics[0].Partitions
			if last := found[len(found)-1]; bytes > mostBytes || len(found) != manyParts || last.ErrorCode != want.code {
				t.Errorf("%s, ListOffsets: %d bytes, %d answers, error %d", who, bytes, len(found), last.ErrorCode)
			}
		})
	}
}

func TestLongDirectoriesAreLookedForOnce(t *testing.T) {
	withRecords(t, func(t *testing.T, b *recordsBroker) {
		area := &Directories{Replicas: b.set, Changes: &changeLog{}}
		for _, row := range area.Rows() {
			b.rows[row.Key] = row
		}
		q := kmsg.NewPtrAlterReplicaLogDirsRequest()
		q.Dirs = []kmsg.AlterReplicaLogDirsRequestDir{{
			Dir:    "/" + strings.Repeat("d/", longNameBytes/2),
			Topics: []kmsg.AlterReplicaLogDirsRequestDirTopic{{Topic: "t", Partitions: make([]int32, manyParts)}},
		}}
		bytes, resp := b.costs(q, 2)
		parts := resp.(*kmsg.AlterReplicaLogDirsResponse).Topics[0].Partitions
		if last := parts[len(parts)-1]; bytes > mostBytes || len(parts) != manyParts || last.ErrorCode != wire.LogDirNotFound {
			t.Errorf("%d bytes, %d answers, error %d", bytes, len(parts), last.ErrorCode)
		}
	})
}

func TestMovesAreAnsweredOneByOne(t *testing.T) {
	withRecords(t, func(t *testing.T, b *recordsBroker) {
		log := &changeLog{}
		area := &Directories{Replicas: b.set, Changes: log}
		for _, row := range area.Rows() {
			b.rows[row.Key] = row
		}
		topic := func(name string, parts ...int32) []kmsg.AlterReplicaLogDirsRequestDirTopic {
			return []kmsg.AlterReplicaLogDirsRequestDirTopic{{Topic: name, Partitions: parts}}
		}
		q := kmsg.NewPtrAlterReplicaLogDirsRequest()
		q.Dirs = []kmsg.AlterReplicaLogDirsRequestDir{
			{Dir: "/elsewhere", Topics: topic("t", 0)}, {Dir: "/data", Topics: topic("t", 1, 7)}, {Dir: "/data", Topics: topic("u", 0)},
		}
		var got []int16
		for _, one := range b.send(q, 2).(*kmsg.AlterReplicaLogDirsResponse).Topics {
			for _, p := range one.Partitions {
				got = append(got, p.ErrorCode)
			}
		}
		want := []int16{wire.LogDirNotFound, wire.None, wire.UnknownTopicOrPartition, wire.None}
		if len(got) != len(want) {
			t.Fatalf("%v", got)
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("answer %d is %d, not %d", i, got[i], want[i])
			}
		}
		if len(log.intents) != 2 || len(log.outcomes) != 2 || log.outcomes[0].After["1"] != "/data" {
			t.Errorf("recorded %v and then %v", log.intents, log.outcomes)
		}
	})
}
