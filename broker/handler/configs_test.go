package handler

import (
	"context"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/authz/acl"
	"github.com/chronik-stream/chronik/authz/explain"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/config"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
)

// configsBench is the area over a real image with the topics t1 and, compacted and internal, __consumer_offsets.
type configsBench struct {
	*Configs
	log        *securityLog
	authorizer *acl.Authorizer
	user       string
}

func newConfigsBench(t *testing.T) *configsBench {
	t.Helper()
	c, _, err := config.Load(config.FromMap("test", map[string]string{
		"listeners": "PLAINTEXT://127.0.0.1:9092", "node.id": "1", "log.segment.bytes": "536870912", "super.users": "User:admin",
		"listener.name.plaintext.ssl.key.password": "hush",
	}))
	if err != nil {
		t.Fatal(err)
	}
	log := &securityLog{Store: meta.NewStore()}
	for _, command := range []meta.Command{
		&meta.RegisterBroker{Broker: meta.Broker{ID: 1}},
		&meta.CreateTopics{Topics: []meta.NewTopic{
			{Name: "t1", ID: meta.TopicID{1}, Replicas: [][]int32{{1}}},
			{
				Name: "__consumer_offsets", ID: meta.TopicID{2}, Replicas: [][]int32{{1}}, Internal: true,
				Configs: map[string]string{"cleanup.policy": "compact", "segment.bytes": "104857600"},
			},
		}},
	} {
		result, err := log.Propose(context.Background(), command)
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range result.Items {
			if item.Code != wire.None {
				t.Fatalf("%T: %s: %s", command, item.Name, item.Message)
			}
		}
	}
	log.proposed = 0
	authorizer := acl.New(acl.Config{SuperUsers: []auth.Principal{auth.User("admin")}})
	rules := &explain.Rules{
		Mode: "acl", Authorizer: authorizer, Invariant: Invariant, Protocols: map[string]string{"PLAINTEXT": "PLAINTEXT"},
		ACLs: func(f authz.Filter, yield func(authz.Binding) bool) { log.Image().MatchingACLs(f, yield) },
	}
	return &configsBench{Configs: &Configs{Metadata: log, Config: c, Rules: rules}, log: log, authorizer: authorizer, user: "admin"}
}

// ask sends a request through its row, authorization included, and returns the answer as a client decodes it.
func (b *configsBench) ask(t *testing.T, q kmsg.Request) kmsg.Response {
	t.Helper()
	table, err := api.NewTable(b.Rows()...)
	if err != nil {
		t.Fatal(err)
	}
	row, found := table.Row(q.Key())
	if !found {
		t.Fatalf("no row for API %d", q.Key())
	}
	q.SetVersion(row.Max)
	host := netip.MustParseAddr("10.0.0.1")
	c := &api.Call{
		Conn: api.Conn{Listener: "SASL_SSL", Host: host}, Key: q.Key(), API: row.Name, Version: row.Max, Request: q, Received: time.UnixMilli(1),
		Session: &auth.Session{Principal: auth.User(b.user), Host: host},
	}
	c.Resolved = row.Resolve(c)
	granted, refused := authz.Grant(b.authorizer.Pin(), c.Subject(), row.Needs(c))
	if refused != nil {
		return overTheWire(t, row.Refuse(c, wire.ClusterAuthorizationFailed))
	}
	c.Granted = granted
	return overTheWire(t, row.Handle(context.Background(), c).Response)
}

type configEntries map[string]kmsg.DescribeConfigsResponseResourceConfig

func (b *configsBench) describe(t *testing.T, kind kmsg.ConfigResourceType, name string, keys ...string) (configEntries, int16) {
	t.Helper()
	q := &kmsg.DescribeConfigsRequest{IncludeSynonyms: true, IncludeDocumentation: true}
	r := kmsg.NewDescribeConfigsRequestResource()
	r.ResourceType, r.ResourceName, r.ConfigNames = kind, name, keys
	q.Resources = append(q.Resources, r)
	resp := b.ask(t, q).(*kmsg.DescribeConfigsResponse)
	out := configEntries{}
	for _, e := range resp.Resources[0].Configs {
		out[e.Name] = e
	}
	return out, resp.Resources[0].ErrorCode
}

