package handler

import (
	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/quota"
	"github.com/chronik-stream/chronik/broker/wire"
)

// topicsFrame caps requests that create or change topics, in bytes: some ten thousand of them.
const topicsFrame = 8 << 20

// TopicDefaults is what the broker's configuration says of topics.
type TopicDefaults interface {
	// ValidateTopicConfigs returns an error with the code INVALID_CONFIG for a key that is unknown, not acted on, or has a bad value.
	ValidateTopicConfigs(map[string]string) error
	// EffectiveTopicConfigs lists what is in force for a topic with these explicit configurations.
	EffectiveTopicConfigs(map[string]string) []EffectiveConfig
	// DefaultPartitions is num.partitions, DefaultReplicationFactor is default.replication.factor.
	DefaultPartitions() int
	DefaultReplicationFactor() int
	// AutoCreateTopics is auto.create.topics.enable, DeleteTopicsEnabled is delete.topic.enable.
	AutoCreateTopics() bool
	DeleteTopicsEnabled() bool
}

// EffectiveConfig is one configuration in force. Value is nil where it is sensitive.
type EffectiveConfig struct {
	Name      string
	Value     *string
	Source    int8
	ReadOnly  bool
	Sensitive bool
}

// Topics answers the APIs that create, delete and enlarge topics.
type Topics struct {
	Metadata MetadataLog
	Defaults TopicDefaults
	// Draw returns a random number in [0, n), for where placement begins.
	Draw func(n int) int
	// Approvals say what takes two persons.
	Approvals Approvals
	// Quotas bound the partitions that a client creates and deletes; nil bounds none.
	Quotas *quota.Manager
	// Creations tell policies how many topics a principal creates; nil tells nothing.
	Creations *Creations
}

// Rows are the rows of this area.
func (t *Topics) Rows() []api.Row {
	return []api.Row{t.createTopics(), t.deleteTopics(), t.createPartitions()}
}

func need(op authz.Operation, kind authz.ResourceType, name string) authz.Need {
	return authz.Need{Op: op, On: authz.Resource{Type: kind, Name: name}}
}

// probe is a need whose denial is no event.
func probe(op authz.Operation, kind authz.ResourceType, name string) authz.Need {
	n := need(op, kind, name)
	n.Probe = true
	return n
}

// messageOf is an error's text for the client: the message of a coded error, nothing of any other.
func messageOf(err error) *string {
	if err == nil {
		return nil
	}
	message := wire.CodeName(wire.CodeOf(err))
	if coded := asCoded(err); coded != nil {
		message = coded.Message
	}
	return &message
}
