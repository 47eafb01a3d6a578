package meta

import (
	"slices"
	"strconv"

	"github.com/chronik-stream/chronik/broker/wire"
)

// CreatePartitions adds partitions to topics.
type CreatePartitions struct {
	Origin Origin          `json:"origin"`
	Topics []MorePartition `json:"topics"`
}

// MorePartition is one topic that grows.
type MorePartition struct {
	Name string `json:"name"`
	// From is the number of partitions that the proposer saw; another by now is refused, or two requests would add twice.
	From int `json:"from"`
	// Replicas lists the brokers of each new partition, the preferred leader first.
	Replicas [][]int32 `json:"replicas"`
}

func (*CreatePartitions) kind() string { return "CreatePartitions" }

func (c *CreatePartitions) apply(d *draft) {
	for _, m := range c.Topics {
		code, message := d.checkMorePartitions(m)
		d.result.Items = append(d.result.Items, ItemResult{Name: m.Name, Code: code, Message: message})
		d.audit(c.Origin, "TOPIC", m.Name, code, map[string]string{"partitions": strconv.Itoa(m.From)},
			map[string]string{"partitions": strconv.Itoa(m.From + len(m.Replicas))})
		if code != wire.None {
			continue
		}
		grown := *d.img.Topic(m.Name)
		grown.Partitions = slices.Concat(grown.Partitions, d.newPartitions(m.Replicas))
		d.putTopic(&grown)
	}
}

func (d *draft) checkMorePartitions(m MorePartition) (code int16, message string) {
	t := d.img.Topic(m.Name)
	switch {
	case t == nil:
		return wire.UnknownTopicOrPartition, "This server does not host this topic-partition."
	case t.Internal:
		return wire.InvalidTopicException, "Topic '" + m.Name + "' is the broker's own."
	case len(m.Replicas) == 0:
		return wire.InvalidPartitions, "No partition to add."
	case len(t.Partitions) != m.From:
		return wire.InvalidPartitions, "Topic currently has " + strconv.Itoa(len(t.Partitions)) + " partitions, not " + strconv.Itoa(m.From) + " any more."
	}
	return d.checkReplicas(m.Replicas)
}
