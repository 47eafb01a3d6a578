package server

import (
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/wire"
)

// TestNothingIsLookedUpForWhoMayNotAsk: a row's Before is asked ahead of its Resolve, and its denials are told once.
func TestNothingIsLookedUpForWhoMayNotAsk(t *testing.T) {
	need := func(name string) authz.Need {
		return authz.Need{Op: authz.Read, On: authz.Resource{Type: authz.Topic, Name: name}}
	}
	var resolved atomic.Int32
	r := newRig(t, plainListener(), func(cfg *Config) {
		row, _ := cfg.Table.Row(12)
		row.Recheck = false
		row.Before = func(*api.Call) authz.Needs {
			return authz.Needs{All: []authz.Need{need("first")}, Each: []authz.Need{need("other")}}
		}
		row.Resolve = func(c *api.Call) any {
			if !c.Granted.Has(authz.Read, authz.Topic, "first") {
				t.Error("resolved before it is granted")
			}
			resolved.Add(1)
			return nil
		}
		row.Needs = func(*api.Call) authz.Needs {
			return authz.Needs{All: []authz.Need{need("first"), need("second")}, Each: []authz.Need{need("other")}}
		}
	})
	c := r.dial()
	for _, step := range []struct {
		denied   []string
		code     int16
		resolved int32
		told     int
	}{
		{[]string{"first", "other"}, wire.TopicAuthorizationFailed, 0, 2},
		{[]string{"second", "other"}, wire.TopicAuthorizationFailed, 1, 2},
		{[]string{"other"}, wire.None, 1, 1},
	} {
		resolved.Store(0)
		told := len(r.record.denied)
		r.rules.deny(step.denied...)
		response := c.call(kmsg.NewPtrHeartbeatRequest(), 4).(*kmsg.HeartbeatResponse)
		told = len(r.record.denied) - told
		if response.ErrorCode != step.code || resolved.Load() != step.resolved || told != step.told {
			t.Errorf("%v: %s, resolved %d times, %d denials are told", step.denied, wire.CodeName(response.ErrorCode), resolved.Load(), told)
		}
	}
}
