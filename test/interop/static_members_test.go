//go:build interop

package interop

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// staticRecords is how many records each of the static members' partitions has.
const staticRecords = 10

// TestStaticMembers lets members with an instance id, of each client and protocol, go away without leaving and come back, be claimed by
// a second client, and be removed. The other member is told of nothing before the last of these.
func TestStaticMembers(t *testing.T) {
	t.Parallel()
	c := newCast(t)
	for _, a := range actors() {
		if a == (actor{"franz-go", "consumer"}) {
			continue // it names no instance when it goes away, and that is refused: it can not come back within its session
		}
		t.Run(a.String(), func(t *testing.T) {
			t.Parallel()
			name := castPrefix + "static-" + a.String()
			c.makeTopic(t, name, 4)
			for p := range 4 {
				c.write(t, partitionName(name, int32(p)), staticRecords)
			}
			staticGroup{ensemble{c, a, name}, role{Topics: []string{name}}}.check(t)
		})
	}
}

type staticGroup struct {
	ensemble
	role role
}

func (g staticGroup) join(t *testing.T, name, instance string) string {
	t.Helper()
	g.role.Instance = instance
	return g.start(t, name, g.role)
}

func (g staticGroup) check(t *testing.T) {
	a, b := g.join(t, "a", "one"), g.join(t, "b", "two")
	g.waitOwned(t, 2, a, b)
	waitSeeing(t, "all to be read", func() (string, bool) { return g.seen(a, b), g.different(a, b) == 4*staticRecords })
	began := g.describe(t)

	b = g.comesBack(t, a, b, began)
	g.checkTool(t)
	if g.protocol == "classic" {
		a = g.replace(t, a, b)
	} else {
		g.refuse(t, a)
	}
	g.unmoved(t, began)

	g.close(t, b)
	if again := g.told(b, "record"); len(again) > 0 {
		t.Errorf("the member that came back has read again %v; errors %v", again, g.told(g.group+"/b", "error"))
	}
	tools.Must(t, "stream.chronik.test.RemoveMembers", g.Bootstrap(), g.file, g.group, "two")
	g.waitOwned(t, 4, a)
	if s := g.describe(t); s.instances() != "one" || s.round <= began.round {
		t.Errorf("after a member was removed from %+v the group is %+v", began, s)
	}
}

// different is how many records the members have read, each counted once: one that is read twice must not stand for one that is not read
// yet, which would look as if it were read again later.
func (g staticGroup) different(members ...string) int {
	read := map[string]bool{}
	for _, m := range members {
		for _, e := range g.told(m, "record") {
			read[fmt.Sprint(e.Partitions[0], " ", e.Offset)] = true
		}
	}
	return len(read)
}

// comesBack lets a member go away and come back within its session. It gets what it had, and reads nothing twice.
func (g staticGroup) comesBack(t *testing.T, other, first string, began groupState) (second string) {
	t.Helper()
	had, moves := g.owned(first), len(g.moves(other))
	g.close(t, first)
	if s := g.describe(t); s.round != began.round || s.instances() != began.instances() {
		t.Errorf("the group was %+v and is %+v when a member is away", began, s)
	}
	second = g.join(t, first[strings.LastIndex(first, "/")+1:]+"-again", "two")
	g.waitOwned(t, 2, second, other)
	g.unmoved(t, began)
	g.wantQuiet(t, other, moves)
	if now := g.owned(second); !slices.Equal(now, had) {
		t.Errorf("it has %v now, and had %v before it went away", now, had)
	}
	return second
}

// unmoved wants the group to be as stable as it was, with the same instances: nobody was or will be told of a rebalance.
func (g staticGroup) unmoved(t *testing.T, was groupState) {
	t.Helper()
	if s := g.describe(t); s.state != "Stable" || s.round != was.round || s.instances() != was.instances() {
		t.Errorf("the group was %+v and is %+v", was, s)
	}
}

// wantQuiet wants a member to have been told of nothing since it was told of so many moves.
func (g staticGroup) wantQuiet(t *testing.T, member string, moves int) {
	t.Helper()
	if now := g.moves(member)[moves:]; len(now) > 0 || len(g.told(member, "error")) > 0 {
		t.Errorf("%s was told of a rebalance: %v, %v", member, now, g.told(member, "error"))
	}
}

// checkTool lets kafka-consumer-groups show the instance ids.
func (g staticGroup) checkTool(t *testing.T) {
	t.Helper()
	members := admin(t, g.Broker, groupCommand, "--describe", "--group", g.group, "--members", "--verbose")
	contains(t, members, "GROUP-INSTANCE-ID")
	for _, m := range g.describe(t).members {
		wantRow(t, members, 2, g.group, m.id, m.instance, m.client)
	}
}

// replace lets a second client take the place of a live member of the classic protocol, which is told so.
func (g staticGroup) replace(t *testing.T, first, other string) (second string) {
	t.Helper()
	had, moves := g.owned(first), len(g.moves(other))
	second = g.join(t, "second", "one")
	g.waitOwned(t, 2, second, other)
	if now := g.owned(second); !slices.Equal(now, had) {
		t.Errorf("it has %v now, and the fenced one had %v", now, had)
	}
	if g.client == "kafka-python" { // it goes on reading without a word until it commits
		g.write(t, had[0], 1)
	}
	g.waitFailed(t, first, "FENCED_INSTANCE_ID", "FencedInstanceId", "Static consumer fenced")
	g.wantQuiet(t, other, moves)
	return second
}

// refuse lets a second client try to take the place of a live member of the consumer protocol.
func (g staticGroup) refuse(t *testing.T, first string) {
	t.Helper()
	moves := len(g.moves(first))
	second := g.join(t, "second", "one")
	g.waitFailed(t, second, "UNRELEASED_INSTANCE_ID", "still used by another member")
	g.close(t, second)
	g.wantQuiet(t, first, moves)
}

// waitFailed waits until a member has told of an error with one of the texts.
func (g staticGroup) waitFailed(t *testing.T, member string, texts ...string) {
	t.Helper()
	defer g.showOnFailure(t, []string{member})()
	waitFor(t, member+" to fail", func() bool {
		return slices.ContainsFunc(g.told(member, "error"), func(e happening) bool {
			return slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(e.Error, text) })
		})
	})
}
