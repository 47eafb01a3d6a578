package consumerlog

import "github.com/twmb/franz-go/pkg/kbin"

// TopicID is a topic's id.
type TopicID = [16]byte

// TargetMember is a member's part of the target assignment.
type TargetMember struct{ Topics []TopicPartitions }

// TopicPartitions are partitions of one topic.
type TopicPartitions struct {
	Topic      TopicID
	Partitions []int32
}

// Value is the record's value.
func (t TargetMember) Value() []byte {
	dst := kbin.AppendCompactArrayLen(newValue(), len(t.Topics))
	for _, topic := range t.Topics {
		dst = kbin.AppendCompactArrayLen(kbin.AppendUuid(dst, topic.Topic), len(topic.Partitions))
		for _, p := range topic.Partitions {
			dst = kbin.AppendInt32(dst, p)
		}
		dst = noTags(dst)
	}
	return noTags(dst)
}

// ReadTargetMember reads the value of a record of TargetMemberType.
func ReadTargetMember(b []byte) (t TargetMember, err error) {
	err = readValue(b, "a member's target assignment", func(r *reader) {
		r.array(func() {
			t.Topics = append(t.Topics, TopicPartitions{r.Uuid(), r.int32s()})
			r.tags(nil)
		})
		r.tags(nil)
	})
	return t, err
}

// Current is what a member has, and how far it is on its way to its target.
type Current struct {
	Epoch int32
	// PreviousEpoch is what a member says that has not got the answer with the present one.
	PreviousEpoch int32
	State         State
	Assigned      []TopicEpochs
	// Revoking are partitions that it has been told to give back and may still use.
	Revoking []TopicEpochs
}

// TopicEpochs are partitions of one topic that a member has.
type TopicEpochs struct {
	Topic      TopicID
	Partitions []PartitionEpoch
}

// PartitionEpoch is a partition, and the member's epoch when it was assigned to it: commits of that epoch and later ones are the
// member's own (KIP-1251).
type PartitionEpoch struct{ Partition, Epoch int32 }

// State is what a member is doing (Apache Kafka's MemberState).
type State uint8

// The states. The zero value is invalid. The log has other numbers: those of Apache Kafka, where 0 is stable.
const (
	// Stable members have all of their target of the epoch.
	Stable State = iota + 1
	// Unrevoked members have to give partitions back before they get others.
	Unrevoked
	// Unreleased members wait for partitions that others have not given back.
	Unreleased
	// Unknown is every state that is none of these.
	Unknown
)

// unknownState is Unknown in the log.
const unknownState = 127

func (s State) log() int8 {
	if s < Stable || s > Unreleased {
		return unknownState
	}
	return int8(s - Stable) //nolint:gosec // three values
}

func stateOf(b int8) State {
	if b < 0 || b > int8(Unreleased-Stable) {
		return Unknown
	}
	return Stable + State(b)
}

// Value is the record's value.
func (c Current) Value() []byte {
	dst := kbin.AppendInt32(kbin.AppendInt32(newValue(), c.Epoch), c.PreviousEpoch)
	dst = kbin.AppendInt8(dst, c.State.log())
	return noTags(appendEpochs(appendEpochs(dst, c.Assigned), c.Revoking))
}

func appendEpochs(dst []byte, topics []TopicEpochs) []byte {
	dst = kbin.AppendCompactArrayLen(dst, len(topics))
	for _, topic := range topics {
		dst = kbin.AppendCompactArrayLen(kbin.AppendUuid(dst, topic.Topic), len(topic.Partitions))
		epochs := kbin.AppendCompactArrayLen(nil, len(topic.Partitions))
		for _, p := range topic.Partitions {
			dst, epochs = kbin.AppendInt32(dst, p.Partition), kbin.AppendInt32(epochs, p.Epoch)
		}
		dst = onlyTag(dst, epochs)
	}
	return dst
}

// ReadCurrent reads the value of a record of CurrentType. Partitions without epochs, from Apache Kafka before KIP-1251, get the
// member's, or 0 where that is negative; so do those of a topic whose epochs are of another number.
func ReadCurrent(b []byte) (c Current, err error) {
	err = readValue(b, "a member's current assignment", func(r *reader) {
		c.Epoch, c.PreviousEpoch, c.State = r.Int32(), r.Int32(), stateOf(r.Int8())
		c.Assigned, c.Revoking = r.topicEpochs(c.Epoch), r.topicEpochs(c.Epoch)
		r.tags(nil)
	})
	return c, err
}

func (r *reader) topicEpochs(memberEpoch int32) (out []TopicEpochs) {
	r.array(func() {
		topic, partitions := r.Uuid(), r.int32s()
		var epochs []int32
		r.tags(func(field *reader) { epochs = field.nullableInt32s() })
		out = append(out, TopicEpochs{topic, zip(partitions, epochs, max(memberEpoch, 0))})
	})
	return out
}

func zip(partitions, epochs []int32, otherwise int32) (out []PartitionEpoch) {
	for i, p := range partitions {
		one := PartitionEpoch{p, otherwise}
		if len(epochs) == len(partitions) {
			one.Epoch = epochs[i]
		}
		out = append(out, one)
	}
	return out
}
