package server

import (
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/limit"
)

// TestDenialsOfOneRequestAreBounded: the audit log does not grow by what one request can name.
func TestDenialsOfOneRequestAreBounded(t *testing.T) {
	for _, many := range []int{1, limit.DenialsPerRequest - 1, limit.DenialsPerRequest, limit.DenialsPerRequest + 1, 5000} {
		var names []string
		var needs authz.Needs
		for i := range many {
			names = append(names, fmt.Sprint(i))
			needs.Each = append(needs.Each, authz.Need{Op: authz.Read, On: authz.Resource{Type: authz.Topic, Name: names[i]}})
		}
		r := newRig(t, plainListener(), func(cfg *Config) {
			row, _ := cfg.Table.Row(3)
			row.Needs = func(*api.Call) authz.Needs { return needs }
		})
		r.rules.deny(names...)
		r.dial().call(kmsg.NewPtrMetadataRequest(), 9)
		told := len(r.record.denied)
		if told > limit.DenialsPerRequest || told+r.record.more != many {
			t.Errorf("%d denials: %d are told, which stand for %d more", many, told, r.record.more)
		}
		r.stop()
	}
}
