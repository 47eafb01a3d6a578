package group

import (
	"fmt"
	"maps"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"

	"github.com/chronik-stream/chronik/broker/wire"
)

// offsetsModel is what a group's offsets come to, told in the simplest way: a map, and one more for each producer.
type offsetsModel struct {
	place     int
	committed map[string]placed
	pending   map[int64]map[string]placed
}

type placed struct {
	offset int64
	place  int
}

func (m *offsetsModel) commit(topic string, offset int64) {
	m.place++
	m.committed[topic] = placed{offset, m.place}
}

func (m *offsetsModel) commitTxn(producerID int64, topic string, offset int64) {
	m.place++
	if m.pending[producerID] == nil {
		m.pending[producerID] = map[string]placed{}
	}
	m.pending[producerID][topic] = placed{offset, m.place}
}

func (m *offsetsModel) end(producerID int64, commit bool) {
	for topic, p := range m.pending[producerID] {
		if commit && p.place > m.committed[topic].place {
			m.committed[topic] = p
		}
	}
	delete(m.pending, producerID)
}

func (m *offsetsModel) forget(topic string) {
	delete(m.committed, topic)
	for _, offsets := range m.pending {
		delete(offsets, topic)
	}
}

// state is what there is to see: "5", or "5?" while the partition is unstable.
func (m *offsetsModel) state() map[string]string {
	seen := map[string]string{}
	for topic, p := range m.committed {
		seen[topic] = fmt.Sprint(p.offset)
	}
	for _, offsets := range m.pending {
		for topic := range offsets {
			seen[topic] = fmt.Sprint(m.committedOr(topic, -1), "?")
		}
	}
	return seen
}

func (m *offsetsModel) committedOr(topic string, none int64) int64 {
	if p, found := m.committed[topic]; found {
		return p.offset
	}
	return none
}

var modelTopics = []string{"t1", "t2", "t3"}

// seen is the machine's state in the words of the model.
func (h *harness) seen() map[string]string {
	h.t.Helper()
	seen := map[string]string{}
	for _, topic := range modelTopics {
		offset := h.committed(topic)
		switch h.stable(topic).ErrorCode {
		case wire.UnstableOffsetCommit:
			seen[topic] = fmt.Sprint(offset, "?")
		default:
			if offset >= 0 {
				seen[topic] = fmt.Sprint(offset)
			}
		}
	}
	return seen
}

// TestTransactionalOffsetsFollowTheModel commits, ends, refuses, deletes and restarts in any order. Restarts replay every entry of the log,
// so what they come to is the order of records and nothing else.
func TestTransactionalOffsetsFollowTheModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := newHarness(t, testConfig())
		model := &offsetsModel{committed: map[string]placed{}, pending: map[int64]map[string]placed{}}
		for step := range rapid.IntRange(1, 60).Draw(t, "steps") {
			modelStep(t, h, model, int64(step))
			if got, want := h.seen(), model.state(); !maps.Equal(got, want) {
				t.Fatalf("step %d: got %v, want %v", step, got, want)
			}
			if len(model.state()) > 0 && h.state() == "Dead" {
				t.Fatalf("step %d: the group is gone", step)
			}
		}
	})
}

func modelStep(t *rapid.T, h *harness, model *offsetsModel, offset int64) {
	topic := rapid.SampledFrom(modelTopics).Draw(t, "topic")
	producerID := rapid.Int64Range(1, 3).Draw(t, "producer")
	h.refusal = rapid.SampledFrom([]int16{wire.None, wire.None, wire.None, wire.InvalidProducerEpoch}).Draw(t, "refusal")
	switch rapid.IntRange(0, 6).Draw(t, "what") {
	case 0:
		h.commit(nil, topic, offset)
		model.commit(topic, offset)
	case 1, 2:
		if h.commitTxn(producerID, topic, offset) == wire.None {
			model.commitTxn(producerID, topic, offset)
		}
	case 3, 4:
		commit := rapid.Bool().Draw(t, "commit")
		if h.endTxn(producerID, commit) == wire.None {
			model.end(producerID, commit)
		}
	case 5:
		q := kmsg.NewPtrOffsetDeleteRequest()
		q.Group = "g"
		q.Topics = []kmsg.OffsetDeleteRequestTopic{{Topic: topic, Partitions: []kmsg.OffsetDeleteRequestTopicPartition{{}}}}
		h.ask(DeleteOffsets{q})
		model.forget(topic)
	case 6:
		h.reload(testConfig())
	}
}
