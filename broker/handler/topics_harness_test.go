package handler

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/authz/acl"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
)

// topicSettings is a broker's configuration as the rows of this area see it.
type topicSettings struct {
	auto, del  bool
	partitions int
	factor     int
}

func (s *topicSettings) ValidateTopicConfigs(c map[string]string) error {
	if _, bad := c["bad"]; bad {
		return wire.Errorf(wire.InvalidConfig, "Unknown topic config name: bad")
	}
	return nil
}

func (s *topicSettings) EffectiveTopicConfigs(c map[string]string) []EffectiveConfig {
	value := c["retention.ms"]
	return []EffectiveConfig{{Name: "retention.ms", Value: &value, Source: 1}, {Name: "hidden", Source: 5, ReadOnly: true, Sensitive: true}}
}

func (s *topicSettings) DefaultPartitions() int        { return s.partitions }
func (s *topicSettings) DefaultReplicationFactor() int { return s.factor }
func (s *topicSettings) AutoCreateTopics() bool        { return s.auto }
func (s *topicSettings) DeleteTopicsEnabled() bool     { return s.del }

// topicBroker is the areas of topics and of the cluster over a metadata log and real ACLs. "admin" is a super user.
type topicBroker struct {
	t        *testing.T
	log      *securityLog
	settings *topicSettings
	acls     *acl.Authorizer
	offline  map[string]bool
	topics   *Topics
	table    *api.Table
	bindings []authz.Binding
	denials  []authz.Need
}

func newTopicBroker(t *testing.T, brokers ...meta.Broker) *topicBroker {
	t.Helper()
	b := &topicBroker{
		t: t, log: &securityLog{Store: meta.NewStore()}, settings: &topicSettings{del: true, partitions: 1, factor: 1},
		acls: acl.New(acl.Config{SuperUsers: []auth.Principal{auth.User("admin")}}), offline: map[string]bool{},
	}
	b.acls.Load(1, nil)
	b.propose(&meta.SetCluster{ClusterID: "the-cluster"})
	if len(brokers) == 0 {
		brokers = []meta.Broker{brokerAt(1), brokerAt(2), brokerAt(3)}
	}
	for _, broker := range brokers {
		b.propose(&meta.RegisterBroker{Broker: broker})
	}
	topics := &Topics{Metadata: b.log, Defaults: b.settings, Draw: func(int) int { return 0 }}
	cluster := &Cluster{
		Metadata: b.log, Topics: topics, ControllerID: func() int32 { return 1 }, MaxDescribed: 2000,
		Offline: func(topic string, _ int32) bool { return b.offline[topic] },
	}
	table, err := api.NewTable(append(topics.Rows(), cluster.Rows()...)...)
	if err != nil {
		t.Fatal(err)
	}
	b.topics, b.table = topics, table
	return b
}

func brokerAt(id int32) meta.Broker {
	return meta.Broker{ID: id, Rack: "r", Endpoints: []meta.Endpoint{
		{Listener: "SASL_SSL", Protocol: "SASL_SSL", Host: "public", Port: 9000 + id}, {Listener: "INNER", Protocol: "SSL", Host: "inner", Port: 9100 + id},
	}}
}

func (b *topicBroker) propose(c meta.Command) {
	b.t.Helper()
	result, err := b.log.Propose(b.t.Context(), c)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, item := range result.Items {
		if item.Code != wire.None {
			b.t.Fatalf("%T: %+v", c, item)
		}
	}
}

// addTopic creates a topic with one partition per broker that is given.
func (b *topicBroker) addTopic(name string, id byte, leaders ...int32) meta.TopicID {
	b.t.Helper()
	n := meta.NewTopic{Name: name, ID: meta.TopicID{0: 9, 15: id}, Internal: name == "__consumer_offsets"}
	for _, l := range leaders {
		n.Replicas = append(n.Replicas, []int32{l})
	}
	b.propose(&meta.CreateTopics{Topics: []meta.NewTopic{n}})
	return n.ID
}

func (b *topicBroker) rule(permission authz.Permission, who string, op authz.Operation, on authz.Resource, pattern authz.PatternType) {
	b.bindings = append(b.bindings, authz.Binding{
		Type: on.Type, Name: on.Name, Pattern: pattern, Principal: "User:" + who, Host: "*", Operation: op, Permission: permission,
	})
	b.acls.Load(b.acls.Epoch()+1, b.bindings)
}

func (b *topicBroker) allow(who string, op authz.Operation, topic string) {
	b.rule(authz.Allow, who, op, authz.Resource{Type: authz.Topic, Name: topic}, authz.Literal)
}

func (b *topicBroker) deny(who string, op authz.Operation, topic string) {
	b.rule(authz.Deny, who, op, authz.Resource{Type: authz.Topic, Name: topic}, authz.Literal)
}

// sendTopic sends a request of a user through its row, both ways as bytes.
func sendTopic[R kmsg.Response](b *topicBroker, who string, version int16, q kmsg.Request) R {
	return sendTopicTo[R](b, "SASL_SSL", who, version, q)
}

func sendTopicTo[R kmsg.Response](b *topicBroker, listener, who string, version int16, q kmsg.Request) R {
	b.t.Helper()
	row, found := b.table.Row(q.Key())
	if !found {
		b.t.Fatalf("no row for API %d", q.Key())
	}
	if version < 0 {
		version = row.Max
	}
	q.SetVersion(version)
	c := callOf(b, who, q)
	c.Conn.Listener = listener
	c.Resolved = row.Resolve(c)
	granted, refused := authz.Grant(b.acls.Pin(), c.Subject(), row.Needs(c))
	c.Granted = granted
	b.denials = nil
	granted.Denials(func(n authz.Need, _ authz.Decision) bool { b.denials = append(b.denials, n); return true })
	if refused != nil {
		return overTheWire(b.t, row.Refuse(c, wire.ClusterAuthorizationFailed)).(R)
	}
	return overTheWire(b.t, row.Handle(b.t.Context(), c).Response).(R)
}

// callOf is a user's request as the server would decode it.
func callOf(b *topicBroker, who string, q kmsg.Request) *api.Call {
	b.t.Helper()
	received := kmsg.RequestForKey(q.Key())
	received.SetVersion(q.GetVersion())
	if err := received.ReadFrom(q.AppendTo(nil)); err != nil {
		b.t.Fatal(err)
	}
	row, found := b.table.Row(q.Key())
	if !found {
		b.t.Fatalf("no row for API %d", q.Key())
	}
	host := netip.MustParseAddr("10.0.0.1")
	return &api.Call{
		Conn: api.Conn{Listener: "SASL_SSL", Host: host}, Key: q.Key(), API: row.Name, Version: q.GetVersion(), Request: received,
		Received: time.UnixMilli(1), Session: &auth.Session{Principal: auth.User(who), Host: host},
	}
}

// racedLog is a log in which somebody else is faster.
type racedLog struct {
	MetadataLog
	before func()
}

func (l *racedLog) Propose(ctx context.Context, c meta.Command) (meta.Result, error) {
	l.before()
	return l.MetadataLog.Propose(ctx, c)
}
