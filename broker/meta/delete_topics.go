package meta

import "github.com/chronik-stream/chronik/broker/wire"

// DeleteTopics deletes topics by id: a name could mean another topic by the time that the command is applied. ACLs stay: they
// name patterns.
type DeleteTopics struct {
	Origin Origin    `json:"origin"`
	IDs    []TopicID `json:"ids"`
	// Approval, where set, says what takes two persons.
	Approval *ApprovalRule `json:"approval,omitempty"`
}

func (*DeleteTopics) kind() string { return "DeleteTopics" }

func (c *DeleteTopics) apply(d *draft) {
	for _, id := range c.IDs {
		t := d.img.TopicByID(id)
		if t == nil {
			d.result.Items = append(d.result.Items, ItemResult{TopicID: id, Code: wire.UnknownTopicID, Message: "This server does not host this topic ID."})
			d.audit(c.Origin, "TOPIC", id.String(), wire.UnknownTopicID, nil, nil)
			continue
		}
		if t.Internal {
			d.result.Items = append(d.result.Items, ItemResult{
				Name: t.Name, TopicID: id, Code: wire.InvalidTopicException, Message: "Topic '" + t.Name + "' is the broker's own.",
			})
			d.audit(c.Origin, "TOPIC", t.Name, wire.InvalidTopicException, nil, nil)
			continue
		}
		if refused := c.admit(d, t); refused.code != wire.None {
			d.result.Items = append(d.result.Items, ItemResult{Name: t.Name, TopicID: id, Code: refused.code, Message: refused.message})
			d.audit(c.Origin, "TOPIC", t.Name, refused.code, nil, refused.after())
			continue
		}
		d.result.Items = append(d.result.Items, ItemResult{Name: t.Name, TopicID: id})
		d.audit(c.Origin, "TOPIC", t.Name, wire.None, map[string]string{"topic.id": id.String()}, nil)
		d.removeTopic(t)
	}
}

func (c *DeleteTopics) admit(d *draft, t *Topic) refusal {
	if !c.Approval.covers(ApproveDeleteTopics) {
		return refusal{}
	}
	return d.passes(c.Approval, c.Origin, t.deletion())
}
