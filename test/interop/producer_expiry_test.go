//go:build interop

package interop

import (
	"testing"
	"time"

	"github.com/chronik-stream/chronik/broker/record"
	"github.com/chronik-stream/chronik/test/harness"
)

// TestProducerExpiryIsAltered alters producer.id.expiration.ms by kafka-configs: an idle producer is forgotten from then on, so that
// any sequence is taken of it, and is remembered again when the change is taken back.
func TestProducerExpiryIsAltered(t *testing.T) {
	t.Parallel()
	const outOfOrder = 45
	b := harness.Start(t, "CHRONIK_PRODUCER_ID_EXPIRATION_CHECK_INTERVAL_MS=50")
	createTopic(t, b, "sequences", 1)
	client := franzClient(t, franzSASL(t, b, "SCRAM-SHA-512")...)
	send := func(producer int, sequence int32) int16 {
		var one record.Builder
		one.Add(time.Now().UnixMilli(), []byte("key"), []byte("value"))
		return judge(t, client, "sequences", of(one.Batch(), producer, 0, sequence)).Code
	}
	if first, gap := send(7000, 0), send(7000, 5); first != 0 || gap != outOfOrder {
		t.Fatalf("the first batch is answered with %d, one behind a gap with %d", first, gap)
	}
	brokers := []string{"--entity-type", "brokers", "--entity-default", "--alter"}
	admin(t, b, configCommand, append(brokers, "--add-config", "producer.id.expiration.ms=1")...)
	contains(t, admin(t, b, configCommand, "--entity-type", "brokers", "--entity-default", "--describe"), "producer.id.expiration.ms=1")
	sequence := int32(5)
	waitFor(t, "the producer to be forgotten", func() bool {
		sequence += 5
		return send(7000, sequence) == 0
	})
	b.Kill(t)
	b.Run(t)
	waitFor(t, "the producer to be forgotten after a start", func() bool {
		sequence += 5
		return send(7000, sequence) == 0
	})

	admin(t, b, configCommand, append(brokers, "--delete-config", "producer.id.expiration.ms")...)
	if first, gap := send(7001, 0), send(7001, 5); first != 0 || gap != outOfOrder {
		t.Errorf("with the default again, the first batch is answered with %d, one behind a gap with %d", first, gap)
	}
}
