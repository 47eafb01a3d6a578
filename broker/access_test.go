package broker

import (
	"fmt"
	"testing"
	"time"

	"github.com/chronik-stream/chronik/audit"
	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/server"
)

// TestUsesOfOneKindShareEvents: a client of many topics makes few events, and nothing is put together that differs in more than the name.
func TestUsesOfOneKindShareEvents(t *testing.T) {
	rule := func(name string) *authz.Binding { return &authz.Binding{Type: authz.Topic, Name: name} }
	noon := time.UnixMilli(1_760_000_000_000)
	use := func(api string, op authz.Operation, topic string, by *authz.Binding) server.Use {
		need := authz.Need{Op: op, On: authz.Resource{Type: authz.Topic, Name: topic}}
		return server.Use{API: api, Need: need, Decision: authz.Decision{Allowed: true, Rule: by}, Count: 2, First: noon, Last: noon.Add(time.Second)}
	}
	var uses []server.Use
	for i := range 2*audit.AccessNames + 1 {
		// The same ACL may be another one in memory after a change of others.
		uses = append(uses, use("Fetch", authz.Read, fmt.Sprint("t-", i), rule("t")))
	}
	uses = append(uses, use("Fetch", authz.Read, "u", rule("u")), use("Fetch", authz.Read, "v", nil), use("Produce", authz.Write, "v", nil), use("Metadata", authz.Write, "v", nil))
	whichever := use("InitProducerId", authz.Write, "", nil)
	whichever.Need.AnyOfType = true
	uses = append(uses, whichever)
	newer := use("Metadata", authz.Write, "v", nil)
	newer.Version = 13
	uses = append(uses, newer)
	got := accessesOf(audit.Client{Host: "10.0.0.9"}, uses)
	sizes := make([]int, len(got))
	for i, a := range got {
		sizes[i] = len(a.Resources)
		if a.Client.Host != "10.0.0.9" {
			t.Errorf("event %d is about %+v", i, a.Client)
		}
	}
	if want := []int{audit.AccessNames, audit.AccessNames, 1, 1, 1, 1, 1, 1, 1}; fmt.Sprint(sizes) != fmt.Sprint(want) {
		t.Fatalf("resources of the events: %v, want %v", sizes, want)
	}
	if last := got[2].Resources[0]; last.Name != "t-200" || last.Count != 2 || !last.First.Equal(noon) || !last.Last.Equal(noon.Add(time.Second)) {
		t.Errorf("the last of many: %+v", last)
	}
	if name := got[7].Resources[0].Name; name != authz.Wildcard {
		t.Errorf("any topic is named %q", name)
	}
	if got[6].Version != 0 || got[8].Version != 13 {
		t.Errorf("versions %d and %d", got[6].Version, got[8].Version)
	}
}
