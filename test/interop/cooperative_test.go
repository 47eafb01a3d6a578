//go:build interop

package interop

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// rebalanced is the topic that the cooperating groups read, of six partitions.
const (
	rebalanced           = castPrefix + "rebalanced"
	rebalancedPartitions = 6
)

// TestCooperativeRebalance lets members of each client and protocol join a group one by one. While a member still holds on to what it is
// to give back, and the rebalance can not end, another one goes on reading what it keeps. Only what moves is revoked, and each record
// is read once.
func TestCooperativeRebalance(t *testing.T) {
	t.Parallel()
	c := newCast(t)
	c.makeTopic(t, rebalanced, rebalancedPartitions)
	fed := c.feed(t)
	for _, a := range actors() {
		t.Run(a.String(), func(t *testing.T) {
			t.Parallel()
			cooperation{ensemble{c, a, castPrefix + "cooperative-" + a.String()}}.check(t, fed)
		})
	}
}

// feed writes records to each partition, one after the other, until the test ends. It returns what tells how many each has.
func (c *cast) feed(t *testing.T) (fed func() int64) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var records atomic.Int64
	var feeding sync.WaitGroup
	feeding.Go(func() {
		for rate := time.NewTicker(50 * time.Millisecond); ctx.Err() == nil; <-rate.C {
			for p := range rebalancedPartitions {
				c.write(t, partitionName(rebalanced, int32(p)), 1)
			}
			records.Add(1)
		}
	})
	t.Cleanup(func() {
		cancel()
		feeding.Wait()
	})
	return records.Load
}

// cooperation is a group whose members give back only what moves.
type cooperation struct{ ensemble }

func (g cooperation) check(t *testing.T, fed func() int64) {
	join := func(name string) string {
		return g.start(t, name, role{Cooperative: true, Topics: []string{rebalanced}})
	}
	a := join("a")
	g.waitOwned(t, 6, a)
	b := join("b")
	g.waitOwned(t, 3, a, b)
	g.wantRevoked(t, a, 3, g.owned(b))

	if s := g.describe(t); s.assignor != "cooperative-sticky" && s.assignor != "uniform" {
		t.Errorf("%s assigns the partitions", s.assignor)
	}

	g.do(t, "hold", b)
	had := g.owned(a)
	c := join("c")
	g.waitRevoking(t, b)
	waitFor(t, a+" to give back one of three", func() bool { return len(g.owned(a)) == 2 })
	kept := g.owned(a)
	moving := func() bool {
		return slices.Contains([]string{"PreparingRebalance", "Reconciling"}, g.describe(t).state)
	}
	waitFor(t, "the rebalance to wait for "+b, moving)
	if g.client != "kafka-python" { // it reads nothing until it has joined again
		g.waitReads(t, a, kept)
	}
	if !moving() {
		t.Errorf("the rebalance has ended while %s holds on to what it is to give back", b)
	}
	g.do(t, "release", b)
	g.waitOwned(t, 2, a, b, c)
	g.wantRevoked(t, a, 4, append(slices.DeleteFunc(had, func(p string) bool { return slices.Contains(kept, p) }), g.revoked(a)[:3]...))
	g.wantRevoked(t, b, 1, nil)

	g.close(t, c)
	g.waitOwned(t, 3, a, b)
	g.wantRevoked(t, a, 4, nil)
	g.wantRevoked(t, b, 1, nil)
	g.wantReadOnce(t, fed(), a, b, c)
}

// revoked are the partitions that a member was told to give back, in order.
func (g cooperation) revoked(member string) (all []string) {
	for _, e := range g.told(member, "revoked") {
		all = append(all, e.Partitions...)
	}
	return all
}

// wantRevoked wants a member to have given back so many partitions in all, these ones where they are given, and lost none.
func (g cooperation) wantRevoked(t *testing.T, member string, n int, which []string) {
	t.Helper()
	revoked := g.revoked(member)
	same := which == nil || slices.Equal(slices.Sorted(slices.Values(revoked)), slices.Sorted(slices.Values(which)))
	if len(revoked) != n || !same || len(g.told(member, "lost", "error")) > 0 {
		t.Errorf("%s: revoked were %v, want %d, %v; %v", member, revoked, n, which, g.told(member, "lost", "error"))
	}
}

// waitRevoking waits until a member that holds on is told to give back partitions.
func (g cooperation) waitRevoking(t *testing.T, member string) {
	t.Helper()
	defer g.showOnFailure(t, []string{member})()
	waitFor(t, member+" to be asked for partitions", func() bool { return len(g.revoked(member)) > 0 })
}

// waitReads waits until a member has read several more records of each of the partitions.
func (g cooperation) waitReads(t *testing.T, member string, partitions []string) {
	t.Helper()
	count := func(place string) (n int) {
		for _, e := range g.told(member, "record") {
			if e.Partitions[0] == place {
				n++
			}
		}
		return n
	}
	defer g.showOnFailure(t, []string{member})()
	for _, p := range partitions {
		before := count(p)
		waitSeeing(t, fmt.Sprintf("%s to read on in %s", member, p), func() (string, bool) { return g.seen(member), count(p) >= before+3 })
	}
}

// wantReadOnce waits until the members have read so many records of each partition, and wants them to have read nothing twice.
func (g cooperation) wantReadOnce(t *testing.T, records int64, members ...string) {
	t.Helper()
	var readers map[string][]string
	place := func(p string, offset int64) string { return fmt.Sprintf("%s@%d", p, offset) }
	waitSeeing(t, g.group+" to read everything", func() (string, bool) {
		readers = map[string][]string{}
		for _, m := range members {
			for _, e := range g.told(m, "record") {
				at := place(e.Partitions[0], e.Offset)
				readers[at] = append(readers[at], m)
			}
		}
		for p := range rebalancedPartitions {
			for offset := range records {
				if at := place(partitionName(rebalanced, int32(p)), offset); readers[at] == nil {
					return fmt.Sprintf("%d records are read, not yet %s of %d; %s", len(readers), at, records, g.seen(members...)), false
				}
			}
		}
		return "", true
	})
	for at, by := range readers {
		if len(by) > 1 {
			t.Errorf("%s was read by %v", at, by)
		}
	}
}
