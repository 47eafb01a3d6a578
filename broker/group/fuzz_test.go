package group

import (
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/coordinator"
	"github.com/chronik-stream/chronik/broker/group/consumerlog"
	"github.com/chronik-stream/chronik/broker/wire"
)

// FuzzReplay replays anything as a log. What is not refused is served: every request is answered, what is written meanwhile can be
// replayed, and time ends what does not stay.
func FuzzReplay(f *testing.F) {
	for _, log := range [][]Entry{classicLog(f), mixedLog(f), oddLog()} {
		f.Add(framed(log))
		for _, e := range log {
			f.Add(framed([]Entry{e}))
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		h := &harness{t: t, m: New(testConfig()), now: time.UnixMilli(1_700_000_000_000), replies: map[uint64]Reply{}}
		h.topics = topicsOf(1, map[string]int32{"t1": 4, "t2": 4})
		for _, e := range unframed(raw) {
			if h.m.Replay(e) != nil {
				return
			}
			h.log = append(h.log, e)
		}
		h.step(Loaded{})
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

// useAll sends requests of all kinds for what there is, and lets time pass.
func (h *harness) useAll() {
	h.t.Helper()
	classic, modern := h.m.groups, h.m.modern
	ids := append(firstFew(classic), firstFew(modern)...)
	for _, id := range ids {
		if g := classic[id]; g != nil {
			for _, memberID := range firstFew(g.members) {
				if mb := g.members[memberID]; mb != nil {
					h.useMember(id, memberID, mb.instance, g.generation)
				}
			}
		}
		if g := modern[id]; g != nil {
			for _, memberID := range firstFew(g.members) {
				if mb := g.members[memberID]; mb != nil {
					h.useMember(id, memberID, mb.told.Instance, mb.epoch)
				}
			}
		}
		h.useGroup(id)
	}
	h.pass(2 * time.Hour)
	for _, id := range ids {
		h.ask(Delete{Group: id})
	}
}

func firstFew[V any](of map[string]V) []string {
	ids := sortedKeys(of)
	return ids[:min(len(ids), 3)]
}

// useMember does what a member may do, in either protocol.
func (h *harness) useMember(id, memberID string, instance *string, epoch int32) {
	h.t.Helper()
	c := &client{h: h, id: memberID, instance: instance, generation: epoch, version: 9, protocols: owning("range", 0)}
	in := func(q Join) Join { q.Group = id; return q }
	sync := kmsg.NewPtrSyncGroupRequest()
	sync.Group, sync.MemberID, sync.InstanceID, sync.Generation = id, memberID, instance, epoch
	beat := kmsg.NewPtrHeartbeatRequest()
	beat.Group, beat.MemberID, beat.InstanceID, beat.Generation = id, memberID, instance, epoch
	h.ask(Heartbeat{beat})
	h.ask(Sync{sync})
	h.ask(in(c.joinRequest()))
	h.ask(Sync{sync})
	m := &consumer{h: h, id: memberID, instance: instance, topics: []string{"t1"}}
	for _, epoch := range []int32{epoch, 0} {
		m.epoch = epoch
		q := m.request()
		q.Group = id
		q.Matches = matching("t.*", "t2")
		h.ask(q)
	}
	h.ask(in(c.joinRequest()))
	commit := h.commitRequest(c, "t1", 0, 5, "")
	commit.Group = id
	h.ask(commit)
}

func (h *harness) useGroup(id string) {
	h.t.Helper()
	fresh := h.client("fresh").joinRequest()
	fresh.Group, fresh.Version = id, memberIDRequired-1
	h.ask(fresh)
	offsets := txnRequest(nil, 2, "t1", 3)
	offsets.Group = id
	h.ask(offsets)
	h.ask(Describe{Group: id})
	h.ask(DescribeModern{Group: id, Topics: h.topics})
	h.ask(List{})
	h.ask(Fetch{Group: id, MemberEpoch: -1, RequireStable: true})
	h.ask(ListTopics{})
	h.ask(TopicsDeleted{Topics: []TopicRef{{Name: "t1"}}})
	h.endTxn(1, true)
	leave := kmsg.NewPtrLeaveGroupRequest()
	leave.Group, leave.Members = id, []kmsg.LeaveGroupRequestMember{{InstanceID: kmsg.StringPtr("i")}}
	h.ask(Leave{leave})
	h.pass(30 * time.Second)
}

// classicLog has records of a group of the classic protocol, and offsets in and outside of transactions.
func classicLog(t failer) []Entry {
	h := newHarness(t, testConfig())
	a, s := h.client("a"), h.staticClient("s", "i")
	h.stableGroup(a, s)
	h.commit(a, "t1", 1)
	h.askTxn(txnRequest(a, 1, "t1", 3))
	h.endTxn(1, true)
	h.leave(leaving(a))
	return h.log
}

// mixedLog has records of a group with members of both protocols and a regular expression.
func mixedLog(t failer) []Entry {
	h := newHarness(t, testConfig())
	a := h.client("a")
	h.classicGroup([]*client{a}, []int32{0, 1, 2, 3})
	x := h.regexConsumer("x", "t.*")
	x.matches = matching("t.*", "t1", "t2")
	x.heartbeat()
	a.follow(0, 1)
	x.heartbeat()
	x.leave(-1)
	return h.log
}

// oddLog has what no coordinator writes.
func oddLog() []Entry {
	g := newModernGroup("g")
	told := consumerlog.Member{Topics: []string{"t1"}, Classic: &consumerlog.Classic{}}
	at := newModernMember("m")
	at.epoch, at.previous, at.assigned = 1, -5, epochs{idOf("t1"): {-1: 0, 9: 7}}
	g.target["m"] = at.assigned.partitions()
	var log []Entry
	for _, r := range []Record{
		g.memberRecord("m", &told), g.groupRecord(), g.targetMemberRecord("m"), g.targetRecord(), g.placeRecord(at),
	} {
		log = append(log, Entry{Record: r})
	}
	return log
}

// framed and unframed make bytes of a log and back: for each record a byte of flags, the key, the value; for a marker the flags alone.
const (
	frameMarker = 1 << iota
	frameTransactional
	frameTombstone
)

func framed(log []Entry) []byte {
	var raw []byte
	for _, e := range log {
		flags := int8(0)
		if e.Marker != nil {
			flags |= frameMarker
		}
		if e.Transactional {
			flags |= frameTransactional
		}
		if e.Value == nil {
			flags |= frameTombstone
		}
		raw = kbin.AppendBytes(kbin.AppendBytes(kbin.AppendInt8(raw, flags), e.Key), e.Value)
	}
	return raw
}

func unframed(raw []byte) (log []Entry) {
	r := kbin.Reader{Src: raw}
	for len(r.Src) > 0 && len(log) < 50 {
		flags, key, value := r.Int8(), r.Bytes(), r.Bytes()
		if !r.Ok() {
			break
		}
		e := Entry{Record: Record{Key: slices.Clip(key), Value: append([]byte{}, value...)}}
		if flags&frameMarker != 0 {
			e = Entry{Marker: &coordinator.Marker{ProducerID: 1, Commit: true}}
		}
		if flags&frameTransactional != 0 {
			e.Transactional, e.ProducerID = true, 1
		}
		if flags&frameTombstone != 0 {
			e.Value = nil
		}
		log = append(log, e)
	}
	return log
}
