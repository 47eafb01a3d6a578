//go:build interop

package interop

import (
	"testing"

	"github.com/chronik-stream/chronik/test/harness"
)

// TestConsumerProtocol lets consumers of three libraries share a group by the consumer protocol: they come one after the other, the
// broker is killed, one leaves. Nothing is lost.
func TestConsumerProtocol(t *testing.T) {
	t.Parallel()
	b := harness.Start(t)
	c := newCrew(t, b, "shared", 6)
	stop := c.produce(t)
	leave := map[string]func(){}
	leave["franz"] = franzMember(t, c, "franz", "consumer")
	c.waitShared(t, 1)
	leave["java"] = javaMember(t, c, "java", "consumer")
	c.waitShared(t, 2)
	leave["confluent"] = confluentMember(t, c, "confluent", "consumer")
	c.waitShared(t, 3)
	c.waitReads(t, "franz", "java", "confluent")

	b.Kill(t)
	b.Run(t)
	c.waitShared(t, 3)
	c.waitReads(t, "franz", "java", "confluent")

	leave["franz"]()
	c.waitShared(t, 2)
	c.waitReads(t, "java", "confluent")
	stop()
	c.checkAllRead(t)
	leave["java"]()
	leave["confluent"]()
}