// shown is an entry in one line, as kafka-configs prints it.
func (e configEntries) shown(name string) string {
	entry, found := e[name]
	if !found {
		return "missing"
	}
	text := func(v *string) string {
		if v == nil {
			return "null"
		}
		return *v
	}
	out := name + "=" + text(entry.Value) + " " + entry.Source.String()
	for _, s := range entry.ConfigSynonyms {
		out += " " + s.Source.String() + ":" + s.Name + "=" + text(s.Value)
	}
	return out
}

type alteration struct {
	kind       kmsg.ConfigResourceType
	name       string
	op         kmsg.IncrementalAlterConfigOp
	key, value string
	null       bool
	want       int16
	message    string
}

func (b *configsBench) alter(t *testing.T, a alteration, validateOnly bool) *kmsg.IncrementalAlterConfigsResponseResource {
	t.Helper()
	q := &kmsg.IncrementalAlterConfigsRequest{ValidateOnly: validateOnly}
	r := kmsg.NewIncrementalAlterConfigsRequestResource()
	r.ResourceType, r.ResourceName = a.kind, a.name
	kv := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
	kv.Name, kv.Op, kv.Value = a.key, a.op, &a.value
	if a.null {
		kv.Value = nil
	}
	r.Configs = append(r.Configs, kv)
	q.Resources = append(q.Resources, r)
	return &b.ask(t, q).(*kmsg.IncrementalAlterConfigsResponse).Resources[0]
}

const (
	ofTopic  = kmsg.ConfigResourceTypeTopic
	ofBroker = kmsg.ConfigResourceTypeBroker
	ofLogger = kmsg.ConfigResourceTypeBrokerLogger
	ofGroup  = kmsg.ConfigResourceTypeGroupConfig
	set      = kmsg.IncrementalAlterConfigOpSet
	remove   = kmsg.IncrementalAlterConfigOpDelete
	appendTo = kmsg.IncrementalAlterConfigOpAppend
	subtract = kmsg.IncrementalAlterConfigOpSubtract
)

