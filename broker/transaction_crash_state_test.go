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
	// outcome is what the names of its last states end in.
	outcome string
	// end ends the transaction of a client, or lets it end. Without an error, it will be complete unless the power goes.
	end func(ctx context.Context, w *crashWorld, c *kgo.Client) error
}

func endings() []ending {
	return []ending{
		{name: "commit", commits: true, outcome: "Commit", end: func(ctx context.Context, _ *crashWorld, c *kgo.Client) error {
			return c.EndTransaction(ctx, kgo.TryCommit)
		}},
		{name: "abort", outcome: "Abort", end: func(ctx context.Context, _ *crashWorld, c *kgo.Client) error {
			return c.EndTransaction(ctx, kgo.TryAbort)
		}},
		{name: "fence", outcome: "Abort", end: func(ctx context.Context, _ *crashWorld, c *kgo.Client) error {
			return fence(ctx, c)
		}},
		{name: "time-out", outcome: "Abort", end: func(_ context.Context, w *crashWorld, _ *kgo.Client) error {
			w.ahead.Add(int64(2 * crashTimeout))
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

// cutAfterMarkers cuts the power when so many partitions of t have their marker on the disk, and the group has none.
func cutAfterMarkers(count int32) func(w *crashWorld) {
	return func(w *crashWorld) {
		markers := w.broker.work.markers // no transaction is ending, so that nobody reads it
		markers.Groups = &markingGroups{GroupCoordinator: markers.Groups, w: w, count: count}
	}
}

// markingGroups is the groups' coordinator. The group's marker comes before those of t, as partitions are sorted.
type markingGroups struct {
	handler.GroupCoordinator
	w     *crashWorld
	count int32
	once  sync.Once
}

// Send implements handler.GroupCoordinator.
func (g *markingGroups) Send(ctx context.Context, partition int32, q group.Request) func(context.Context) (any, error) {
	if end, ok := q.(group.EndTxn); ok {
		g.once.Do(func() { g.mark(ctx, end) })
	}
	return g.GroupCoordinator.Send(ctx, partition, q)
}

// mark writes the markers of the first partitions of t, as handler.Markers does next with all of them, and cuts the power.
func (g *markingGroups) mark(ctx context.Context, m group.EndTxn) {
	end := record.EndTxn{ProducerID: m.ProducerID, Epoch: m.Epoch, Commit: m.Commit, CoordinatorEpoch: m.CoordinatorEpoch}
	for p := range g.count {
		written, err := g.w.broker.replicas.Get("t", p).AppendMarker(end, m.Level, time.Now())
		if err == nil {
			err = written.Wait(ctx)
		}
		if err != nil {
			g.w.t.Errorf("the marker of partition %d: %v", p, err)
		}
	}
	g.w.disk.CutPowerAfter(0)
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
				cuts := map[string]powerCut{
					"Prepare" + e.outcome:                        {end: cutAfterMarkers(0)},
					"Prepare" + e.outcome + " with some markers": {end: cutAfterMarkers(crashPartitions / 2)},
					"Prepare" + e.outcome + " with all markers":  {end: cutAfterMarkers(crashPartitions)},
					"Complete" + e.outcome:                       {}, // when it is complete
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
