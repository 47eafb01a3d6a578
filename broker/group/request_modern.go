package group

import (
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Beat is a heartbeat of the consumer protocol (KIP-848), whose fields are in themselves what they may be. The answer is a *BeatAnswer,
// or a code.
type Beat struct {
	*BeatRequest
	// ClientID and ClientHost are what ConsumerGroupDescribe tells about the member.
	ClientID   string
	ClientHost string
	// NewID is the id of a member that brings none; the caller draws it at random.
	NewID    string
	Settings BeatSettings
	// Topics are the newest that the caller knows.
	Topics Topics
	// Matches are what regular expressions match in Topics; nil where none was looked for.
	Matches *Matches
	// Rights changes when the rules change of who may see which topic.
	Rights uint64
}

// BeatRequest is the request of Beat.
type BeatRequest = kmsg.ConsumerGroupHeartbeatRequest

// BeatSettings are the times of one consumer group.
type BeatSettings struct {
	// SessionTimeout ends a member that is not heard of (consumer.session.timeout.ms).
	SessionTimeout time.Duration
	// HeartbeatInterval is what members are asked to keep (consumer.heartbeat.interval.ms).
	HeartbeatInterval time.Duration
	// AssignmentInterval is the shortest time from one assignment to the next (consumer.assignment.interval.ms).
	AssignmentInterval time.Duration
}

// BeatAnswer answers a Beat.
type BeatAnswer struct {
	Response *kmsg.ConsumerGroupHeartbeatResponse
	// Due are regular expressions of the group; the member's next Beat should bring what they match.
	Due []string
}

// DescribeModern tells about a consumer group. The answer is a *kmsg.ConsumerGroupDescribeResponseGroup, or a code.
type DescribeModern struct {
	Group string
	// Topics give the names of what members have.
	Topics Topics
}

func (Beat) isRequest()           {}
func (DescribeModern) isRequest() {}
