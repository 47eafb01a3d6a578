package handler

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
)

// quotaEntry is an entry of AlterClientQuotas for parts such as user=alice; a part without a name is the default.
func quotaEntry(entity, key string, value float64, remove bool) kmsg.AlterClientQuotasRequestEntry {
	out := kmsg.NewAlterClientQuotasRequestEntry()
	for part := range strings.SplitSeq(entity, ",") {
		e := kmsg.NewAlterClientQuotasRequestEntryEntity()
		kind, name, named := strings.Cut(part, "=")
		if e.Type = kind; named {
			e.Name = &name
		}
		out.Entity = append(out.Entity, e)
	}
	op := kmsg.NewAlterClientQuotasRequestEntryOp()
	op.Key, op.Value, op.Remove = key, value, remove
	out.Ops = append(out.Ops, op)
	return out
}

func (b *configsBench) alterQuotas(t *testing.T, validateOnly bool, entries ...kmsg.AlterClientQuotasRequestEntry) []int16 {
	t.Helper()
	resp := b.ask(t, &kmsg.AlterClientQuotasRequest{Entries: entries, ValidateOnly: validateOnly}).(*kmsg.AlterClientQuotasResponse)
	var codes []int16
	for i := range resp.Entries {
		codes = append(codes, resp.Entries[i].ErrorCode)
	}
	return codes
}

// described lists the entities that a filter finds, with their values.
func (b *configsBench) described(t *testing.T, strict bool, components ...kmsg.DescribeClientQuotasRequestComponent) []string {
	t.Helper()
	resp := b.ask(t, &kmsg.DescribeClientQuotasRequest{Strict: strict, Components: components}).(*kmsg.DescribeClientQuotasResponse)
	if resp.ErrorCode != wire.None {
		t.Fatalf("describe: %s", wire.CodeName(resp.ErrorCode))
	}
	out := []string{}
	for i := range resp.Entries {
		var parts []string
		for _, e := range resp.Entries[i].Entity {
			name := "<default>"
			if e.Name != nil {
				name = *e.Name
			}
			parts = append(parts, e.Type+"="+name)
		}
		out = append(out, strings.Join(parts, ","))
	}
	return out
}

func TestQuotasAreFoundByEveryFilter(t *testing.T) {
	b := newConfigsBench(t)
	entities := []string{"user", "user=alice", "user=alice,client-id=app", "user=alice,client-id", "user,client-id=app", "client-id=app", "client-id", "ip", "ip=10.0.0.1"}
	var entries []kmsg.AlterClientQuotasRequestEntry
	for _, e := range entities {
		key := meta.ProducerByteRate
		if strings.HasPrefix(e, "ip") {
			key = meta.ConnectionCreationRate
		}
		entries = append(entries, quotaEntry(e, key, 5, false))
	}
	if diff := cmp.Diff(make([]int16, len(entities)), b.alterQuotas(t, false, entries...)); diff != "" {
		t.Fatal(diff)
	}
	alice, app, host := "alice", "app", "10.0.0.1"
	component := func(entity string, match kmsg.QuotasMatchType, value *string) kmsg.DescribeClientQuotasRequestComponent {
		return kmsg.DescribeClientQuotasRequestComponent{EntityType: entity, MatchType: match, Match: value}
	}
	type components = []kmsg.DescribeClientQuotasRequestComponent
	cases := []struct {
		filter components
		strict bool
		want   []string
	}{
		{nil, true, []string{}},
		{components{component("user", 0, &alice)}, true, []string{"user=alice"}},
		{components{component("user", 0, &alice)}, false, []string{"user=alice", "user=alice,client-id=<default>", "user=alice,client-id=app"}},
		{components{component("user", 1, nil)}, true, []string{"user=<default>"}},
		{components{component("user", 2, nil)}, true, []string{"user=<default>", "user=alice"}},
		{components{component("user", 2, nil), component("client-id", 0, &app)}, true, []string{"user=<default>,client-id=app", "user=alice,client-id=app"}},
		{components{component("user", 0, &alice), component("client-id", 1, nil)}, false, []string{"user=alice,client-id=<default>"}},
		{components{component("client-id", 2, nil)}, true, []string{"client-id=<default>", "client-id=app"}},
		{components{component("ip", 2, nil)}, false, []string{"ip=<default>", "ip=10.0.0.1"}},
		{components{component("ip", 0, &host)}, true, []string{"ip=10.0.0.1"}},
	}
	for _, k := range cases {
		if diff := cmp.Diff(k.want, b.described(t, k.strict, k.filter...)); diff != "" {
			t.Errorf("%+v strict %v: %s", k.filter, k.strict, diff)
		}
	}
	if all := b.described(t, false); len(all) != len(entities) {
		t.Errorf("of %d entities a filter without components finds %v", len(entities), all)
	}
}

func TestQuotasAreAlteredAsAsked(t *testing.T) {
	b := newConfigsBench(t)
	rate := meta.ProducerByteRate
	cases := []struct {
		entries []kmsg.AlterClientQuotasRequestEntry
		want    []int16
	}{
		{
			[]kmsg.AlterClientQuotasRequestEntry{quotaEntry("user=a", rate, 5, false), quotaEntry("user=b", rate, -5, false)},
			[]int16{wire.None, wire.InvalidRequest},
		},
		{
			[]kmsg.AlterClientQuotasRequestEntry{quotaEntry("client-id=c", rate, 5, false), quotaEntry("client-id=c", rate, 6, false)},
			[]int16{wire.InvalidRequest, wire.InvalidRequest},
		},
		{[]kmsg.AlterClientQuotasRequestEntry{quotaEntry("user=c,user=d", rate, 5, false)}, []int16{wire.InvalidRequest}},
		{[]kmsg.AlterClientQuotasRequestEntry{quotaEntry("team=c", rate, 5, false)}, []int16{wire.InvalidRequest}},
		{[]kmsg.AlterClientQuotasRequestEntry{quotaEntry("user="+strings.Repeat("n", 2000), rate, 5, false)}, []int16{wire.InvalidRequest}},
		{[]kmsg.AlterClientQuotasRequestEntry{quotaEntry("user=never", rate, 0, true)}, []int16{wire.None}},
	}
	for _, k := range cases {
		if diff := cmp.Diff(k.want, b.alterQuotas(t, false, k.entries...)); diff != "" {
			t.Errorf("%+v: %s", k.entries, diff)
		}
	}
	twice := quotaEntry("user=c", rate, 5, false)
	twice.Ops = append(twice.Ops, twice.Ops[0])
	if got := b.alterQuotas(t, false, twice); got[0] != wire.InvalidRequest {
		t.Errorf("a key that stands twice: %d", got[0])
	}
	if got := b.alterQuotas(t, true, quotaEntry("user=tried", rate, 5, false), quotaEntry("user=bad", "no", 5, false)); got[0] != wire.None || got[1] != wire.InvalidRequest {
		t.Errorf("only tried: %v", got)
	}
	if diff := cmp.Diff([]string{"user=a"}, b.described(t, false)); diff != "" {
		t.Error(diff)
	}
	if got := b.alterQuotas(t, false, make([]kmsg.AlterClientQuotasRequestEntry, quotasPerRequest+1)...); got[0] != wire.PolicyViolation {
		t.Errorf("a request of too many: %d", got[0])
	}
	b.user = "nobody"
	if got := b.alterQuotas(t, false, quotaEntry("user=a", rate, 1, false)); got[0] != wire.ClusterAuthorizationFailed {
		t.Errorf("without the right: %d", got[0])
	}
}
