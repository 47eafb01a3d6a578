package server

import (
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/limit"
)

// usesRig is a rig that gathers uses for a minute. Its Metadata needs what needs points to.
func usesRig(t testing.TB, listener Listener, needs *authz.Needs) *rig {
	t.Helper()
	return newRig(t, listener, func(cfg *Config) {
		cfg.UsesInterval = time.Minute
		row, _ := cfg.Table.Row(3)
		row.Needs = func(*api.Call) authz.Needs { return *needs }
	})
}

func reads(names ...string) (needs []authz.Need) {
	for _, name := range names {
		needs = append(needs, authz.Need{Op: authz.Read, On: authz.Resource{Type: authz.Topic, Name: name}})
	}
	return needs
}

// counts are how often each name was read, of one tale.
func counts(uses []Use) map[string]uint64 {
	of := map[string]uint64{}
	for _, u := range uses {
		of[u.Need.On.Name] += u.Count
	}
	return of
}

func TestUsesAreToldWithTheirPeriodAndAtTheEnd(t *testing.T) {
	needs := authz.Needs{Each: reads("a", "b", "denied")}
	probe := reads("probed")
	probe[0].Probe = true
	needs.Each = append(needs.Each, probe...)
	r := usesRig(t, plainListener(), &needs)
	r.rules.deny("denied")
	c := r.dial()
	start := r.now()
	for range 3 {
		c.call(kmsg.NewPtrMetadataRequest(), 9)
		r.advance(time.Second)
	}
	if told := r.record.usesTold(); len(told) != 0 {
		t.Fatalf("told within the period: %+v", told)
	}
	r.advance(time.Minute)
	c.call(kmsg.NewPtrMetadataRequest(), 9)
	told := r.record.usesTold()
	if len(told) != 1 || fmt.Sprint(counts(told[0].uses)) != "map[a:3 b:3]" {
		t.Fatalf("told after the period: %+v", told)
	}
	u := told[0].uses[0]
	if u.API != "Metadata" || u.Version != 9 || !u.Decision.Allowed || u.Decision.Reason != "test" || !u.First.Equal(start) || !u.Last.Equal(start.Add(2*time.Second)) {
		t.Errorf("a use: %+v", u)
	}
	if told[0].clientID != "test" || told[0].session.Principal != auth.Anonymous() {
		t.Errorf("told of %+v", told[0])
	}
	r.stop()
	told = r.record.usesTold()
	if len(told) != 2 || fmt.Sprint(counts(told[1].uses)) != "map[a:1 b:1]" {
		t.Errorf("told at the end: %+v", told)
	}
}

// TestUsesByVersion: policies may look at a request's version, so requests of different ones are different uses.
func TestUsesByVersion(t *testing.T) {
	needs := authz.Needs{Each: reads("a")}
	r := usesRig(t, plainListener(), &needs)
	c := r.dial()
	for _, version := range []int16{9, 10, 9} {
		c.call(kmsg.NewPtrMetadataRequest(), version)
	}
	r.stop()
	got := map[int16]uint64{}
	for _, told := range r.record.usesTold() {
		for _, u := range told.uses {
			got[u.Version] += u.Count
		}
	}
	if fmt.Sprint(got) != "map[9:2 10:1]" {
		t.Errorf("uses by version: %v", got)
	}
}

// TestARefusedRequestUsesNothing: what else it was granted it did not do.
func TestARefusedRequestUsesNothing(t *testing.T) {
	needs := authz.Needs{All: reads("a", "denied")}
	r := usesRig(t, plainListener(), &needs)
	r.rules.deny("denied")
	c := r.dial()
	c.ask(kmsg.NewPtrMetadataRequest(), 9)
	if _, err := c.frame(); err != nil {
		t.Fatal(err)
	}
	r.stop()
	if told := r.record.usesTold(); len(told) != 0 {
		t.Errorf("told of a refused request: %+v", told)
	}
}

// TestAnyIsOneUse: of needs of which one is enough there is one use, by the one that was granted, with the others beside it.
func TestAnyIsOneUse(t *testing.T) {
	needs := authz.Needs{Any: reads("denied", "b", "c")}
	r := usesRig(t, plainListener(), &needs)
	r.rules.deny("denied")
	r.dial().call(kmsg.NewPtrMetadataRequest(), 9)
	r.stop()
	told := r.record.usesTold()
	if len(told) != 1 || len(told[0].uses) != 1 {
		t.Fatalf("told: %+v", told)
	}
	u := told[0].uses[0]
	if u.Need.On.Name != "denied" || len(u.Or) != 2 || u.Or[0].On.Name != "b" || !u.Decision.Allowed {
		t.Errorf("the use: %+v", u)
	}
}

