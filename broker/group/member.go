package group

import (
	"bytes"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// protocol is one way of assigning that a member supports, with what the member tells the leader for it.
type protocol struct {
	name     string
	metadata []byte
}

type member struct {
	id               string
	instance         *string
	clientID         string
	clientHost       string
	rebalanceTimeout time.Duration
	sessionTimeout   time.Duration
	// protocols are in the member's order of preference.
	protocols  []protocol
	assignment []byte
	// isNew members have not had the answer to their first join.
	isNew bool
	// joining and syncing are the tickets of parked requests; 0 means none.
	joining, syncing uint64
}

func newMember(id string, q Join) *member {
	mb := &member{id: id, instance: cloneString(q.InstanceID), clientID: q.ClientID, clientHost: q.ClientHost}
	mb.update(q)
	return mb
}

// update takes over what a join says about the member.
func (mb *member) update(q Join) {
	mb.sessionTimeout = time.Duration(q.SessionTimeoutMillis) * time.Millisecond
	mb.rebalanceTimeout = time.Duration(q.RebalanceTimeoutMillis) * time.Millisecond
	if q.RebalanceTimeoutMillis < 0 {
		mb.rebalanceTimeout = mb.sessionTimeout
	}
	mb.protocols = protocolsOf(q.Protocols)
	for i := range mb.protocols {
		mb.protocols[i].metadata = bytes.Clone(mb.protocols[i].metadata)
	}
}

// protocolsOf drops what a join says twice; its metadata is the request's own.
func protocolsOf(list []kmsg.JoinGroupRequestProtocol) []protocol {
	seen := make(map[string]struct{}, len(list))
	protocols := make([]protocol, 0, len(list))
	for _, p := range list {
		if _, twice := seen[p.Name]; twice {
			continue
		}
		seen[p.Name] = struct{}{}
		protocols = append(protocols, protocol{name: p.Name, metadata: p.Metadata})
	}
	return protocols
}

// matches reports whether a join says about protocols what the member said before.
func (mb *member) matches(q Join) bool {
	return slices.EqualFunc(mb.protocols, protocolsOf(q.Protocols), func(a, b protocol) bool {
		return a.name == b.name && bytes.Equal(a.metadata, b.metadata)
	})
}

// metadata is what the member says for the protocol of that name.
func (mb *member) metadata(name string) []byte {
	for _, p := range mb.protocols {
		if p.name == name {
			return p.metadata
		}
	}
	return nil
}

// waits reports whether the member is excused from heartbeats, because the answer that it waits for is the coordinator's to give.
func (mb *member) waits() bool { return !mb.isNew && (mb.joining != 0 || mb.syncing != 0) }

func cloneString(s *string) *string {
	if s == nil {
		return nil
	}
	c := *s
	return &c
}
