package meta

import (
	"encoding/binary"
	"strings"

	iradix "github.com/hashicorp/go-immutable-radix/v2"

	"github.com/chronik-stream/chronik/authz"
)

// Image is the state of the cluster after one entry of the metadata log. It never changes; readers take no lock. What it
// returns must not be changed either.
type Image struct {
	index          uint64
	topicsIndex    uint64
	clusterID      string
	secret         []byte
	topics         *iradix.Tree[*Topic]            // by name
	topicIDs       *iradix.Tree[*Topic]            // by id
	folded         *iradix.Tree[string]            // names that have a '.' or '_', by their folded form
	configs        *iradix.Tree[map[string]string] // by ResourceKey, topics excepted
	acls           *iradix.Tree[authz.Binding]
	scram          *iradix.Tree[ScramCredential] // by user and mechanism
	tokens         *iradix.Tree[*Token]          // delegation tokens by id
	tokensByOwner  *iradix.Tree[*Token]          // by owner and id
	tokensByExpiry *iradix.Tree[*Token]          // by end and id
	quotas         *iradix.Tree[*Quotas]         // by entity
	// approvals are requests that take two persons, by id; approvalsByDigest are the same.
	approvals         *iradix.Tree[*Approval]
	approvalsByDigest *iradix.Tree[*Approval]
	created           *iradix.Tree[Created] // by minute and principal
	brokers           *iradix.Tree[*Broker]
	features          map[string]int16
	nextProducerID    int64
	audit             *iradix.Tree[*AuditRecord] // by index and sequence
	auditFrom         int64
	partitions        int
	principals        int // that have a configuration
}

// NewImage is the state before the first entry.
func NewImage() *Image {
	return &Image{
		topics: iradix.New[*Topic](), topicIDs: iradix.New[*Topic](), folded: iradix.New[string](), configs: iradix.New[map[string]string](),
		acls: iradix.New[authz.Binding](), scram: iradix.New[ScramCredential](), quotas: iradix.New[*Quotas](), brokers: iradix.New[*Broker](),
		tokens: iradix.New[*Token](), tokensByOwner: iradix.New[*Token](), tokensByExpiry: iradix.New[*Token](),
		approvals: iradix.New[*Approval](), approvalsByDigest: iradix.New[*Approval](),
		features: map[string]int16{}, audit: iradix.New[*AuditRecord](), created: iradix.New[Created](),
	}
}

// Index is the entry of the metadata log that made this image; 0 before the first.
func (img *Image) Index() uint64 { return img.index }

// TopicsIndex is the entry that last created, deleted or changed a topic, or the snapshot that this broker began with.
func (img *Image) TopicsIndex() uint64 { return img.topicsIndex }

// ClusterID is the cluster's id, 22 characters; "" before it is set.
func (img *Image) ClusterID() string { return img.clusterID }

// Secret is the cluster's secret, for what has to be the same on every broker and not to be guessed. It must not be changed.
func (img *Image) Secret() []byte { return img.secret }

// Topic returns a topic by name, or nil.
func (img *Image) Topic(name string) *Topic {
	t, _ := img.topics.Get([]byte(name))
	return t
}

// TopicByID returns a topic by id, or nil.
func (img *Image) TopicByID(id TopicID) *Topic {
	t, _ := img.topicIDs.Get(id[:])
	return t
}

// Colliding returns the topic whose name differs from this one only by '.' for '_', or nil: the names of metrics could not
// tell them apart, so there is never more than one (Apache Kafka's Topic.hasCollision).
func (img *Image) Colliding(name string) *Topic {
	other, found := img.folded.Get(fold(name))
	if !found || other == name {
		return nil
	}
	return img.Topic(other)
}

// fold makes names that collide equal.
func fold(name string) []byte { return []byte(strings.ReplaceAll(name, ".", "_")) }

func foldable(name string) bool { return strings.ContainsAny(name, "._") }

// Topics calls yield for each topic in the order of names.
func (img *Image) Topics(yield func(*Topic) bool) {
	img.topics.Root().Walk(func(_ []byte, t *Topic) bool { return !yield(t) })
}

// TopicCount is the number of topics.
func (img *Image) TopicCount() int { return img.topics.Len() }

// PartitionCount is the number of partitions of all topics.
func (img *Image) PartitionCount() int { return img.partitions }

// Config returns what is explicitly configured for a resource; nil where nothing is.
func (img *Image) Config(key ResourceKey) map[string]string {
	if key.Type == TopicConfig {
		if t := img.Topic(key.Name); t != nil {
			return t.Configs
		}
		return nil
	}
	c, _ := img.configs.Get(key.bytes())
	return c
}

// Configured calls yield for each resource of a kind that has a configuration, topics excepted.
func (img *Image) Configured(kind ConfigType, yield func(ResourceKey, map[string]string) bool) {
	img.configs.Root().WalkPrefix(kind.prefix(), func(k []byte, c map[string]string) bool {
		return !yield(ResourceKey{Type: kind, Name: string(k[1:])}, c)
	})
}

// ACLs calls yield for each ACL, in an order that is the same on every node.
func (img *Image) ACLs(yield func(authz.Binding) bool) {
	img.acls.Root().Walk(func(_ []byte, b authz.Binding) bool { return !yield(b) })
}

// ACLCount is the number of ACLs.
func (img *Image) ACLCount() int { return img.acls.Len() }

// Scram returns the credential of a user for a mechanism, or nil.
func (img *Image) Scram(user string, m ScramMechanism) *ScramCredential {
	c, found := img.scram.Get(scramKey(user, m))
	if !found {
		return nil
	}
	return &c
}

// ScramUsers calls yield for each user that has credentials, in the order of names.
func (img *Image) ScramUsers(yield func(user string, credentials []ScramCredential) bool) {
	user, of, going := "", []ScramCredential(nil), true
	img.scram.Root().Walk(func(_ []byte, c ScramCredential) bool {
		if len(of) > 0 && c.User != user {
			going = yield(user, of)
			of = nil
		}
		user, of = c.User, append(of, c)
		return !going
	})
	if going && len(of) > 0 {
		yield(user, of)
	}
}

func scramKey(user string, m ScramMechanism) []byte { return append(appendField(nil, user), byte(m)) }

// Broker returns a registered broker, or nil.
func (img *Image) Broker(id int32) *Broker {
	b, _ := img.brokers.Get(brokerKey(id))
	return b
}

// Brokers calls yield for each registered broker by rising id.
func (img *Image) Brokers(yield func(*Broker) bool) {
	img.brokers.Root().Walk(func(_ []byte, b *Broker) bool { return !yield(b) })
}

func brokerKey(id int32) []byte { return binary.BigEndian.AppendUint32(nil, uint32(id)) } //nolint:gosec // ids are not negative

// Features are the finalized feature levels; it must not be changed.
func (img *Image) Features() map[string]int16 { return img.features }

// NextProducerID is the first producer id that no block holds yet.
func (img *Image) NextProducerID() int64 { return img.nextProducerID }

// PendingAudit calls yield for each audit record that is not yet projected, by rising index and sequence.
func (img *Image) PendingAudit(yield func(*AuditRecord) bool) {
	img.audit.Root().Walk(func(_ []byte, r *AuditRecord) bool { return !yield(r) })
}

// AuditFrom is an offset of the audit log: what is pending and projected already lies at or after it.
func (img *Image) AuditFrom() int64 { return img.auditFrom }

func auditKey(index uint64, seq int) []byte {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64(nil, index), uint32(seq)) //nolint:gosec // counts from 0
}