func TestDescribeConfigsAsKafkaDoes(t *testing.T) {
	b := newConfigsBench(t)
	for _, a := range []alteration{
		{kind: ofTopic, name: "t1", key: "retention.ms", value: " 1000 "},
		{kind: ofBroker, name: "1", key: "log.retention.ms", value: "5000"},
		{kind: ofBroker, key: "log.index.interval.bytes", value: "8192"},
		{kind: ofGroup, name: "g", key: "consumer.session.timeout.ms", value: "45000"},
	} {
		if r := b.alter(t, a, false); r.ErrorCode != wire.None {
			t.Fatalf("%+v: %d %s", a, r.ErrorCode, *r.ErrorMessage)
		}
	}
	for _, test := range []struct {
		kind       kmsg.ConfigResourceType
		name, want string
	}{
		{ofTopic, "t1", "retention.ms=1000 DYNAMIC_TOPIC_CONFIG DYNAMIC_TOPIC_CONFIG:retention.ms=1000 DYNAMIC_BROKER_CONFIG:log.retention.ms=5000 DEFAULT_CONFIG:log.retention.hours=168"},
		{ofTopic, "t1", "segment.bytes=536870912 STATIC_BROKER_CONFIG STATIC_BROKER_CONFIG:log.segment.bytes=536870912 DEFAULT_CONFIG:log.segment.bytes=1073741824"},
		{ofTopic, "t1", "index.interval.bytes=8192 DYNAMIC_DEFAULT_BROKER_CONFIG DYNAMIC_DEFAULT_BROKER_CONFIG:log.index.interval.bytes=8192 DEFAULT_CONFIG:log.index.interval.bytes=4096"},
		{ofTopic, "t1", "segment.ms=604800000 DEFAULT_CONFIG"},
		{ofTopic, "t1", "internal.segment.bytes missing"},
		{ofTopic, "__consumer_offsets", "cleanup.policy=compact DYNAMIC_TOPIC_CONFIG DYNAMIC_TOPIC_CONFIG:cleanup.policy=compact DEFAULT_CONFIG:log.cleanup.policy=delete"},
		{ofBroker, "1", "node.id=1 STATIC_BROKER_CONFIG STATIC_BROKER_CONFIG:node.id=1 DEFAULT_CONFIG:node.id=1"},
		{ofBroker, "1", "super.users=User:admin STATIC_BROKER_CONFIG STATIC_BROKER_CONFIG:super.users=User:admin DEFAULT_CONFIG:super.users="},
		{ofBroker, "1", "listener.name.plaintext.ssl.key.password=null STATIC_BROKER_CONFIG STATIC_BROKER_CONFIG:listener.name.plaintext.ssl.key.password=null"},
		{ofBroker, "1", "log.retention.ms=5000 DYNAMIC_BROKER_CONFIG DYNAMIC_BROKER_CONFIG:log.retention.ms=5000 DEFAULT_CONFIG:log.retention.hours=168"},
		{ofBroker, "", "log.index.interval.bytes=8192 DYNAMIC_DEFAULT_BROKER_CONFIG DYNAMIC_DEFAULT_BROKER_CONFIG:log.index.interval.bytes=8192"},
		{ofBroker, "", "log.retention.ms missing"},
		{ofGroup, "g", "consumer.session.timeout.ms=45000 GROUP_CONFIG GROUP_CONFIG:consumer.session.timeout.ms=45000 DEFAULT_CONFIG:group.consumer.session.timeout.ms=45000"},
		{ofGroup, "other", "consumer.heartbeat.interval.ms=5000 DEFAULT_CONFIG DEFAULT_CONFIG:group.consumer.heartbeat.interval.ms=5000"},
		{ofGroup, "other", "share.isolation.level=read_uncommitted DEFAULT_CONFIG DEFAULT_CONFIG:share.isolation.level=read_uncommitted"},
		{ofTopic, "t1", "flush.ms=9223372036854775807 DEFAULT_CONFIG"},
		{ofBroker, "1", "zookeeper.connect missing"},
		{ofLogger, "1", "root=INFO DYNAMIC_BROKER_LOGGER_CONFIG"},
	} {
		entries, code := b.describe(t, test.kind, test.name)
		if code != wire.None {
			t.Errorf("%d %s: code %d", test.kind, test.name, code)
		}
		if name, gone := strings.CutSuffix(test.want, " missing"); gone {
			if _, found := entries[name]; found {
				t.Errorf("%d %s shows %s", test.kind, test.name, name)
			}
			continue
		}
		name, _, _ := strings.Cut(test.want, "=")
		if got := entries.shown(name); got != test.want {
			t.Errorf("%d %s:\n got %s\nwant %s", test.kind, test.name, got, test.want)
		}
	}
}

func TestDescribeConfigsTellsTypesAndWhatIsReadOnly(t *testing.T) {
	b := newConfigsBench(t)
	entries, _ := b.describe(t, ofBroker, "1")
	for name, want := range map[string]struct {
		kind                kmsg.ConfigType
		readOnly, sensitive bool
	}{
		"log.retention.ms": {kmsg.ConfigTypeLong, false, false}, "node.id": {kmsg.ConfigTypeInt, true, false},
		"ssl.keystore.password": {kmsg.ConfigTypePassword, true, true}, "log.dirs": {kmsg.ConfigTypeList, true, false},
		"auto.create.topics.enable": {kmsg.ConfigTypeBoolean, true, false}, "chronik.flush.policy": {kmsg.ConfigTypeString, true, false},
	} {
		e := entries[name]
		if e.ConfigType != want.kind || e.ReadOnly != want.readOnly || e.IsSensitive != want.sensitive || e.Documentation == nil || *e.Documentation == "" {
			t.Errorf("%s is %+v", name, e)
		}
	}
	if some, _ := b.describe(t, ofTopic, "t1", "retention.ms", "no.such.key"); len(some) != 1 || some["retention.ms"].Name == "" {
		t.Errorf("one of the keys asked for exists; shown are %v", some)
	}
}

