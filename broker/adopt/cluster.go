package adopt

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/meta"
)

// Cluster is what the metadata log of Apache Kafka says, as far as there is a place for it here.
type Cluster struct {
	Topics map[meta.TopicID]*Topic
	ACLs   map[[16]byte]authz.Binding
	Users  map[scramKey]meta.ScramCredential
	// Tokens are the delegation tokens by their ids.
	Tokens map[string]*meta.Token
	// Quotas are the quotas of clients, by key.
	Quotas map[meta.QuotaEntity]map[string]float64
	// Configs are those of topics; other resources are counted in LeftOut.
	Configs map[string]map[string]string
	// NextProducerID is the first producer id that no broker has been given.
	NextProducerID int64
	Features       map[string]int16
	// End is the offset behind the last record that was read.
	End int64

	types map[int]recordType
	// otherQuotas are those of entities that there are none of here.
	otherQuotas, otherConfigs map[string]bool
	unknown                   map[int]int
	// transaction has the records of a metadata transaction (KIP-868) that has not ended; nil outside of one.
	transaction [][]byte
}

type scramKey struct {
	user      string
	mechanism meta.ScramMechanism
}

// Topic is a topic of Apache Kafka.
type Topic struct {
	Name       string
	ID         meta.TopicID
	Partitions map[int32]*Partition
}

// Partition says who holds a partition there.
type Partition struct {
	Replicas, ISR []int32
	Leader        int32
	LeaderEpoch   int32
}

func newCluster() *Cluster {
	return &Cluster{
		Topics: map[meta.TopicID]*Topic{}, ACLs: map[[16]byte]authz.Binding{}, Users: map[scramKey]meta.ScramCredential{},
		Configs: map[string]map[string]string{}, Features: map[string]int16{},
		Tokens: map[string]*meta.Token{}, Quotas: map[meta.QuotaEntity]map[string]float64{},
		types: recordTypes(), otherQuotas: map[string]bool{}, otherConfigs: map[string]bool{}, unknown: map[int]int{},
	}
}

// Types of records (apiKey of the schemas in metadata/src/main/resources/common/metadata of Apache Kafka).
const (
	registerBroker     = 0
	unregisterBroker   = 1
	topicRecord        = 2
	partitionRecord    = 3
	configRecord       = 4
	partitionChange    = 5
	fenceBroker        = 7
	unfenceBroker      = 8
	removeTopic        = 9
	delegationToken    = 10
	scramCredential    = 11
	featureLevel       = 12
	clientQuota        = 14
	producerIDs        = 15
	brokerChange       = 17
	accessControl      = 18
	removeAccess       = 19
	noOp               = 20
	zkMigrationState   = 21
	removeScram        = 22
	beginTransaction   = 23
	endTransaction     = 24
	abortTransaction   = 25
	removeToken        = 26
	registerController = 27
	clearELR           = 28
)

// recordFrame is the version of the frame around a record (MetadataRecordSerde).
const recordFrame = 1

// recordType is how one type is read: up to which version, and what it does. A type without an action says nothing that is needed here.
type recordType struct {
	newest int
	apply  func(*Cluster, *decoder)
}

// recordTypes are the types of Apache Kafka 4.3.
func recordTypes() map[int]recordType {
	return map[int]recordType{
		registerBroker: {}, unregisterBroker: {}, fenceBroker: {}, unfenceBroker: {}, brokerChange: {}, noOp: {}, zkMigrationState: {},
		registerController: {}, clearELR: {},
		topicRecord: {0, (*Cluster).topic}, partitionRecord: {2, (*Cluster).partition}, partitionChange: {2, (*Cluster).change},
		removeTopic: {0, (*Cluster).removeTopic}, configRecord: {0, (*Cluster).config},
		accessControl: {0, (*Cluster).acl}, removeAccess: {0, func(c *Cluster, d *decoder) { delete(c.ACLs, d.uuid()) }},
		scramCredential: {0, (*Cluster).scram}, removeScram: {0, (*Cluster).removeScram},
		featureLevel: {0, func(c *Cluster, d *decoder) { c.Features[d.text()] = d.int16() }},
		producerIDs:  {0, (*Cluster).producerIDs}, clientQuota: {0, (*Cluster).quota},
		delegationToken: {0, (*Cluster).token}, removeToken: {0, func(c *Cluster, d *decoder) { delete(c.Tokens, d.text()) }},
	}
}

// Apply takes the value of one record of the metadata log. Records of a transaction count when it ends.
func (c *Cluster) Apply(value []byte) error {
	d := &decoder{b: value}
	if frame := d.number(); d.err == nil && frame != recordFrame {
		return fmt.Errorf("%w: its frame has version %d", errMalformed, frame)
	}
	kind, version := d.number(), d.number()
	if d.err != nil {
		return d.err
	}
	switch kind {
	case beginTransaction:
		c.transaction = [][]byte{}
		return nil
	case abortTransaction:
		c.transaction = nil
		return nil
	case endTransaction:
		pending := c.transaction
		c.transaction = nil
		for _, v := range pending {
			if err := c.Apply(v); err != nil {
				return err
			}
		}
		return nil
	}
	if c.transaction != nil {
		c.transaction = append(c.transaction, slices.Clone(value))
		return nil
	}
	return c.one(kind, version, d)
}

