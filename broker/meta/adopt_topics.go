package meta

import (
	"strconv"

	"github.com/chronik-stream/chronik/broker/wire"
)

// AdoptTopics takes over topics whose logs were written elsewhere and lie in this node's log directories by now. Their leader epochs
// go on where the logs end. It is proposed while no broker runs, so that their node need not be registered; its registration begins
// another epoch.
type AdoptTopics struct {
	Origin Origin `json:"origin"`
	// Node holds and leads all partitions.
	Node   int32          `json:"node"`
	Topics []AdoptedTopic `json:"topics"`
}

// AdoptedTopic is a topic to take over.
type AdoptedTopic struct {
	Name string  `json:"name"`
	ID   TopicID `json:"id"`
	// LeaderEpochs has the first leader epoch of each partition.
	LeaderEpochs []int32           `json:"leaderEpochs"`
	Configs      map[string]string `json:"configs,omitempty"`
	Internal     bool              `json:"internal,omitempty"`
}

func (*AdoptTopics) kind() string { return "AdoptTopics" }

func (c *AdoptTopics) apply(d *draft) {
	for i := range c.Topics {
		n := &c.Topics[i]
		code, message := d.checkNewName(n.Name, n.ID, len(n.LeaderEpochs))
		d.result.Items = append(d.result.Items, ItemResult{Name: n.Name, TopicID: n.ID, Code: code, Message: message})
		after := map[string]string{"partitions": strconv.Itoa(len(n.LeaderEpochs)), "topic.id": n.ID.String()}
		for k, v := range n.Configs {
			after["config."+k] = v
		}
		d.audit(c.Origin, "TOPIC", n.Name, code, nil, after)
		if code != wire.None {
			continue
		}
		t := &Topic{ID: n.ID, Name: n.Name, Configs: n.Configs, Internal: n.Internal, Partitions: make([]Partition, len(n.LeaderEpochs))}
		for p, epoch := range n.LeaderEpochs {
			t.Partitions[p] = Partition{Leader: c.Node, LeaderEpoch: epoch, Replicas: []int32{c.Node}, ISR: []int32{c.Node}}
		}
		d.putTopic(t)
	}
}
