package handler

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/wire"
)

// thousand is how many members share that many partitions.
const thousand = 1000

// expectOnceEach expects that members, of one generation, together hold every partition once.
func expectOnceEach(t *testing.T, when string, held map[string][]int32, members int) {
	t.Helper()
	var all []int32
	for _, partitions := range held {
		all = append(all, partitions...)
	}
	slices.Sort(all)
	if len(held) != members || len(all) != thousand || len(slices.Compact(all)) != thousand {
		t.Fatalf("%s: %d members hold %d partitions", when, len(held), len(all))
	}
}

// classicRound has all members join and sync at the same time, and returns what each is assigned.
func classicRound(b *groupBroker, members []*consumer) map[string][]int32 {
	b.t.Helper()
	var mu sync.Mutex
	var run sync.WaitGroup
	held, generations := map[string][]int32{}, map[int32]bool{}
	for _, c := range members {
		run.Go(func() {
			r := c.join(9)
			if r.ErrorCode != wire.None {
				b.t.Errorf("join: %s", wire.CodeName(r.ErrorCode))
				return
			}
			q := kmsg.NewPtrSyncGroupRequest()
			q.Version, q.Group, q.MemberID, q.Generation, q.ProtocolType, q.Protocol = 5, "g", c.id, c.generation, r.ProtocolType, r.Protocol
			for i := range r.Members { // there are some for the leader only
				a := kmsg.SyncGroupRequestGroupAssignment{MemberID: r.Members[i].MemberID}
				for p := i; p < thousand; p += len(r.Members) {
					a.MemberAssignment = fmt.Append(a.MemberAssignment, p, " ")
				}
				q.GroupAssignment = append(q.GroupAssignment, a)
			}
			s := sendGroup[*kmsg.SyncGroupResponse](b, q)
			if s.ErrorCode != wire.None {
				b.t.Errorf("sync: %s", wire.CodeName(s.ErrorCode))
			}
			mu.Lock()
			defer mu.Unlock()
			generations[c.generation] = true
			for _, field := range strings.Fields(string(s.MemberAssignment)) {
				var p int32
				if _, err := fmt.Sscan(field, &p); err != nil {
					b.t.Errorf("assignment %q: %v", s.MemberAssignment, err)
				}
				held[c.id] = append(held[c.id], p)
			}
		})
	}
	run.Wait()
	if len(generations) != 1 {
		b.t.Errorf("members are in %d generations", len(generations))
	}
	return held
}

func TestAThousandClassicMembers(t *testing.T) {
	withGroups(t, func(t *testing.T, b *groupBroker) {
		members := make([]*consumer, thousand)
		for i := range members {
			members[i] = &consumer{b: b}
		}
		expectOnceEach(t, "at first", classicRound(b, members), thousand)
		q := kmsg.NewPtrLeaveGroupRequest()
		q.Version, q.Group, q.Members = 5, "g", []kmsg.LeaveGroupRequestMember{{MemberID: members[7].id}}
		wantCode(t, "leave", sendGroup[*kmsg.LeaveGroupResponse](b, q).ErrorCode, wire.None)
		members = slices.Delete(members, 7, 8)
		for _, c := range members {
			wantCode(t, "heartbeat", c.heartbeat(4), wire.RebalanceInProgress)
		}
		expectOnceEach(t, "after one has left", classicRound(b, members), thousand-1)
	})
}

// consumerRounds has members send heartbeats in turn, at most some rounds of them, until all are of one epoch and nothing changes.
func consumerRounds(b *groupBroker, topic byte, members []string, epochs map[string]int32, held map[string][]int32) {
	b.t.Helper()
	const rounds = 6
	for range rounds {
		changed := false
		for _, id := range members {
			q := firstBeat(id, "crowd")
			if epoch := epochs[id]; epoch > 0 {
				q = nextBeat(&kmsg.ConsumerGroupHeartbeatResponse{MemberID: &id, MemberEpoch: epoch}, topic, held[id]...)
			}
			r := b.beat(q)
			wantCode(b.t, "heartbeat", r.ErrorCode, wire.None)
			changed = changed || r.MemberEpoch != epochs[id]
			epochs[id] = r.MemberEpoch
			if r.Assignment != nil {
				held[id], changed = nil, true
				for _, t := range r.Assignment.Topics {
					held[id] = append(held[id], t.Partitions...)
				}
			}
		}
		if !changed {
			return
		}
	}
	b.t.Fatalf("the group is not stable after %d rounds", rounds)
}

func TestAThousandConsumers(t *testing.T) {
	withConsumers(t, func(t *testing.T, b *groupBroker) {
		const topic = 5
		b.createTopic("crowd", topic, thousand)
		members := make([]string, thousand)
		for i := range members {
			members[i] = fmt.Sprint("m", i)
		}
		epochs, held := map[string]int32{}, map[string][]int32{}
		consumerRounds(b, topic, members, epochs, held)
		expectOnceEach(t, "at first", held, thousand)
		q := nextBeat(&kmsg.ConsumerGroupHeartbeatResponse{MemberID: &members[7], MemberEpoch: -1}, topic)
		wantCode(t, "leave", b.beat(q).ErrorCode, wire.None)
		delete(held, members[7])
		members = slices.Delete(members, 7, 8)
		consumerRounds(b, topic, members, epochs, held)
		expectOnceEach(t, "after one has left", held, thousand-1)
	})
}