func TestDescribeConfigsRefuses(t *testing.T) {
	b := newConfigsBench(t)
	for _, test := range []struct {
		kind kmsg.ConfigResourceType
		name string
		want int16
	}{
		{ofTopic, "no-such-topic", wire.UnknownTopicOrPartition},
		{ofTopic, "", wire.InvalidTopicException},
		{ofTopic, "a/b", wire.InvalidTopicException},
		{ofBroker, "7", wire.InvalidRequest},
		{ofLogger, "", wire.InvalidRequest},
		{ofLogger, "7", wire.InvalidRequest},
		{ofGroup, "", wire.InvalidRequest},
		{kmsg.ConfigResourceTypeClientMetrics, "x", wire.InvalidRequest},
		{99, "x", wire.InvalidRequest},
	} {
		if entries, code := b.describe(t, test.kind, test.name); code != test.want || len(entries) != 0 {
			t.Errorf("%d %q: code %d with %d entries, want %d", test.kind, test.name, code, len(entries), test.want)
		}
	}
}

func TestConfigsNeedRights(t *testing.T) {
	b := newConfigsBench(t)
	b.user = "alice"
	for kind, want := range map[kmsg.ConfigResourceType]int16{
		ofTopic: wire.TopicAuthorizationFailed, ofBroker: wire.ClusterAuthorizationFailed, ofLogger: wire.ClusterAuthorizationFailed,
		ofGroup: wire.GroupAuthorizationFailed,
	} {
		for _, name := range []string{"t1", "1", "no-such"} {
			if entries, code := b.describe(t, kind, name); code != want || len(entries) != 0 {
				t.Errorf("describe %d %s: code %d with %d entries, want %d", kind, name, code, len(entries), want)
			}
			a := alteration{kind: kind, name: name, key: "retention.ms", value: "1"}
			if r := b.alter(t, a, false); r.ErrorCode != want {
				t.Errorf("alter %d %s: code %d, want %d", kind, name, r.ErrorCode, want)
			}
		}
	}
	if code := b.ask(t, &kmsg.ListConfigResourcesRequest{}).(*kmsg.ListConfigResourcesResponse).ErrorCode; code != wire.ClusterAuthorizationFailed {
		t.Errorf("list: code %d", code)
	}
	if code := b.ask(t, &kmsg.DescribeClientQuotasRequest{}).(*kmsg.DescribeClientQuotasResponse).ErrorCode; code != wire.ClusterAuthorizationFailed {
		t.Errorf("quotas: code %d", code)
	}
	if b.log.proposed != 0 {
		t.Errorf("%d commands were proposed", b.log.proposed)
	}

	b.authorizer.Load(1, []authz.Binding{{
		Type: authz.Topic, Name: "t1", Pattern: authz.Literal, Principal: "User:alice", Host: "*", Operation: authz.AlterConfigs, Permission: authz.Allow,
	}})
	if r := b.alter(t, alteration{kind: ofTopic, name: "t1", key: "retention.ms", value: "1"}, false); r.ErrorCode != wire.None {
		t.Errorf("alter with the right: code %d", r.ErrorCode)
	}
	if _, code := b.describe(t, ofTopic, "t1"); code != wire.None { // ALTER_CONFIGS implies DESCRIBE_CONFIGS
		t.Errorf("describe with the right: code %d", code)
	}
}

