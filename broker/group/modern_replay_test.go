package group

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/wire"
)

func TestAClassicMemberWithoutProtocolsSpeaksTheOther(t *testing.T) {
	h := newHarness(t, testConfig())
	h.topics = topicsOf(1, map[string]int32{"t1": 4})
	h.log = oddLog()
	h.reload(testConfig())
	if d := h.describeModern(); len(d.Members) != 1 || d.Members[0].MemberType != consumerMember {
		t.Fatalf("described as %+v", d)
	}
	q := kmsg.NewPtrSyncGroupRequest()
	q.Group, q.MemberID, q.Generation = "g", "m", 1
	expectCode(t, "sync", h.reply(h.ask(Sync{q})).Code, wire.UnknownMemberID)
	m := h.consumer("m", "t1")
	h.beats(m)
	expectHas(t, m, map[string][]int32{"t1": {0, 1, 2, 3}})
}
