//go:build interop

package interop

import (
	"slices"
	"testing"

	"github.com/chronik-stream/chronik/test/harness"
)

// TestConsumerMigration replaces the members of a live group of three libraries one by one: by such of the consumer protocol, and then
// by such of the classic one again. The broker is killed in between. Nothing is lost.
func TestConsumerMigration(t *testing.T) {
	t.Parallel()
	b := harness.Start(t, "CHRONIK_GROUP_INITIAL_REBALANCE_DELAY_MS=500")
	c := newCrew(t, b, "rolling", 6)
	stop := c.produce(t)
	start := map[string]func(*testing.T, *crew, string, string) func(){"franz": franzMember, "java": javaMember, "confluent": confluentMember}
	names := []string{"franz", "java", "confluent"}
	leave := map[string]func(){}
	for _, name := range names {
		leave[name] = start[name](t, c, name, "classic")
	}
	c.waitReads(t, names...)
	if c.describe(t) != nil {
		t.Fatal("the group is a consumer group before there is a member of that protocol")
	}
	protocol := func(name, protocol string) {
		leave[name]()
		leave[name] = start[name](t, c, name, protocol)
		c.waitReads(t, names...)
	}
	for _, name := range names {
		protocol(name, "consumer")
		c.waitShared(t, 3)
	}
	b.Kill(t)
	b.Run(t)
	c.waitReads(t, names...)
	slices.Reverse(names)
	for _, name := range names {
		protocol(name, "classic")
	}
	waitFor(t, "the group to be a classic one", func() bool { return c.describe(t) == nil })
	wantRow(t, admin(t, b, groupCommand, "--list", "--type", "--state"), 1, c.group, "Classic")
	stop()
	c.checkAllRead(t)
	for _, name := range names {
		leave[name]()
	}
}