func TestIncrementalAlterConfigsRefuses(t *testing.T) {
	b := newConfigsBench(t)
	for _, a := range []alteration{
		{kind: ofTopic, name: "no-such-topic", key: "retention.ms", value: "1", want: wire.UnknownTopicOrPartition, message: "no-such-topic"},
		{kind: ofTopic, name: "t1", key: "no.such.key", value: "1", want: wire.InvalidConfig, message: "Unknown topic config name: no.such.key"},
		{kind: ofTopic, name: "t1", key: "retention.ms", value: "soon", want: wire.InvalidConfig, message: "Invalid value soon for configuration retention.ms"},
		{kind: ofTopic, name: "t1", key: "cleanup.policy", value: "shrink", want: wire.InvalidConfig, message: "cleanup.policy"},
		{kind: ofTopic, name: "t1", op: appendTo, key: "cleanup.policy", value: "shrink", want: wire.InvalidConfig, message: "cleanup.policy"},
		{kind: ofTopic, name: "t1", op: appendTo, key: "retention.ms", value: "1", want: wire.InvalidConfig, message: "Can't APPEND to key retention.ms"},
		{kind: ofTopic, name: "t1", key: "retention.ms", null: true, want: wire.InvalidRequest, message: "Null value not supported for : retention.ms"},
		{kind: ofTopic, name: "t1", op: 9, key: "retention.ms", want: wire.InvalidRequest, message: "retention.ms"},
		{kind: ofTopic, name: "t1", key: "retention.ms", value: strings.Repeat(" ", configValue+1), want: wire.InvalidConfig, message: "longer"},
		{kind: ofTopic, name: "__consumer_offsets", key: "cleanup.policy", value: "delete", want: wire.InvalidConfig, message: "internal topic"},
		{kind: ofTopic, name: "__consumer_offsets", op: remove, key: "cleanup.policy", want: wire.InvalidConfig, message: "internal topic"},
		{kind: ofTopic, name: "__consumer_offsets", op: subtract, key: "cleanup.policy", value: "compact", want: wire.InvalidConfig, message: "internal topic"},
		{kind: ofBroker, name: "1", key: "node.id", value: "5", want: wire.InvalidRequest, message: "Cannot update these configs dynamically: [node.id]"},
		{kind: ofBroker, name: "1", key: "no.such.key", value: "5", want: wire.InvalidRequest, message: "[no.such.key]"},
		{kind: ofBroker, key: "max.connections", value: "5", want: wire.InvalidRequest, message: "[max.connections]"},
		{kind: ofBroker, name: "1", key: "log.retention.ms", value: "soon", want: wire.InvalidRequest, message: "Invalid value soon for configuration log.retention.ms"},
		{kind: ofBroker, name: "7", key: "log.retention.ms", value: "1", want: wire.InvalidRequest, message: "expected 1 or empty string"},
		{kind: ofLogger, name: "1", key: "root", value: "DEBUG", want: wire.InvalidRequest, message: "chronik.log.level"},
		{kind: ofGroup, name: "g", key: "no.such.key", value: "1", want: wire.InvalidConfig, message: "Unknown group config name: no.such.key"},
		{kind: ofGroup, name: "g", key: "consumer.session.timeout.ms", value: "100", want: wire.InvalidConfig, message: "consumer.session.timeout.ms must be greater than or equal to group.consumer.min.session.timeout.ms"},
		{kind: ofGroup, name: "g", key: "consumer.heartbeat.interval.ms", value: "15001", want: wire.InvalidConfig, message: "consumer.heartbeat.interval.ms must be less than or equal to group.consumer.max.heartbeat.interval.ms"},
		{kind: ofGroup, key: "consumer.session.timeout.ms", value: "45000", want: wire.InvalidRequest, message: "empty"},
		{kind: 16, name: "m", key: "x", value: "1", want: wire.InvalidRequest, message: "Unsupported resource type"},
	} {
		r := b.alter(t, a, false)
		if r.ErrorCode != a.want || r.ErrorMessage == nil || !strings.Contains(*r.ErrorMessage, a.message) {
			t.Errorf("%+v:\n got %d %v", a, r.ErrorCode, r.ErrorMessage)
		}
	}
	if b.log.proposed != 0 {
		t.Errorf("%d commands were proposed", b.log.proposed)
	}
}

func TestDuplicatesAreRefused(t *testing.T) {
	b := newConfigsBench(t)
	value := "1"
	kv := kmsg.IncrementalAlterConfigsRequestResourceConfig{Name: "retention.ms", Value: &value}
	q := &kmsg.IncrementalAlterConfigsRequest{Resources: []kmsg.IncrementalAlterConfigsRequestResource{
		{ResourceType: ofBroker, ResourceName: "1"},
		{ResourceType: ofBroker, ResourceName: "1"},
		{ResourceType: ofTopic, ResourceName: "t1", Configs: []kmsg.IncrementalAlterConfigsRequestResourceConfig{kv, kv}},
	}}
	for i, r := range b.ask(t, q).(*kmsg.IncrementalAlterConfigsResponse).Resources {
		if r.ErrorCode != wire.InvalidRequest {
			t.Errorf("resource %d: code %d", i, r.ErrorCode)
		}
	}
	many := &kmsg.DescribeConfigsRequest{Resources: make([]kmsg.DescribeConfigsRequestResource, configResources+1)}
	for i, r := range b.ask(t, many).(*kmsg.DescribeConfigsResponse).Resources {
		if r.ErrorCode != wire.PolicyViolation {
			t.Fatalf("resource %d of too many: code %d", i, r.ErrorCode)
		}
	}
}

