package server

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"runtime"
	"testing"
	"testing/fstest"
	"time"
	"weak"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/authz/acl"
	"github.com/chronik-stream/chronik/authz/rego"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/handler"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/policies"
)

// aliceWrites are ACLs by which alice may write to some topics, and read others.
func aliceWrites() *acl.Authorizer {
	a := acl.New(acl.Config{})
	bindings := []authz.Binding{
		{Type: authz.Topic, Name: "pay", Pattern: authz.Prefixed, Principal: "User:alice", Host: "*", Operation: authz.Write, Permission: authz.Allow},
		{Type: authz.Topic, Name: "audit-", Pattern: authz.Prefixed, Principal: "User:*", Host: "*", Operation: authz.Write, Permission: authz.Deny},
	}
	for i := range 1000 {
		bindings = append(bindings, authz.Binding{
			Type: authz.Topic, Name: fmt.Sprintf("topic-%d", i), Pattern: authz.Literal, Principal: "User:alice", Host: "*", Operation: authz.Read,
			Permission: authz.Allow,
		})
	}
	a.Load(1, bindings)
	return a
}

// withPolicies adds the policies that ship with the broker, of personal data and of where data has to stay.
func withPolicies(tb testing.TB, acls authz.Authorizer) authz.Authorizer {
	tb.Helper()
	files := fstest.MapFS{
		"allow.rego": {Data: []byte("package kafka.authz\nallow if count(data.chronik.pii.deny) + count(data.chronik.residency.deny) + count(data.chronik.hours.deny) == 0")},
		"data.json":  {Data: []byte(`{"topics": [{"prefix": "pay", "labels": {"residency": "eu"}}], "residency": {"networks": {"eu": ["10.0.0.0/8"]}}}`)},
	}
	for _, name := range []string{"pii", "residency", "hours"} {
		source, err := policies.Source(name)
		if err != nil {
			tb.Fatal(err)
		}
		files[name+".rego"] = &fstest.MapFile{Data: []byte(source)}
	}
	engine, err := rego.New(tb.Context(), rego.Config{
		Source: rego.Dir(files), Clock: time.Now, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)), Limits: rego.Limits{Timeout: time.Minute},
	})
	if err != nil {
		tb.Fatal(err)
	}
	return rego.NewAuthorizer(rego.Rules{Mode: rego.Both, ACLs: acls, Engine: engine})
}

// producer is a connection of alice's with a request to write to topics that she may write to. The request is authorized once.
func producer(tb testing.TB, rules authz.Authorizer, topics int) (*conn, *exchange) {
	tb.Helper()
	r := newRig(tb, plainListener(), func(cfg *Config) { cfg.Authorizer, cfg.UsesInterval = rules, time.Hour })
	c := &conn{server: r.server, id: api.Conn{Listener: "TEST", Host: netip.MustParseAddr("10.0.0.1")}}
	c.own.budget, c.own.gauge = r.server.budget, r.server.cfg.Metrics.inFlight
	image := meta.NewImage()
	records := &handler.Records{Image: func() *meta.Image { return image }}
	q := kmsg.NewPtrProduceRequest()
	q.Version = 12
	for i := range topics {
		q.Topics = append(q.Topics, kmsg.ProduceRequestTopic{Topic: fmt.Sprintf("payments-%d", i)})
	}
	call := &api.Call{
		Conn: c.id, API: "Produce", Version: 12, Request: q, Received: r.now(), ClientID: "client",
		Session: &auth.Session{Principal: auth.User("alice"), Listener: "TEST", Method: "PLAIN", Protocol: "SASL_SSL", Host: c.id.Host},
	}
	x := &exchange{row: &records.Rows()[0], call: call, from: &c.own}
	if !c.authorize(x) || !call.Granted.Has(authz.Write, authz.Topic, "payments-0") {
		tb.Fatalf("not authorized: %+v", call.Granted)
	}
	return c, x
}

// TestAuthorizingTakesNoAllocation beside what the handler needs anyhow: the request on its way, with its topics' names.
func TestAuthorizingTakesNoAllocation(t *testing.T) {
	for name, rules := range map[string]authz.Authorizer{"acl": aliceWrites(), "acl+opa": withPolicies(t, aliceWrites())} {
		for _, topics := range []int{1, 2} {
			c, x := producer(t, rules, topics)
			handlers := testing.AllocsPerRun(100, func() { x.row.Resolve(x.call) })
			all := testing.AllocsPerRun(100, func() {
				if !c.authorize(x) {
					t.Fatal("refused")
				}
				c.takeBack(x)
			})
			if all > handlers || topics == 1 && all != 1 {
				t.Errorf("%s: %v allocations for %d topics, the handler's are %v", name, all, topics, handlers)
			}
		}
	}
}

