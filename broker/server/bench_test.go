package server

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// BenchmarkRequest is the way of one small request through the server and back.
func BenchmarkRequest(b *testing.B) {
	c := newRig(b, plainListener(), nil).dial()
	request := kmsg.NewPtrHeartbeatRequest()
	b.ReportAllocs()
	for b.Loop() {
		c.call(request, 4)
	}
}
