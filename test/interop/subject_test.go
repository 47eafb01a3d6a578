//go:build interop

package interop

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chronik-stream/chronik/test/harness"
)

// subject is the broker under test: ours, or with INTEROP_SUBJECT=kafka Apache Kafka, which judges the test itself.
type subject struct {
	*harness.Broker
	process
	// data is its log directory.
	data string
}

type process interface {
	Run(t testing.TB)
	Kill(t testing.TB)
	Stop(t testing.TB)
}

// Run, Kill and Stop are those of the process.
func (s subject) Run(t testing.TB)  { s.process.Run(t) }
func (s subject) Kill(t testing.TB) { s.process.Kill(t) }
func (s subject) Stop(t testing.TB) { s.process.Stop(t) }

// onKafka reports whether Apache Kafka is under test.
func onKafka() bool { return os.Getenv("INTEROP_SUBJECT") == "kafka" }

// startSubject starts the broker under test with KEY=value settings of ours, of which Apache Kafka gets those that are its own.
func startSubject(t *testing.T, env ...string) subject {
	t.Helper()
	if !onKafka() {
		b := harness.Start(t, env...)
		return subject{Broker: b, process: b, data: filepath.Join(b.Dir, "data")}
	}
	like := harness.Start(t) // for its certificates and its super user
	var lines []string
	for _, setting := range env {
		key, value, _ := strings.Cut(setting, "=")
		lines = append(lines, strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(key, "CHRONIK_")), "_", ".")+"="+value)
	}
	k := harness.StartKafka(t, like, lines...)
	like.Stop(t)
	return subject{Broker: harness.At(like.Dir, k.Address, ""), process: k, data: k.Dir}
}
