//go:build interop

package interop

import (
	"strings"
	"testing"

	"github.com/chronik-stream/chronik/test/harness"
)

// TestHungToolIsExplained looks at what a test prints when a tool does not end: the tool's threads, and of the broker that it was
// sent to the log and the goroutines.
func TestHungToolIsExplained(t *testing.T) {
	other, b := harness.Start(t), harness.Start(t)
	text := tools.Waits(t, topicCommand+" --bootstrap-server "+b.Bootstrap()+" --list")
	contains(t, text, "--list", "stream.chronik.test.ToolServer.main", "chronik at "+b.SASL, `msg=listening`, "goroutine ", "broker/server.(*Server).accept")
	if strings.Contains(text, other.SASL) {
		t.Errorf("another broker is spoken of:\n%s", text)
	}
	if b.Running() || !other.Running() {
		t.Error("not the broker that the tool was sent to has ended")
	}
}
