package meta

import (
	"strconv"

	"github.com/chronik-stream/chronik/broker/wire"
)

// CreateTopics creates topics whose ids and replicas the proposer has chosen.
type CreateTopics struct {
	Origin Origin     `json:"origin"`
	Topics []NewTopic `json:"topics"`
}

// NewTopic is a topic to create.
type NewTopic struct {
	Name string  `json:"name"`
	ID   TopicID `json:"id"`
	// Replicas lists the brokers of each partition, the preferred leader first.
	Replicas [][]int32         `json:"replicas"`
	Configs  map[string]string `json:"configs,omitempty"`
	Internal bool              `json:"internal,omitempty"`
}

func (*CreateTopics) kind() string { return "CreateTopics" }

func (c *CreateTopics) apply(d *draft) {
	for i := range c.Topics {
		n := &c.Topics[i]
		code, message := d.checkNewTopic(n)
		d.result.Items = append(d.result.Items, ItemResult{Name: n.Name, TopicID: n.ID, Code: code, Message: message})
		after := map[string]string{"partitions": strconv.Itoa(len(n.Replicas)), "topic.id": n.ID.String()}
		for k, v := range n.Configs {
			after["config."+k] = v
		}
		d.audit(c.Origin, "TOPIC", n.Name, code, nil, after)
		if code == wire.None {
			d.putTopic(n.topic())
		}
	}
}

func (d *draft) checkNewTopic(n *NewTopic) (code int16, message string) {
	if d.img.Topic(n.Name) != nil {
		return wire.TopicAlreadyExists, "Topic '" + n.Name + "' already exists."
	}
	if n.ID.IsZero() || d.img.TopicByID(n.ID) != nil {
		return wire.InvalidRequest, "The topic id " + n.ID.String() + " is taken or reserved."
	}
	return d.checkReplicas(n.Replicas)
}

// checkReplicas refuses brokers that are not registered: the proposer chose from an image that may be old by now.
func (d *draft) checkReplicas(partitions [][]int32) (code int16, message string) {
	for _, replicas := range partitions {
		if len(replicas) == 0 {
			return wire.InvalidReplicaAssignment, "A partition has no replica."
		}
		for _, id := range replicas {
			if d.img.Broker(id) == nil {
				return wire.InvalidReplicaAssignment, "Broker " + strconv.Itoa(int(id)) + " is not registered."
			}
		}
	}
	return wire.None, ""
}

func (n *NewTopic) topic() *Topic {
	t := &Topic{ID: n.ID, Name: n.Name, Configs: n.Configs, Internal: n.Internal}
	t.Partitions = newPartitions(n.Replicas)
	return t
}

func newPartitions(replicas [][]int32) []Partition {
	out := make([]Partition, len(replicas))
	for i, r := range replicas {
		out[i] = Partition{Leader: r[0], Replicas: r, ISR: r}
	}
	return out
}
