package config

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestSessionsAreAsLongAsTheNearestKeySays: of a mechanism of the listener, of the mechanism, of the listener, of all.
func TestSessionsAreAsLongAsTheNearestKeySays(t *testing.T) {
	const listeners = "listeners=SASL_PLAINTEXT://127.0.0.1:1,INSIDE://127.0.0.1:2\nlistener.security.protocol.map=SASL_PLAINTEXT:SASL_PLAINTEXT,INSIDE:SASL_PLAINTEXT\n" +
		"sasl.enabled.mechanisms=SCRAM-SHA-256,PLAIN\n"
	const all = "connections.max.reauth.ms=1000\n"
	type times = map[string]time.Duration
	for name, test := range map[string]struct {
		text          string
		first, inside times
	}{
		"default":            {"", nil, nil},
		"all":                {all, times{"SCRAM-SHA-256": time.Second, "PLAIN": time.Second}, times{"SCRAM-SHA-256": time.Second, "PLAIN": time.Second}},
		"listener":           {"listener.name.inside.connections.max.reauth.ms=2000", nil, times{"SCRAM-SHA-256": 2 * time.Second, "PLAIN": 2 * time.Second}},
		"without end in one": {all + "listener.name.inside.connections.max.reauth.ms=0", times{"SCRAM-SHA-256": time.Second, "PLAIN": time.Second}, nil},
		"mechanism":          {"plain.connections.max.reauth.ms=3000", times{"PLAIN": 3 * time.Second}, times{"PLAIN": 3 * time.Second}},
		"mechanism, then the listener": {
			"plain.connections.max.reauth.ms=3000\nlistener.name.inside.connections.max.reauth.ms=2000",
			times{"PLAIN": 3 * time.Second},
			times{"PLAIN": 3 * time.Second, "SCRAM-SHA-256": 2 * time.Second},
		},
		"mechanism of a listener": {
			all + "listener.name.inside.scram-sha-256.connections.max.reauth.ms=4000\nlistener.name.inside.plain.connections.max.reauth.ms=-1",
			times{"SCRAM-SHA-256": time.Second, "PLAIN": time.Second},
			times{"SCRAM-SHA-256": 4 * time.Second},
		},
	} {
		c, warnings, err := load(t, listeners+test.text)
		if err != nil || len(warnings) > 0 {
			t.Errorf("%s: %v, %v", name, warnings, err)
			continue
		}
		if diff := cmp.Diff([]times{test.first, test.inside}, []times{c.Listeners[0].MaxSession, c.Listeners[1].MaxSession}); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", name, diff)
		}
	}
}
