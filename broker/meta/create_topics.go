package meta

import (
	"slices"
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
	made := 0
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
			d.putTopic(d.newTopic(n))
			made++
		}
	}
	d.countCreated(c.Origin, made)
}

func (d *draft) checkNewTopic(n *NewTopic) (code int16, message string) {
	if code, message := d.checkNewName(n.Name, n.ID, len(n.Replicas)); code != wire.None {
		return code, message
	}
	return d.checkReplicas(n.Replicas)
}

// checkNewName refuses names and ids that are taken, and topics without partitions.
func (d *draft) checkNewName(name string, id TopicID, partitions int) (code int16, message string) {
	if d.img.Topic(name) != nil {
		return wire.TopicAlreadyExists, "Topic '" + name + "' already exists."
	}
	if other := d.img.Colliding(name); other != nil {
		return wire.InvalidTopicException, "Topic '" + name + "' collides with existing topic: " + other.Name
	}
	if partitions == 0 {
		return wire.InvalidPartitions, "A topic has one partition at least."
	}
	if id.IsZero() || d.img.TopicByID(id) != nil {
		return wire.InvalidRequest, "The topic id " + id.String() + " is taken or reserved."
	}
	return wire.None, ""
}

// checkReplicas refuses brokers that are not registered, or that are all fenced: the proposer chose from an image that may be
// old by now.
func (d *draft) checkReplicas(partitions [][]int32) (code int16, message string) {
	for i, replicas := range partitions {
		if len(replicas) == 0 {
			return wire.InvalidReplicaAssignment, "A partition has no replica."
		}
		for j, id := range replicas {
			if d.img.Broker(id) == nil {
				return wire.InvalidReplicaAssignment, "Broker " + strconv.Itoa(int(id)) + " is not registered."
			}
			if slices.Contains(replicas[:j], id) {
				return wire.InvalidReplicaAssignment, "Broker " + strconv.Itoa(int(id)) + " has a partition more than once."
			}
		}
		if len(d.unfenced(replicas)) == 0 {
			return wire.InvalidReplicaAssignment, "All brokers of new partition " + strconv.Itoa(i) + " are fenced."
		}
	}
	return wire.None, ""
}

// unfenced are those replicas that can be in sync from the start.
func (d *draft) unfenced(replicas []int32) []int32 {
	out := make([]int32, 0, len(replicas))
	for _, id := range replicas {
		if b := d.img.Broker(id); b != nil && !b.Fenced {
			out = append(out, id)
		}
	}
	return out
}

func (d *draft) newTopic(n *NewTopic) *Topic {
	return &Topic{ID: n.ID, Name: n.Name, Configs: n.Configs, Internal: n.Internal, Partitions: d.newPartitions(n.Replicas)}
}

// newPartitions are led by the first of their replicas that is not fenced.
func (d *draft) newPartitions(replicas [][]int32) []Partition {
	out := make([]Partition, len(replicas))
	for i, r := range replicas {
		isr := d.unfenced(r)
		out[i] = Partition{Leader: isr[0], Replicas: r, ISR: isr}
	}
	return out
}
