package handler

import (
	"errors"
	"fmt"
	"maps"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
)

// watched is a change log that notes, at each intent, the offset of "t-0" at that time.
func (b *groupBroker) watched(err error) (log *changeLog, then *[]int64) {
	then = &[]int64{}
	log = &changeLog{err: err, intended: func() {
		offset, _ := b.fetched(9, false)
		*then = append(*then, offset)
	}}
	b.groups.Changes = log
	return log, then
}

func wantRecord(t *testing.T, what string, r meta.AuditRecord, resource string, outcome int16, before map[string]string) {
	t.Helper()
	if r.ResourceType != "GROUP" || r.Resource != resource || r.Outcome != outcome || !maps.Equal(r.Before, before) || len(r.After) != 0 {
		t.Fatalf("%s = %+v, want %s of %s, before %v", what, r, wire.CodeName(outcome), resource, before)
	}
	if r.Origin.EventID == "" || r.Origin.Principal != "User:u" {
		t.Fatalf("%s: origin %+v", what, r.Origin)
	}
}

func (b *groupBroker) deleteGroups(ids ...string) []int16 {
	b.t.Helper()
	q := kmsg.NewPtrDeleteGroupsRequest()
	q.Version, q.Groups = 2, ids
	var codes []int16
	for _, g := range sendGroup[*kmsg.DeleteGroupsResponse](b, q).Groups {
		codes = append(codes, g.ErrorCode)
	}
	return codes
}

func TestDeletedGroupsAreRecordedBefore(t *testing.T) {
	withGroups(t, func(t *testing.T, b *groupBroker) {
		sendGroup[*kmsg.OffsetCommitResponse](b, b.commitRequest(9, nil, 7, 0, 1))
		log, then := b.watched(nil)
		b.rules = groupGrants{"DELETE:GROUP:g", "DELETE:GROUP:none", "DESCRIBE:GROUP:g", "DESCRIBE:TOPIC:t"}
		codes := b.deleteGroups("g", "none", "hidden")
		for i, want := range []int16{wire.None, wire.GroupIDNotFound, wire.GroupAuthorizationFailed} {
			wantCode(t, "group", codes[i], want)
		}
		if len(*then) != 1 || (*then)[0] != 7 {
			t.Fatalf("offsets at the intent: %v", *then)
		}
		if len(log.intents) != 2 || len(log.outcomes) != 2 {
			t.Fatalf("%d intents, %d outcomes", len(log.intents), len(log.outcomes))
		}
		before := map[string]string{"t-0": "7", "t-1": "7"}
		wantRecord(t, "intent", log.intents[0], "g", wire.None, before)
		wantRecord(t, "intent", log.intents[1], "none", wire.None, nil)
		wantRecord(t, "outcome", log.outcomes[0], "g", wire.None, before)
		wantRecord(t, "outcome", log.outcomes[1], "none", wire.GroupIDNotFound, nil)
		if log.intents[0].Origin.EventID != log.outcomes[1].Origin.EventID {
			t.Error("intent and outcome are not of one event")
		}
	})
}

func TestNothingIsDeletedWithoutAnIntent(t *testing.T) {
	withGroups(t, func(t *testing.T, b *groupBroker) {
		sendGroup[*kmsg.OffsetCommitResponse](b, b.commitRequest(9, nil, 7, 0))
		log, _ := b.watched(errors.New("audit log is full"))
		wantCode(t, "group", b.deleteGroups("g")[0], wire.KafkaStorageError)
		wantCode(t, "offsets", b.deleteOffsets("g", 0).ErrorCode, wire.KafkaStorageError)
		if offset, _ := b.fetched(9, false); offset != 7 {
			t.Fatalf("offset = %d", offset)
		}
		before := map[string]string{"t-0": "7"}
		wantRecord(t, "outcome", log.outcomes[0], "g", wire.KafkaStorageError, before)
		wantRecord(t, "outcome", log.outcomes[1], "g", wire.KafkaStorageError, before)
	})
}

func TestManyGroupsGoInSeveralSteps(t *testing.T) {
	withGroups(t, func(t *testing.T, b *groupBroker) {
		log, then := b.watched(nil)
		var ids []string
		for i := range deletedAtOnce + 1 {
			ids = append(ids, fmt.Sprint("g", i))
		}
		b.deleteGroups(ids...)
		if len(*then) != 2 || len(log.intents) != len(ids) || len(log.outcomes) != len(ids) {
			t.Fatalf("%d steps, %d intents, %d outcomes", len(*then), len(log.intents), len(log.outcomes))
		}
	})
}

func (b *groupBroker) deleteOffsets(id string, partitions ...int32) *kmsg.OffsetDeleteResponse {
	b.t.Helper()
	q := kmsg.NewPtrOffsetDeleteRequest()
	q.Group = id
	topic := kmsg.OffsetDeleteRequestTopic{Topic: "t"}
	for _, p := range partitions {
		topic.Partitions = append(topic.Partitions, kmsg.OffsetDeleteRequestTopicPartition{Partition: p})
	}
	q.Topics = append(q.Topics, topic)
	return sendGroup[*kmsg.OffsetDeleteResponse](b, q)
}

func TestDeletedOffsetsAreRecordedBefore(t *testing.T) {
	withGroups(t, func(t *testing.T, b *groupBroker) {
		sendGroup[*kmsg.OffsetCommitResponse](b, b.commitRequest(9, nil, 7, 0, 1))
		log, then := b.watched(nil)
		wantCode(t, "group", b.deleteOffsets("g", 0, 0, 2).ErrorCode, wire.None)
		wantCode(t, "no group", b.deleteOffsets("none", 0).ErrorCode, wire.GroupIDNotFound)
		if len(*then) != 2 || (*then)[0] != 7 || (*then)[1] != -1 {
			t.Fatalf("offsets at the intents: %v", *then)
		}
		if len(log.intents) != 2 || len(log.outcomes) != 2 || log.intents[0].Action != deleteOffsetsAction {
			t.Fatalf("intents %+v, outcomes %+v", log.intents, log.outcomes)
		}
		before := map[string]string{"t-0": "7"}
		wantRecord(t, "intent", log.intents[0], "g", wire.None, before)
		wantRecord(t, "outcome", log.outcomes[0], "g", wire.None, before)
		wantRecord(t, "intent", log.intents[1], "none", wire.None, nil)
		wantRecord(t, "outcome", log.outcomes[1], "none", wire.GroupIDNotFound, nil)
	})
}

func TestOffsetsThatStayAreRecordedToo(t *testing.T) {
	withGroups(t, func(t *testing.T, b *groupBroker) {
		sendGroup[*kmsg.OffsetCommitResponse](b, b.commitRequest(9, nil, 7, 0))
		c := &consumer{b: b}
		c.join(9)
		c.sync(5, "mine")
		log, _ := b.watched(nil)
		r := b.deleteOffsets("g", 0)
		wantCode(t, "offset", r.Topics[0].Partitions[0].ErrorCode, wire.GroupSubscribedToTopic)
		wantRecord(t, "outcome", log.outcomes[0], "g", wire.GroupSubscribedToTopic, map[string]string{"t-0": "7"})
	})
}
