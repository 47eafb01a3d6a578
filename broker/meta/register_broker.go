package meta

import "slices"

// RegisterBroker registers a broker's process. It fences the old incarnation and begins a new leader epoch for every partition
// that the broker leads (reliability rule R8): a leader that lost an unsynced tail must not write other records at the same
// epoch and offset.
type RegisterBroker struct {
	Broker Broker `json:"broker"`
}

func (*RegisterBroker) kind() string { return "RegisterBroker" }

func (c *RegisterBroker) apply(d *draft) {
	b := c.Broker
	b.Epoch = int64(d.img.index) //nolint:gosec // an index is far below 2^63
	d.img.brokers, _, _ = d.img.brokers.Insert(brokerKey(b.ID), &b)
	d.delta.BrokersChanged = append(d.delta.BrokersChanged, b.ID)
	d.result.BrokerEpoch = b.Epoch
	var led []*Topic
	d.img.Topics(func(t *Topic) bool {
		if slices.ContainsFunc(t.Partitions, func(p Partition) bool { return p.Leader == b.ID }) {
			led = append(led, t)
		}
		return true
	})
	for _, t := range led {
		d.putTopic(withNewEpochs(t, b.ID))
	}
}

func withNewEpochs(t *Topic, leader int32) *Topic {
	changed := *t
	changed.Partitions = slices.Clone(t.Partitions)
	for i := range changed.Partitions {
		if p := &changed.Partitions[i]; p.Leader == leader {
			p.LeaderEpoch++
			p.PartitionEpoch++
		}
	}
	return &changed
}
