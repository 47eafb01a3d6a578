package handler

import (
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/fetchsession"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/quota"
	"github.com/chronik-stream/chronik/broker/replica"
	"github.com/chronik-stream/chronik/broker/wire"
)

// Caps on the frames of this area's requests, in bytes.
const (
	// produceFrame is socket.request.max.bytes of Apache Kafka; the server's own limit may be lower.
	produceFrame = 100 << 20
	// fetchFrame holds a fetch of 100,000 partitions.
	fetchFrame = 8 << 20
	// askFrame is for ListOffsets and OffsetForLeaderEpoch of as many.
	askFrame = 8 << 20
)

// Records answers the APIs that write and read records.
type Records struct {
	// Image is the newest image of the metadata.
	Image    func() *meta.Image
	Replicas *replica.Set
	Sessions *fetchsession.Cache
	// Verification lets transactional batches into partitions.
	Verification *Verification
	// Changes records what DeleteRecords is about to do, and what came of it.
	Changes Changes
	// Approvals say what takes two persons, and Metadata keeps their requests.
	Approvals Approvals
	Metadata  MetadataLog
	// Quotas bound the bytes that clients write and read; nil bounds none.
	Quotas *quota.Manager
	Clock  func() time.Time
	// MaxFetchBytes is fetch.max.bytes: what one answer holds at the most, in bytes.
	MaxFetchBytes int32
	// Draining is closed when the broker shuts down: a fetch that waits is answered with what there is. Nil never is.
	Draining <-chan struct{}
	// fetched are the bytes of all answers to Fetch that are being made, wait, or are on their way.
	fetched atomic.Int64
}

// Rows are the rows of this area.
func (r *Records) Rows() []api.Row {
	return []api.Row{r.produce(), r.fetch(), r.listOffsets(), r.offsetForLeaderEpoch(), r.deleteRecords(), r.describeProducers()}
}

// find returns a partition to lead, or the error that the client is told.
func (r *Records) find(topic string, partition, knownEpoch int32) (*replica.Replica, error) {
	return Partitions{r.Image, r.Replicas}.find(topic, partition, knownEpoch)
}

// refusal is why no partition of a topic is served, or nil. It is asked once for each topic of a request: names may be long, and
// partitions many.
func (r *Records) refusal(granted *authz.Granted, op authz.Operation, topic string) error {
	if !granted.Has(op, authz.Topic, topic) {
		return wire.Errorf(wire.TopicAuthorizationFailed, "%s on topic %s is not authorized", op, topic)
	}
	if r.Image().Topic(topic) == nil {
		return wire.Errorf(wire.UnknownTopicOrPartition, "there is no topic %s", topic)
	}
	return nil
}

// leader is what a client that asked the wrong broker is told (KIP-951).
type leader struct {
	id, epoch int32
	node      *meta.Broker
	endpoint  meta.Endpoint
}

// leaderAfter finds the leader of a partition after an error that says that the client is wrong about it; ok is false for any
// other error, and where nobody leads.
func (r *Records) leaderAfter(code int16, listener, topic string, partition int32) (l leader, ok bool) {
	if code != wire.NotLeaderForPartition && code != wire.FencedLeaderEpoch {
		return leader{}, false
	}
	img := r.Image()
	t := img.Topic(topic)
	if t == nil || partition < 0 || int(partition) >= len(t.Partitions) {
		return leader{}, false
	}
	p := &t.Partitions[partition]
	l = leader{id: p.Leader, epoch: p.LeaderEpoch, node: img.Broker(p.Leader)}
	if l.node != nil {
		l.endpoint, ok = l.node.Endpoint(listener)
	}
	return l, ok
}

func (l *leader) rack() *string {
	if l.node.Rack == "" {
		return nil
	}
	return &l.node.Rack
}

// toldOf is what a client is told besides the code. What went wrong inside the broker is for its log alone.
func toldOf(err error) *string {
	var told *wire.Error
	if !errors.As(err, &told) || told.Code == wire.KafkaStorageError || told.Code == wire.UnknownServerError {
		return nil
	}
	return &told.Message
}

// topicNeeds asks an operation on each topic, once.
func topicNeeds(op authz.Operation, names []string) []authz.Need {
	return appendTopicNeeds(nil, op, names)
}

func appendTopicNeeds(needs []authz.Need, op authz.Operation, names []string) []authz.Need {
	needs = slices.Grow(needs, len(names))
	last := ""
	for _, name := range names {
		if name == "" || name == last {
			continue
		}
		last = name
		needs = append(needs, authz.Need{Op: op, On: authz.Resource{Type: authz.Topic, Name: name}})
	}
	return needs
}

// nameOf returns the name of a topic that a client named by name or, where it is empty, by id; "" where there is none.
func nameOf(img *meta.Image, name string, id meta.TopicID) string {
	if name != "" || id.IsZero() {
		return name
	}
	if t := img.TopicByID(id); t != nil {
		return t.Name
	}
	return ""
}