func (c *Cluster) one(kind, version int, d *decoder) error {
	r, known := c.types[kind]
	if !known {
		c.unknown[kind]++
		return nil
	}
	if r.apply == nil {
		return nil
	}
	if version > r.newest {
		return fmt.Errorf("%w: type %d has version %d, this reads up to %d", errMalformed, kind, version, r.newest)
	}
	r.apply(c, d)
	if d.err != nil {
		return fmt.Errorf("type %d version %d: %w", kind, version, d.err)
	}
	return nil
}

func (c *Cluster) topic(d *decoder) {
	t := &Topic{Name: d.text(), ID: d.uuid(), Partitions: map[int32]*Partition{}}
	c.Topics[t.ID] = t
}

func (c *Cluster) partition(d *decoder) {
	number, id := d.int32(), meta.TopicID(d.uuid())
	p := &Partition{Replicas: d.int32s(), ISR: d.int32s()}
	d.int32s() // removing
	d.int32s() // adding
	p.Leader, p.LeaderEpoch = d.int32(), d.int32()
	t := c.Topics[id]
	if t == nil {
		d.fail("a partition of no topic")
		return
	}
	t.Partitions[number] = p
}

// noLeaderChange stands for the leader where a change leaves it (NO_LEADER_CHANGE).
const noLeaderChange = -2

// change is PartitionRegistration.merge of Apache Kafka.
func (c *Cluster) change(d *decoder) {
	number, id := d.int32(), meta.TopicID(d.uuid())
	t := c.Topics[id]
	if t == nil || t.Partitions[number] == nil {
		d.fail("a change of no partition")
		return
	}
	p := t.Partitions[number]
	d.tags(func(tag uint64, v *decoder) {
		switch tag {
		case 0:
			p.ISR = v.int32s()
		case 1:
			if leader := v.int32(); leader != noLeaderChange {
				p.Leader = leader
				p.LeaderEpoch = min(p.LeaderEpoch, math.MaxInt32-1) + 1
			}
		case 2:
			p.Replicas = v.int32s()
		}
	})
}

func (c *Cluster) removeTopic(d *decoder) {
	id := meta.TopicID(d.uuid())
	if t := c.Topics[id]; t != nil {
		delete(c.Configs, t.Name)
		delete(c.Topics, id)
	}
}

func (c *Cluster) config(d *decoder) {
	kind, resource, name := meta.ConfigType(d.int8()), d.text(), d.text()
	value, set := d.nullableText()
	if kind != meta.TopicConfig {
		label := fmt.Sprintf("%s of %s", name, configured(kind, resource))
		if delete(c.otherConfigs, label); set {
			c.otherConfigs[label] = true
		}
		return
	}
	if !set {
		delete(c.Configs[resource], name)
		return
	}
	if c.Configs[resource] == nil {
		c.Configs[resource] = map[string]string{}
	}
	c.Configs[resource][name] = value
}

// configured names a resource that is no topic.
func configured(kind meta.ConfigType, name string) string {
	const clientMetrics = 16
	switch {
	case kind == meta.BrokerConfig && name == "":
		return "all brokers"
	case kind == meta.BrokerConfig:
		return "broker " + name
	case kind == meta.GroupConfig:
		return "group " + name
	case kind == clientMetrics:
		return "client metrics " + name
	default:
		return fmt.Sprintf("%s, a resource of type %d", name, kind)
	}
}

func (c *Cluster) acl(d *decoder) {
	id := d.uuid()
	c.ACLs[id] = authz.Binding{
		Type: authz.ResourceType(d.int8()), Name: d.text(), Pattern: authz.PatternType(d.int8()), //nolint:gosec // Validate has the say
		Principal: d.text(), Host: d.text(), Operation: authz.Operation(d.int8()), Permission: authz.Permission(d.int8()), //nolint:gosec // as above
	}
}

func (c *Cluster) scram(d *decoder) {
	u := meta.ScramCredential{User: d.text(), Mechanism: meta.ScramMechanism(d.int8())} //nolint:gosec // checked below
	u.Salt, u.StoredKey, u.ServerKey = slices.Clone(d.bytes()), slices.Clone(d.bytes()), slices.Clone(d.bytes())
	u.Iterations = int(d.int32())
	if u.Mechanism != meta.ScramSHA256 && u.Mechanism != meta.ScramSHA512 {
		d.fail("an unknown SCRAM mechanism")
		return
	}
	c.Users[scramKey{u.User, u.Mechanism}] = u
}

func (c *Cluster) removeScram(d *decoder) {
	delete(c.Users, scramKey{d.text(), meta.ScramMechanism(d.int8())}) //nolint:gosec // an unknown one is not there
}

func (c *Cluster) producerIDs(d *decoder) {
	d.int32() // broker
	d.int64() // its epoch
	c.NextProducerID = d.int64()
}

func (c *Cluster) token(d *decoder) {
	t := &meta.Token{Owner: d.text(), Requester: d.text()}
	for range d.count(1) {
		t.Renewers = append(t.Renewers, d.text())
	}
	t.Issued, t.MaxTime, t.Expires, t.ID = d.int64(), d.int64(), d.int64(), d.text()
	c.Tokens[t.ID] = t
}

// LeftOut lists what there is no place for here.
func (c *Cluster) LeftOut() []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(c.otherConfigs)) {
		out = append(out, "the configuration "+name)
	}
	for _, q := range slices.Sorted(maps.Keys(c.otherQuotas)) {
		out = append(out, "the quota "+q)
	}
	for _, kind := range slices.Sorted(maps.Keys(c.unknown)) {
		out = append(out, fmt.Sprintf("%d metadata record(s) of the unknown type %d", c.unknown[kind], kind))
	}
	return out
}
