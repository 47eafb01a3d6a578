package meta

import "github.com/chronik-stream/chronik/authz"

// Delta is what one entry of the log changed.
type Delta struct {
	Index         uint64
	TopicsCreated []*Topic
	TopicsDeleted []*Topic
	TopicsChanged []TopicChange
	ACLs          authz.BindingDelta
	ScramChanged  []string
	// TokensChanged are the ids of delegation tokens that were added, changed or removed.
	TokensChanged []string
	// QuotasChanged are the entities whose quotas are not what they were.
	QuotasChanged  []QuotaEntity
	ConfigsChanged []ResourceKey
	BrokersChanged []int32
	// Unlocked are the principals, in the form Type:name, whose lock-outs end.
	Unlocked []string
	// Approvals are what happened to requests that take two persons, such as ApprovalAsked.
	Approvals []string
	// AuditAppended says that there are new records to project.
	AuditAppended bool
}

// TopicChange is a topic before and after.
type TopicChange struct {
	Old, New *Topic
}

// Result answers a command.
type Result struct {
	Index uint64
	// Items answers each part of the command, in its order.
	Items []ItemResult
	// RemovedACLs lists, per filter of DeleteACLs, what it removed.
	RemovedACLs [][]authz.Binding
	// FirstProducerID is the start of the block that AllocateProducerIDs took.
	FirstProducerID int64
	// BrokerEpoch is the epoch of the registration that RegisterBroker made.
	BrokerEpoch int64
	// Token is the delegation token that was created or changed, as it is now.
	Token *Token
}

// ItemResult is the outcome for one resource.
type ItemResult struct {
	Name    string
	TopicID TopicID
	// Code is a Kafka error code, 0 for success.
	Code    int16
	Message string
}
