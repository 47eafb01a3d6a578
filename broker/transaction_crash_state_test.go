package broker

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/group"
	"github.com/chronik-stream/chronik/broker/handler"
	"github.com/chronik-stream/chronik/broker/record"
	"github.com/chronik-stream/chronik/broker/wire"
)

// ending is a way in which a transaction ends.
type ending struct {
	name    string
	commits bool
	// fences is whether the client cannot go on.
	fences bool
	// outcome is what the names of its last states end in.
	outcome string
	// end ends the transaction of a client, or lets it end. Without an error, it will be complete unless the power goes.
	end func(ctx context.Context, n *txnNode, c *kgo.Client) error
}

func endings() []ending {
	return []ending{
		{name: "commit", commits: true, outcome: "Commit", end: func(ctx context.Context, _ *txnNode, c *kgo.Client) error {
			return c.EndTransaction(ctx, kgo.TryCommit)
		}},
		{name: "abort", outcome: "Abort", end: func(ctx context.Context, _ *txnNode, c *kgo.Client) error {
			return c.EndTransaction(ctx, kgo.TryAbort)
		}},
		{name: "fence", fences: true, outcome: "Abort", end: func(ctx context.Context, _ *txnNode, c *kgo.Client) error {
			return fence(ctx, c)
		}},
		{name: "time-out", fences: true, outcome: "Abort", end: func(_ context.Context, n *txnNode, _ *kgo.Client) error {
			n.forward(2 * crashTimeout)
			return nil
		}},
	}
}

// fence asks once for a producer id in the middle of a transaction, as another client with the same transactional id does. It is told to
// come again, and does not, so that the transaction stays the last one.
func fence(ctx context.Context, c *kgo.Client) error {
	q := kmsg.NewPtrInitProducerIDRequest()
	id := crashID
	q.TransactionalID, q.TransactionTimeoutMillis = &id, int32(crashTimeout/time.Millisecond)
	q.ProducerID, q.ProducerEpoch = -1, -1
	answer, err := q.RequestWith(ctx, c)
	if err != nil {
		return err
	}
	if answer.ErrorCode != wire.ConcurrentTransactions {
		return fmt.Errorf("fence: code %d", answer.ErrorCode)
	}
	return nil
}

// powerCut says when the power goes: begin is called before the first batch of a transaction, end before its end. Either may be nil.
type powerCut struct{ begin, end func(w *crashWorld) }

// cutAfter cuts the power after so many changes to the disk.
func cutAfter(changes int) func(w *crashWorld) {
	return func(w *crashWorld) { w.disk.CutPowerAfter(changes) }
}

// haltedAt are the numbers of markers at which transactions are interrupted: none, some, all but the group's, all.
func haltedAt() []int32 { return []int32{0, crashPartitions / 2, crashPartitions, crashMarkers} }

// cutAfterMarkers cuts the power when so many partitions have their marker on the disk.
func cutAfterMarkers(count int32) func(w *crashWorld) {
	return func(w *crashWorld) {
		haltMarkers(w.broker, count, func(err error) {
			if err != nil {
				w.t.Error(err)
			}
			w.disk.CutPowerAfter(0)
		})
	}
}

// haltMarkers has halt called when so many partitions of a transaction have their marker on the disk: those of t first, and the group's as
// the last one. No transaction may be ending now.
func haltMarkers(b *Broker, count int32, halt func(error)) {
	markers := b.work.markers
	markers.Groups = &haltingGroups{GroupCoordinator: markers.Groups, broker: b, count: count, halt: halt}
}

// haltingGroups is the groups' coordinator. It is the first that is asked for a marker, as partitions are sorted.
type haltingGroups struct {
	handler.GroupCoordinator
	broker *Broker
	count  int32
	once   sync.Once
	halt   func(error)
}

// Send implements handler.GroupCoordinator.
func (g *haltingGroups) Send(ctx context.Context, partition int32, q group.Request) func(context.Context) (any, error) {
	if end, ok := q.(group.EndTxn); ok {
		g.once.Do(func() { g.halt(g.mark(ctx, partition, end)) })
	}
	return g.GroupCoordinator.Send(ctx, partition, q)
}

// mark writes the first markers, as handler.Markers does next with all of them.
func (g *haltingGroups) mark(ctx context.Context, partition int32, m group.EndTxn) error {
	end := record.EndTxn{ProducerID: m.ProducerID, Epoch: m.Epoch, Commit: m.Commit, CoordinatorEpoch: m.CoordinatorEpoch}
	for p := range min(g.count, crashPartitions) {
		written, err := g.broker.replicas.Get("t", p).AppendMarker(end, m.Level, time.Now())
		if err == nil {
			err = written.Wait(ctx)
		}
		if err != nil {
			return fmt.Errorf("the marker of partition %d: %w", p, err)
		}
	}
	if g.count < crashMarkers {
		return nil
	}
	if _, err := g.GroupCoordinator.Send(ctx, partition, m)(ctx); err != nil {
		return fmt.Errorf("the marker of the group: %w", err)
	}
	return nil
}

// TestPowerFailsInEachStateOfATransaction cuts the power in each state that a transaction can be found in afterwards.
func TestPowerFailsInEachStateOfATransaction(t *testing.T) {
	for level := range int16(3) {
		t.Run(fmt.Sprintf("transaction.version %d", level), func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
			defer cancel()
			base := newCrashWorld(ctx, t, level)
			for i, e := range endings() {
				if (testing.Short() || raceDetector) && i != int(level) && i != int(level)+1 {
					continue // each ending at one level or two
				}
				cuts := map[string]powerCut{"Complete" + e.outcome: {}} // when it is complete
				for _, count := range haltedAt() {
					cuts[withMarkers("Prepare"+e.outcome, count)] = powerCut{end: cutAfterMarkers(count)}
				}
				if i == int(level) { // they do not depend on the end that never comes
					cuts["Empty"], cuts["Ongoing"] = powerCut{begin: cutAfter(0)}, powerCut{end: cutAfter(0)}
				}
				for state, cut := range cuts {
					if found, over := powerFails(t, base, uint64(i), e, cut); found != state || over != (cut.begin == nil && cut.end == nil) { //nolint:gosec // not negative
						t.Errorf("%s: found in state %s, not %s; over: %v", e.name, found, state, over)
					}
				}
			}
		})
	}
}