// TestNothingIsGathered where that is off.
func TestNothingIsGathered(t *testing.T) {
	r := newRig(t, plainListener(), nil)
	r.dial().call(kmsg.NewPtrMetadataRequest(), 9)
	r.stop()
	if told := r.record.usesTold(); len(told) != 0 {
		t.Errorf("told: %+v", told)
	}
}

// TestUsesAreToldEarly: neither one connection nor all together remember more than their limits, and nothing is lost.
func TestUsesAreToldEarly(t *testing.T) {
	name := func(of string, i int) string { return fmt.Sprintf("%s-%d", of, i) }
	var needs authz.Needs
	r := usesRig(t, plainListener(), &needs)
	fill := func(of string, n int) {
		names := make([]string, n)
		for i := range names {
			names[i] = name(of, i)
		}
		needs.Each = reads(names...)
		r.dial().call(kmsg.NewPtrMetadataRequest(), 9)
	}
	fill("one", limit.UsesPerSessionMost+1)
	if told := r.record.usesTold(); len(told) != 1 || len(told[0].uses) != limit.UsesPerSessionMost {
		t.Fatalf("one connection: %d tales", len(told))
	}
	full := limit.UsesInPool/(limit.UsesPerSessionMost-limit.UsesPerSession) + 1
	for i := range full {
		fill(name("more", i), limit.UsesPerSessionMost)
	}
	if pooled := r.server.pooledUses.Load(); pooled > limit.UsesInPool {
		t.Errorf("%d uses in a pool of %d", pooled, limit.UsesInPool)
	}
	if told := r.record.usesTold(); len(told) < 2 {
		t.Error("the pool is full, and nobody told early")
	}
	fill("small", limit.UsesPerSession)
	before := len(r.record.usesTold())
	fill("small again", limit.UsesPerSession)
	if after := len(r.record.usesTold()); after != before {
		t.Error("a connection with few uses told early because others have many")
	}
	r.stop()
	total := uint64(0)
	for _, told := range r.record.usesTold() {
		for _, u := range told.uses {
			total += u.Count
		}
	}
	if want := limit.UsesPerSessionMost + 1 + full*limit.UsesPerSessionMost + 2*limit.UsesPerSession; total != uint64(want) {
		t.Errorf("%d uses were told, want %d", total, want)
	}
	if pooled := r.server.pooledUses.Load(); pooled != 0 {
		t.Errorf("%d uses are left in the pool", pooled)
	}
}

// granted is a connection and a granted call, for many topics of which each is read.
func granted(t testing.TB, topics int) (*conn, *api.Call) {
	t.Helper()
	names := make([]string, topics)
	for i := range names {
		names[i] = fmt.Sprintf("payments.region-%d.settled", i)
	}
	needs := authz.Needs{Each: reads(names...)}
	r := usesRig(t, plainListener(), &needs)
	view := ruleView{}
	g, _ := authz.Grant(view, authz.Subject{}, needs)
	call := &api.Call{API: "Fetch", Session: &auth.Session{}, Received: r.now(), Granted: g}
	return &conn{server: r.server}, call
}

// TestUsesTakeNoAllocation once they are known.
func TestUsesTakeNoAllocation(t *testing.T) {
	for _, topics := range []int{1, 100} {
		c, call := granted(t, topics)
		c.gatherUses(call)
		if n := testing.AllocsPerRun(100, func() { c.gatherUses(call) }); n != 0 {
			t.Errorf("%d topics: %v allocations", topics, n)
		}
		if got := c.uses.list[topics-1].count; got != 102 {
			t.Errorf("%d topics: counted %d", topics, got)
		}
	}
}

// BenchmarkUses is what gathering adds to a request, and Grant what that is to be compared with.
func BenchmarkUses(b *testing.B) {
	for _, topics := range []int{1, 10, 10_000} {
		c, call := granted(b, topics)
		c.gatherUses(call)
		b.Run(fmt.Sprintf("gather/%d", topics), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c.gatherUses(call)
			}
		})
		b.Run(fmt.Sprintf("grant/%d", topics), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				call.Granted.Regrant(ruleView{})
			}
		})
	}
}
