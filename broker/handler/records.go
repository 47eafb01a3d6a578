package handler

import (
	"time"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/fetchsession"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/replica"
	"github.com/chronik-stream/chronik/broker/wire"
)

// Caps on the frames of this area's requests, in bytes.
const (
	// produceFrame is socket.request.max.bytes of Apache Kafka; the server's own limit may be lower.
	produceFrame = 100 << 20
	// fetchFrame holds a fetch of 100,000 partitions.
	fetchFrame = 8 << 20
	// askFrame is for ListOffsets and OffsetForLeaderEpoch of as many.
	askFrame = 8 << 20
)

// Records answers the APIs that write and read records.
type Records struct {
	// Image is the newest image of the metadata.
	Image    func() *meta.Image
	Replicas *replica.Set
	Sessions *fetchsession.Cache
	// ProducerIDs hands out producer ids.
	ProducerIDs *ProducerIDs
	Clock       func() time.Time
	// MaxFetchBytes is fetch.max.bytes: what one answer holds at the most, in bytes.
	MaxFetchBytes int32
}

// Rows are the rows of this area.
func (r *Records) Rows() []api.Row {
	return []api.Row{r.produce(), r.fetch(), r.listOffsets(), r.offsetForLeaderEpoch(), r.initProducerID()}
}

// find returns a partition to lead, or the error that the client is told.
func (r *Records) find(topic string, partition, knownEpoch int32) (*replica.Replica, error) {
	p := r.Replicas.Get(topic, partition)
	if p == nil {
		return nil, r.absent(topic, partition)
	}
	if err := p.CheckEpoch(knownEpoch); err != nil {
		return nil, err
	}
	return p, nil
}

// absent tells apart what the metadata does not know and what it knows but this broker could not open.
func (r *Records) absent(topic string, partition int32) error {
	t := r.Image().Topic(topic)
	if t == nil || partition < 0 || int(partition) >= len(t.Partitions) {
		return wire.Errorf(wire.UnknownTopicOrPartition, "there is no partition %d of topic %s", partition, topic)
	}
	return wire.Errorf(wire.KafkaStorageError, "partition %d of topic %s is offline", partition, topic)
}

// topicNeeds asks an operation on each topic, once.
func topicNeeds(op authz.Operation, names []string) []authz.Need {
	needs := make([]authz.Need, 0, len(names))
	last := ""
	for _, name := range names {
		if name == "" || name == last {
			continue
		}
		last = name
		needs = append(needs, authz.Need{Op: op, On: authz.Resource{Type: authz.Topic, Name: name}})
	}
	return needs
}

// nameOf returns the name of a topic that a client named by name or, where it is empty, by id; "" where there is none.
func nameOf(img *meta.Image, name string, id meta.TopicID) string {
	if name != "" || id.IsZero() {
		return name
	}
	if t := img.TopicByID(id); t != nil {
		return t.Name
	}
	return ""
}