// TestAConnectionKeepsNoRequest: neither the first one of a session nor the last one, however long it is silent after it.
func TestAConnectionKeepsNoRequest(t *testing.T) {
	for _, session := range []bool{true, false} {
		c, x := producer(t, aliceWrites(), 1)
		second := *x.call
		c.takeBack(x)
		if !session {
			second.Session = nil
		}
		if who := c.subject(&second); who.Request != authz.Request(&second) || who.Session != second.Session {
			t.Errorf("asked is for %+v", who)
		}
		first, last := weak.Make(x.call), weak.Make(&second)
		x = nil
		runtime.GC()
		if first.Value() != nil || last.Value() != nil {
			t.Errorf("with a session %t: the connection keeps its first request %t, its last %t", session, first.Value() != nil, last.Value() != nil)
		}
		runtime.KeepAlive(c)
	}
}

// TestWhatWasAllowedIsLostAtOnce: requests that are the same again and again are held to the rules as they are, and to the session that they
// come in, and each of their uses is noted with the ACL that allowed it.
func TestWhatWasAllowedIsLostAtOnce(t *testing.T) {
	rules := aliceWrites()
	c, x := producer(t, rules, 1)
	may := func() bool {
		c.authorize(x)
		defer c.takeBack(x)
		return x.call.Granted.Has(authz.Write, authz.Topic, "payments-0")
	}
	denied := authz.BindingDelta{Added: []authz.Binding{
		{Type: authz.Topic, Name: "payments-0", Pattern: authz.Literal, Principal: "User:*", Host: "*", Operation: authz.Write, Permission: authz.Deny},
	}}
	for round := range uint64(3) {
		for range 3 {
			if !may() {
				t.Fatal("denied by ACLs that allow")
			}
		}
		rules.Apply(2*round+2, denied)
		if may() {
			t.Fatal("allowed by an ACL of before")
		}
		rules.Apply(2*round+3, authz.BindingDelta{Removed: denied.Added})
	}
	if use := &c.uses.list[0]; len(c.uses.list) != 1 || use.count != 10 || use.key.rule == nil || use.key.rule.Name != "pay" {
		t.Errorf("noted %+v, want 10 uses of the ACL of a prefix", c.uses.list)
	}
	alice := x.call.Session
	x.call.Session = &auth.Session{Principal: auth.User("bob"), Listener: alice.Listener, Host: alice.Host}
	if may() {
		t.Error("bob is allowed what alice was")
	}
}

// TestOverlappingRequestsHaveTheirOwnRights: many of a connection are on their way, each with another topic, and nobody has rights once the
// next one may be authorized.
func TestOverlappingRequestsHaveTheirOwnRights(t *testing.T) {
	r := newRig(t, plainListener(), func(cfg *Config) {
		row, _ := cfg.Table.Row(0)
		row.Needs = func(c *api.Call) authz.Needs {
			on := authz.Resource{Type: authz.Topic, Name: c.Request.(*kmsg.ProduceRequest).Topics[0].Topic}
			return authz.Needs{Each: append(c.Room, authz.Need{Op: authz.Write, On: on})}
		}
	})
	r.rules.deny("denied")
	release := make(chan struct{})
	r.produce = func(_ context.Context, c *api.Call) api.Answer {
		response := kmsg.NewPtrProduceResponse()
		for _, name := range []string{"allowed", "denied", "other"} {
			if c.Granted.Has(authz.Write, authz.Topic, name) {
				response.Topics = append(response.Topics, kmsg.ProduceResponseTopic{Topic: name})
			}
		}
		return api.Answer{Later: func(context.Context) kmsg.Response {
			<-release
			if c.Granted != nil || c.Room != nil {
				response.ThrottleMillis = 1
			}
			return response
		}}
	}
	c := r.dial()
	asked := []string{"allowed", "denied", "other", "denied", "allowed"}
	first := c.id + 1
	for _, name := range asked {
		q := kmsg.NewPtrProduceRequest()
		q.Topics = []kmsg.ProduceRequestTopic{{Topic: name}}
		c.ask(q, 9)
	}
	close(release)
	for i, name := range asked {
		response := kmsg.NewPtrProduceResponse()
		response.Version = 9
		c.get(first+int32(i), response) //nolint:gosec // few
		if n := len(response.Topics); name == "denied" && n != 0 || name != "denied" && (n != 1 || response.Topics[0].Topic != name) {
			t.Errorf("%s: granted %+v", name, response.Topics)
		}
		if response.ThrottleMillis != 0 {
			t.Errorf("%s: it has rights after its handler has returned", name)
		}
	}
}

// BenchmarkAuthorize is all that a Produce request costs for being authorized: saying what it needs, deciding it, keeping what was granted,
// and noting the use.
func BenchmarkAuthorize(b *testing.B) {
	for name, rules := range map[string]authz.Authorizer{"acl": aliceWrites(), "acl+opa": withPolicies(b, aliceWrites())} {
		for _, topics := range []int{1, 10} {
			c, x := producer(b, rules, topics)
			b.Run(fmt.Sprintf("%s/%d", name, topics), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					c.authorize(x)
					c.takeBack(x)
				}
			})
		}
	}
}