func TestIncrementalAlterConfigsSetsAndRemoves(t *testing.T) {
	b := newConfigsBench(t)
	explicit := func() map[string]string { return b.Metadata.Image().Topic("t1").Configs }
	step := func(a alteration, validateOnly bool, want map[string]string) {
		t.Helper()
		a.kind, a.name = ofTopic, "t1"
		if r := b.alter(t, a, validateOnly); r.ErrorCode != wire.None {
			t.Fatalf("%+v: %d %s", a, r.ErrorCode, *r.ErrorMessage)
		}
		if got := explicit(); !maps.Equal(got, want) {
			t.Errorf("%+v: the topic has %v, want %v", a, got, want)
		}
	}
	step(alteration{key: "retention.ms", value: "1000"}, true, map[string]string{})
	step(alteration{key: "retention.ms", value: "1000"}, false, map[string]string{"retention.ms": "1000"})
	step(alteration{op: appendTo, key: "cleanup.policy", value: "delete"}, false, map[string]string{"retention.ms": "1000", "cleanup.policy": "delete"})
	step(alteration{op: remove, key: "retention.ms", null: true}, false, map[string]string{"cleanup.policy": "delete"})
	step(alteration{op: remove, key: "cleanup.policy", null: true}, false, map[string]string{})
	step(alteration{op: remove, key: "no.such.key", null: true}, false, map[string]string{})

	var audited []string
	b.Metadata.Image().PendingAudit(func(r *meta.AuditRecord) bool {
		if r.Action == "IncrementalAlterConfigs" {
			audited = append(audited, r.Resource+" "+r.Before["retention.ms"]+">"+r.After["retention.ms"])
		}
		return true
	})
	if want := []string{"t1 >1000", "t1 >", "t1 1000>", "t1 >", "t1 >"}; !slices.Equal(audited, want) {
		t.Errorf("audited %q, want %q", audited, want)
	}
}

func TestAlterConfigsReplaces(t *testing.T) {
	b := newConfigsBench(t)
	value := "1048576"
	replace := func(topic, key string) int16 {
		q := &kmsg.AlterConfigsRequest{Resources: []kmsg.AlterConfigsRequestResource{{
			ResourceType: ofTopic, ResourceName: topic, Configs: []kmsg.AlterConfigsRequestResourceConfig{{Name: key, Value: &value}},
		}}}
		return b.ask(t, q).(*kmsg.AlterConfigsResponse).Resources[0].ErrorCode
	}
	for _, key := range []string{"retention.ms", "segment.bytes"} {
		if code := replace("t1", key); code != wire.None {
			t.Errorf("replace by %s: code %d", key, code)
		}
	}
	if diff := cmp.Diff(map[string]string{"segment.bytes": value}, b.Metadata.Image().Topic("t1").Configs); diff != "" {
		t.Error(diff)
	}
	if code := replace("t1", "no.such.key"); code != wire.InvalidConfig {
		t.Errorf("unknown key: code %d", code)
	}
	if code := replace("__consumer_offsets", "retention.bytes"); code != wire.None {
		t.Errorf("internal topic: code %d", code)
	}
	want := map[string]string{"cleanup.policy": "compact", "retention.bytes": value}
	if diff := cmp.Diff(want, b.Metadata.Image().Topic("__consumer_offsets").Configs); diff != "" {
		t.Errorf("an internal topic lost its clean-up policy: %s", diff)
	}
}

