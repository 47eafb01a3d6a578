package broker

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/group"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/txn"
	"github.com/chronik-stream/chronik/broker/wire"
)

// leads is a broker whose metadata a test changes as a snapshot of other metadata does: no command moves a leader.
type leads struct {
	*testing.T
	ctx   context.Context
	b     *Broker
	admin *kgo.Client
}

// change gives a partition a leader, in a higher epoch, which it returns.
func (l *leads) change(topic string, partition, leader int32) (epoch int32) {
	l.Helper()
	var image bytes.Buffer
	l.must(l.b.store.Image().WriteSnapshot(&image))
	const head = 6 // magic and version
	rest, changed := image.Bytes()[head:], slices.Clone(image.Bytes()[:head])
	for {
		size := binary.BigEndian.Uint32(rest)
		if size == 0 {
			break
		}
		entry := rest[4 : 4+size]
		rest = rest[4+size:]
		var e struct {
			Topic *meta.Topic `json:"topic,omitempty"`
		}
		l.must(json.Unmarshal(entry, &e))
		if e.Topic != nil && e.Topic.Name == topic {
			p := &e.Topic.Partitions[partition]
			p.Leader = leader
			p.LeaderEpoch++
			p.PartitionEpoch++
			epoch = p.LeaderEpoch
			var err error
			entry, err = json.Marshal(e)
			l.must(err)
		}
		changed = binary.BigEndian.AppendUint32(changed, uint32(len(entry)))
		changed = append(changed, entry...)
	}
	changed = append(changed, 0, 0, 0, 0)
	changed = binary.BigEndian.AppendUint32(changed, crc32.Checksum(changed, crc32.MakeTable(crc32.Castagnoli)))
	l.must(l.b.store.Restore(bytes.NewReader(changed)))
	return epoch
}

func (l *leads) must(err error) {
	l.Helper()
	if err != nil {
		l.Fatal(err)
	}
}

// ask sends a request to the broker whoever leads.
func (l *leads) ask(q kmsg.Request) kmsg.Response {
	l.Helper()
	resp, err := l.admin.Broker(int(l.b.options.NodeID)).Request(l.ctx, q)
	l.must(err)
	return resp
}

// group tells the state of a group and the one offset that it has committed. Both requests have to get the same code.
func (l *leads) group(id string) (state string, offset int64, code int16) {
	l.Helper()
	describe := kmsg.NewPtrDescribeGroupsRequest()
	describe.Groups = []string{id}
	described := l.ask(describe).(*kmsg.DescribeGroupsResponse).Groups[0]
	fetch := kmsg.NewPtrOffsetFetchRequest()
	one := kmsg.NewOffsetFetchRequestGroup()
	one.Group = id
	fetch.Groups = append(fetch.Groups, one)
	fetched := l.ask(fetch).(*kmsg.OffsetFetchResponse).Groups[0]
	if fetched.ErrorCode != described.ErrorCode {
		return "", -1, wire.UnknownServerError
	}
	offset = -1
	if len(fetched.Topics) == 1 {
		offset = fetched.Topics[0].Partitions[0].Offset
	}
	return described.State, offset, described.ErrorCode
}

// transaction tells the state of a transactional id.
func (l *leads) transaction(id string) (state string, code int16) {
	l.Helper()
	q := kmsg.NewPtrDescribeTransactionsRequest()
	q.TransactionalIDs = []string{id}
	told := l.ask(q).(*kmsg.DescribeTransactionsResponse).TransactionStates[0]
	return told.State, told.ErrorCode
}

// eventually waits until something is so: coordinators follow the metadata in a goroutine of their own.
func (l *leads) eventually(what string, so func() bool) {
	l.Helper()
	for !so() {
		select {
		case <-l.ctx.Done():
			l.Fatalf("in vain: %s", what)
		case <-time.After(time.Millisecond):
		}
	}
}

func (l *leads) servesGroup(id string) {
	l.Helper()
	l.eventually("group "+id+" is served", func() bool {
		state, offset, code := l.group(id)
		return state == "Empty" && offset == 7 && code == wire.None
	})
}

func (l *leads) servesTransactions(id string) {
	l.Helper()
	l.eventually("transactional id "+id+" is served", func() bool {
		state, code := l.transaction(id)
		return state == "CompleteCommit" && code == wire.None
	})
}

// elsewhere returns a name whose state another partition keeps than that of the name that is given.
func elsewhere(partitionOf func(string, int32) int32, name string, partitions int32) string {
	other := name
	for partitionOf(other, partitions) == partitionOf(name, partitions) {
		other += "x"
	}
	return other
}

// TestCoordinatorsFollowTheLeaders takes a partition of each kind of coordinator away, which leaves the others alone, and gives it back with
// all that was in it; then it raises the epoch of the leader that stays.
func TestCoordinatorsFollowTheLeaders(t *testing.T) {
	const partitions = 3
	o := testOptions(t.TempDir())
	o.OffsetsTopic.Partitions, o.TransactionTopic.Partitions = partitions, partitions
	format(t, o)
	b := start(t, o)
	defer stop(t, b)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	l := &leads{T: t, ctx: ctx, b: b, admin: client(t, b)}
	defer l.admin.Close()
	admin := kadm.NewClient(l.admin)
	_, err := admin.CreateTopic(ctx, 1, 1, nil, "t")
	l.must(err)
	groups := []string{"g", elsewhere(b.groups.PartitionOf, "g", partitions)}
	ids := []string{"id", elsewhere(b.transactions.PartitionOf, "id", partitions)}
	offsets := kadm.Offsets{}
	offsets.AddOffset("t", 0, 7, -1)
	for i := range groups {
		l.must(admin.CommitAllOffsets(ctx, groups[i], offsets))
		c := transactional(t, b, ids[i])
		transact(ctx, t, c, kgo.TryCommit, ids[i])
		c.Close()
		l.servesGroup(groups[i])
		l.servesTransactions(ids[i])
	}
	ofGroup, ofID := b.groups.PartitionOf("g", partitions), b.transactions.PartitionOf("id", partitions)

	l.change(group.Topic, ofGroup, o.NodeID+1)
	l.eventually("the group is not here", func() bool { _, _, code := l.group("g"); return code == wire.NotCoordinator })
	l.change(txn.Topic, ofID, o.NodeID+1)
	l.eventually("the id is not here", func() bool { _, code := l.transaction("id"); return code == wire.NotCoordinator })
	l.servesGroup(groups[1])
	l.servesTransactions(ids[1])

	l.change(group.Topic, ofGroup, o.NodeID)
	l.servesGroup("g")
	epoch := l.change(txn.Topic, ofID, o.NodeID)
	l.servesTransactions("id")
	l.coordinatedIn(epoch)
	l.change(group.Topic, ofGroup, o.NodeID)
	l.servesGroup("g")
	l.coordinatedIn(l.change(txn.Topic, ofID, o.NodeID))
}

// coordinatedIn ends transactions until the markers say that the coordinator has the leader epoch.
func (l *leads) coordinatedIn(epoch int32) {
	l.Helper()
	c := transactional(l.T, l.b, "id")
	defer c.Close()
	l.eventually("the coordinator has the new epoch", func() bool {
		transact(l.ctx, l.T, c, kgo.TryCommit, "id")
		l.servesTransactions("id")
		all := markers(l.ctx, l.T, l.b)
		const version = 2 // bytes before the coordinator's epoch
		return int32(binary.BigEndian.Uint32(all[len(all)-1].Value[version:])) == epoch
	})
}
