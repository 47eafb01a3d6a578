package group

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/coordinator"
)

// Request is one of the types below. The machine keeps nothing of a request's byte slices; it copies what it needs.
type Request interface{ isRequest() }

// Join asks to become, or stay, a member. The answer is a *kmsg.JoinGroupResponse, which can take as long as the rebalance.
type Join struct {
	*kmsg.JoinGroupRequest
	// ClientID and ClientHost are what DescribeGroups tells about the member.
	ClientID   string
	ClientHost string
	// Nonce makes a new member id unique; the caller draws it at random.
	Nonce string
	// Topics and Settings are as in Beat, for a group that has members of the consumer protocol.
	Topics   Topics
	Settings BeatSettings
}

// Sync asks for the member's assignment, and brings all of them when it comes from the leader. The answer is a
// *kmsg.SyncGroupResponse, or a code.
type Sync struct{ *kmsg.SyncGroupRequest }

// Heartbeat keeps a member's session alive. It is answered with a code.
type Heartbeat struct{ *kmsg.HeartbeatRequest }

// Leave removes members; a request of a version below 3 has to be given with Members filled. The answer is a
// *kmsg.LeaveGroupResponse.
type Leave struct{ *kmsg.LeaveGroupRequest }

// Commit stores offsets of topics and partitions that exist, with topic names, and with topic ids where they are known. The answer
// is a *kmsg.OffsetCommitResponse with the same topics, or a code for all of them.
type Commit struct{ *kmsg.OffsetCommitRequest }

// CommitTxn stores offsets of topics and partitions that exist as part of a producer's transaction: they count when it has ended with a
// commit (TxnOffsetCommit). The answer is a *kmsg.TxnOffsetCommitResponse with the same topics, or a code for all of them.
type CommitTxn struct {
	*kmsg.TxnOffsetCommitRequest
	// Guard is what verification of the transaction gave, 0 where none was needed (KIP-890).
	Guard uint64
}

// EndTxn ends a producer's transaction in this partition of __consumer_offsets, whether it has offsets here or not (WriteTxnMarkers). It
// is answered with a code.
type EndTxn struct{ coordinator.Marker }

// Fetch reads the offsets of the topics named, or all that the group has when Topics is nil. An offset that was committed for a
// topic of the same name with another id does not exist. The answer is a *kmsg.OffsetFetchResponseGroup.
type Fetch struct {
	Group  string
	Topics []kmsg.OffsetFetchRequestGroupTopic
	// RequireStable answers UNSTABLE_OFFSET_COMMIT for a partition of which an open transaction has an offset.
	RequireStable bool
	// MemberID and MemberEpoch are who asks, nil and -1 where the request does not say. Groups of the classic protocol do not look at them.
	MemberID    *string
	MemberEpoch int32
}

// DeleteOffsets removes committed offsets. The answer is a *kmsg.OffsetDeleteResponse with the same topics, or a code.
type DeleteOffsets struct{ *kmsg.OffsetDeleteRequest }

// Describe tells about a group. The answer is a *kmsg.DescribeGroupsResponseGroup; a group that does not exist is Dead.
type Describe struct{ Group string }

// List tells the groups of this machine, by name. The answer is a []kmsg.ListGroupsResponseGroup.
type List struct {
	// States and Types filter, ignoring case; empty means all.
	States, Types []string
}

// Delete removes an empty group with its offsets. It is answered with a code.
type Delete struct{ Group string }

// TopicsDeleted removes the offsets of topics that are gone, in every group. It is answered with a code.
type TopicsDeleted struct{ Topics []TopicRef }

// ListTopics tells for which topics the machine holds offsets. The answer is a []TopicRef, in no order.
type ListTopics struct{}

// SetMaxAppend tells how many bytes of records a batch of Topic can hold, when that has changed. It is answered with a code.
type SetMaxAppend struct{ Bytes int }

// TopicRef is one topic; a zero ID stands for any topic of the name.
type TopicRef struct {
	Name string
	ID   [16]byte
}

func (Join) isRequest()          {}
func (Sync) isRequest()          {}
func (Heartbeat) isRequest()     {}
func (Leave) isRequest()         {}
func (Commit) isRequest()        {}
func (CommitTxn) isRequest()     {}
func (EndTxn) isRequest()        {}
func (Fetch) isRequest()         {}
func (DeleteOffsets) isRequest() {}
func (Describe) isRequest()      {}
func (List) isRequest()          {}
func (Delete) isRequest()        {}
func (TopicsDeleted) isRequest() {}
func (ListTopics) isRequest()    {}
func (SetMaxAppend) isRequest()  {}
