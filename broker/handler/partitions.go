package handler

import (
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/replica"
	"github.com/chronik-stream/chronik/broker/wire"
)

// Partitions finds the partitions that this broker leads.
type Partitions struct {
	// Image is the newest image of the metadata.
	Image    func() *meta.Image
	Replicas *replica.Set
}

// find returns a partition to lead, or the error that the client is told.
func (s Partitions) find(topic string, partition, knownEpoch int32) (*replica.Replica, error) {
	p := s.Replicas.Get(topic, partition)
	if p == nil {
		return nil, s.absent(topic, partition)
	}
	if err := p.CheckEpoch(knownEpoch); err != nil {
		return nil, err
	}
	return p, nil
}

// absent tells apart what the metadata does not know, what another broker leads, and what this broker could not open.
func (s Partitions) absent(topic string, partition int32) error {
	t := s.Image().Topic(topic)
	if t == nil || partition < 0 || int(partition) >= len(t.Partitions) {
		return wire.Errorf(wire.UnknownTopicOrPartition, "there is no partition %d of topic %s", partition, topic)
	}
	if leader := t.Partitions[partition].Leader; leader != s.Replicas.NodeID() {
		return wire.Errorf(wire.NotLeaderForPartition, "broker %d leads partition %d of topic %s", leader, partition, topic)
	}
	return wire.Errorf(wire.KafkaStorageError, "partition %d of topic %s is offline", partition, topic)
}
