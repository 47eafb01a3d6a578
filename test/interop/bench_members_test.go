//go:build interop && bench

package interop

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// classicMember is a member of a group of the classic protocol.
type classicMember struct {
	*line
	group, id  string
	generation int32
	partitions []int32
}

func (m *classicMember) has() (int32, []int32) { return m.generation, m.partitions }

func (m *classicMember) enter(group string) error {
	m.group, m.id, m.partitions = group, "", nil
	return m.rejoin()
}

// rejoin joins and asks for the assignment until both are of one generation.
func (m *classicMember) rejoin() error {
	topics := kmsg.NewConsumerMemberMetadata()
	topics.Topics = []string{crowdTopic}
	for {
		q := kmsg.NewPtrJoinGroupRequest()
		q.Version, q.Group, q.MemberID, q.ProtocolType = 9, m.group, m.id, "consumer"
		q.SessionTimeoutMillis, q.RebalanceTimeoutMillis = 45_000, 60_000
		q.Protocols = []kmsg.JoinGroupRequestProtocol{{Name: "range", Metadata: topics.AppendTo(nil)}}
		r, err := ask[*kmsg.JoinGroupResponse](m.line, q)
		if err != nil {
			return err
		}
		m.id = r.MemberID
		if isOneOf(r.ErrorCode, kerr.MemberIDRequired, kerr.CoordinatorLoadInProgress, kerr.NotCoordinator, kerr.RebalanceInProgress) {
			continue
		}
		if err := kerr.ErrorForCode(r.ErrorCode); err != nil {
			return fmt.Errorf("join: %w", err)
		}
		if done, err := m.sync(r); done || err != nil {
			return err
		}
	}
}

func (m *classicMember) sync(joined *kmsg.JoinGroupResponse) (done bool, err error) {
	q := kmsg.NewPtrSyncGroupRequest()
	q.Version, q.Group, q.MemberID, q.Generation = 5, m.group, m.id, joined.Generation
	q.ProtocolType, q.Protocol = joined.ProtocolType, joined.Protocol
	if joined.LeaderID == m.id {
		q.GroupAssignment = shareOut(joined.Members)
	}
	r, err := ask[*kmsg.SyncGroupResponse](m.line, q)
	if err != nil {
		return false, err
	}
	if isOneOf(r.ErrorCode, kerr.RebalanceInProgress, kerr.IllegalGeneration) {
		return false, nil
	}
	if err := kerr.ErrorForCode(r.ErrorCode); err != nil {
		return false, fmt.Errorf("sync: %w", err)
	}
	var a kmsg.ConsumerMemberAssignment
	if err := a.ReadFrom(r.MemberAssignment); err != nil {
		return false, err
	}
	m.generation, m.partitions = joined.Generation, nil
	for _, topic := range a.Topics {
		m.partitions = append(m.partitions, topic.Partitions...)
	}
	return true, nil
}

func isOneOf(code int16, errs ...*kerr.Error) bool {
	return slices.ContainsFunc(errs, func(e *kerr.Error) bool { return e.Code == code })
}

// shareOut is what a leader makes of the members.
func shareOut(members []kmsg.JoinGroupResponseMember) []kmsg.SyncGroupRequestGroupAssignment {
	var all []kmsg.SyncGroupRequestGroupAssignment
	for i := range members {
		a := kmsg.NewConsumerMemberAssignment()
		topic := kmsg.ConsumerMemberAssignmentTopic{Topic: crowdTopic}
		for p := i; p < crowd; p += len(members) {
			topic.Partitions = append(topic.Partitions, int32(p))
		}
		a.Topics = append(a.Topics, topic)
		all = append(all, kmsg.SyncGroupRequestGroupAssignment{MemberID: members[i].MemberID, MemberAssignment: a.AppendTo(nil)})
	}
	return all
}

func (m *classicMember) beat() error {
	q := kmsg.NewPtrHeartbeatRequest()
	q.Version, q.Group, q.MemberID, q.Generation = 4, m.group, m.id, m.generation
	r, err := ask[*kmsg.HeartbeatResponse](m.line, q)
	if err != nil {
		return err
	}
	if isOneOf(r.ErrorCode, kerr.RebalanceInProgress, kerr.IllegalGeneration) {
		return m.rejoin()
	}
	if err := kerr.ErrorForCode(r.ErrorCode); err != nil {
		return fmt.Errorf("heartbeat: %w", err)
	}
	return nil
}

func (m *classicMember) leave() error {
	q := kmsg.NewPtrLeaveGroupRequest()
	q.Version, q.Group, q.Members = 5, m.group, []kmsg.LeaveGroupRequestMember{{MemberID: m.id}}
	r, err := ask[*kmsg.LeaveGroupResponse](m.line, q)
	if err != nil {
		return err
	}
	return kerr.ErrorForCode(r.ErrorCode)
}

// consumerMember is a member of a group of the consumer protocol.
type consumerMember struct {
	*line
	topic      [16]byte
	group, id  string
	epoch      int32
	partitions []int32
}

func (m *consumerMember) has() (int32, []int32) { return m.epoch, m.partitions }

func (m *consumerMember) enter(group string) error {
	m.group, m.id, m.epoch, m.partitions = group, fmt.Sprintf("member-%016x", rand.Uint64()), 0, nil
	q := m.request()
	q.RebalanceTimeoutMillis, q.SubscribedTopicNames, q.Topics = 60_000, []string{crowdTopic}, []kmsg.ConsumerGroupHeartbeatRequestTopic{}
	return m.send(q)
}

func (m *consumerMember) beat() error { return m.send(m.request()) }

func (m *consumerMember) leave() error {
	m.epoch = -1
	return m.send(m.request())
}

func (m *consumerMember) request() *kmsg.ConsumerGroupHeartbeatRequest {
	q := kmsg.NewPtrConsumerGroupHeartbeatRequest()
	q.Version, q.Group, q.MemberID, q.MemberEpoch = 1, m.group, m.id, m.epoch
	return q
}

// send sends a heartbeat, and says at once what it has made of an assignment, as clients do.
func (m *consumerMember) send(q *kmsg.ConsumerGroupHeartbeatRequest) error {
	for {
		r, err := ask[*kmsg.ConsumerGroupHeartbeatResponse](m.line, q)
		if err != nil {
			return err
		}
		if err := kerr.ErrorForCode(r.ErrorCode); kerr.IsRetriable(err) {
			continue
		} else if err != nil {
			return fmt.Errorf("heartbeat at epoch %d: %w", m.epoch, err)
		}
		m.epoch = r.MemberEpoch
		if r.Assignment == nil {
			return nil
		}
		m.partitions = nil
		owned := []kmsg.ConsumerGroupHeartbeatRequestTopic{}
		for _, topic := range r.Assignment.Topics {
			m.partitions = append(m.partitions, topic.Partitions...)
			owned = append(owned, kmsg.ConsumerGroupHeartbeatRequestTopic{TopicID: topic.TopicID, Partitions: topic.Partitions})
		}
		q = m.request()
		q.Topics = owned
	}
}