func TestListConfigResources(t *testing.T) {
	b := newConfigsBench(t)
	b.alter(t, alteration{kind: ofGroup, name: "g", key: "consumer.session.timeout.ms", value: "45000"}, false)
	list := func(types ...int8) (names []string, code int16) {
		resp := b.ask(t, &kmsg.ListConfigResourcesRequest{ResourceTypes: types}).(*kmsg.ListConfigResourcesResponse)
		for _, r := range resp.ConfigResources {
			names = append(names, kmsg.ConfigResourceType(r.Type).String()+" "+r.Name)
		}
		return names, resp.ErrorCode
	}
	want := []string{"TOPIC __consumer_offsets", "TOPIC t1", "BROKER 1", "BROKER_LOGGER 1", "GROUP_CONFIG g"}
	if names, code := list(); code != wire.None || !slices.Equal(names, want) {
		t.Errorf("all: %q, code %d", names, code)
	}
	if names, code := list(32, 16, 32); code != wire.None || !slices.Equal(names, want[4:]) {
		t.Errorf("groups: %q, code %d", names, code)
	}
	if names, code := list(3); code != wire.UnsupportedVersion || names != nil {
		t.Errorf("an unknown type: %q, code %d", names, code)
	}
}

func TestDescribeClientQuotas(t *testing.T) {
	b := newConfigsBench(t)
	name := "alice"
	component := func(entity string, match kmsg.QuotasMatchType, value *string) kmsg.DescribeClientQuotasRequestComponent {
		return kmsg.DescribeClientQuotasRequestComponent{EntityType: entity, MatchType: match, Match: value}
	}
	for _, test := range []struct {
		components []kmsg.DescribeClientQuotasRequestComponent
		want       int16
	}{
		{nil, wire.None},
		{[]kmsg.DescribeClientQuotasRequestComponent{component("user", 0, &name), component("client-id", 1, nil)}, wire.None},
		{[]kmsg.DescribeClientQuotasRequestComponent{component("user", 2, nil)}, wire.None},
		{[]kmsg.DescribeClientQuotasRequestComponent{component("", 0, &name)}, wire.InvalidRequest},
		{[]kmsg.DescribeClientQuotasRequestComponent{component("team", 0, &name)}, wire.UnsupportedVersion},
		{[]kmsg.DescribeClientQuotasRequestComponent{component("user", 0, nil)}, wire.InvalidRequest},
		{[]kmsg.DescribeClientQuotasRequestComponent{component("user", 1, &name)}, wire.InvalidRequest},
		{[]kmsg.DescribeClientQuotasRequestComponent{component("user", 3, nil)}, wire.InvalidRequest},
		{[]kmsg.DescribeClientQuotasRequestComponent{component("user", 2, nil), component("user", 2, nil)}, wire.InvalidRequest},
		{[]kmsg.DescribeClientQuotasRequestComponent{component("user", 2, nil), component("ip", 2, nil)}, wire.InvalidRequest},
	} {
		resp := b.ask(t, &kmsg.DescribeClientQuotasRequest{Components: test.components}).(*kmsg.DescribeClientQuotasResponse)
		if resp.ErrorCode != test.want || (resp.Entries == nil) != (test.want != wire.None) || len(resp.Entries) != 0 {
			t.Errorf("%+v: code %d, entries %v", test.components, resp.ErrorCode, resp.Entries)
		}
	}
}

// TestListsOfBrokersAreChecked: what is appended to a list of a broker has to be a value of it.
func TestListsOfBrokersAreChecked(t *testing.T) {
	b := newConfigsBench(t)
	b.user = "admin"
	appended := alteration{kind: kmsg.ConfigResourceTypeBroker, op: appendTo, key: "log.cleanup.policy", value: "nonsense"}
	if r := b.alter(t, appended, false); r.ErrorCode != wire.InvalidRequest {
		t.Errorf("nonsense is appended: %+v", r)
	}
	appended.value = "compact"
	if r := b.alter(t, appended, false); r.ErrorCode != wire.None {
		t.Errorf("compact is not: %+v", r)
	}
	if set := b.log.Image().Config(meta.ResourceKey{Type: meta.BrokerConfig})["log.cleanup.policy"]; set != "delete,compact" {
		t.Errorf("the list is %q", set)
	}
	removed := alteration{kind: kmsg.ConfigResourceTypeBroker, op: subtract, key: "log.cleanup.policy", value: "delete,compact"}
	if r := b.alter(t, removed, false); r.ErrorCode != wire.None {
		t.Errorf("a list can not be emptied: %+v", r)
	}
}
