package broker

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/meta"
)

// Types of updates in UpdateFeatures (Apache Kafka's FeatureUpdate.UpgradeType).
const featureUpgrade, featureDowngrade = 1, 2

// setVersion finalizes transaction.version as kafka-features does.
func setVersion(ctx context.Context, t *testing.T, b *Broker, level int16, kind int8) {
	t.Helper()
	c := client(t, b)
	defer c.Close()
	q := kmsg.NewPtrUpdateFeaturesRequest()
	q.TimeoutMillis = 10_000
	update := kmsg.NewUpdateFeaturesRequestFeatureUpdate()
	update.Feature, update.MaxVersionLevel, update.UpgradeType = meta.TransactionVersion, level, kind
	q.FeatureUpdates = append(q.FeatureUpdates, update)
	resp, err := q.RequestWith(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	if resp.ErrorCode != 0 {
		t.Fatalf("set %s to %d: code %d", meta.TransactionVersion, level, resp.ErrorCode)
	}
}

// begun begins a transaction and leaves it open.
func begun(ctx context.Context, t *testing.T, c *kgo.Client, value string) {
	t.Helper()
	if err := c.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	if err := c.ProduceSync(ctx, kgo.StringRecord(value)).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// epoch is the producer's epoch of a client.
func epoch(ctx context.Context, t *testing.T, c *kgo.Client) int16 {
	t.Helper()
	_, e, err := c.ProducerID(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// TestTheTransactionVersionChangesInTheMiddle raises and lowers transaction.version while transactions are open: each ends in the way in
// which its client began it.
func TestTheTransactionVersionChangesInTheMiddle(t *testing.T) {
	o := testOptions(t.TempDir())
	format(t, o)
	b := start(t, o)
	defer func() { stop(t, b) }()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	makeTopic(ctx, t, b)

	old := transactional(t, b, "old")
	defer old.Close()
	begun(ctx, t, old, "begun under 0")
	setVersion(ctx, t, b, 2, featureUpgrade)
	if err := old.EndTransaction(ctx, kgo.TryCommit); err != nil {
		t.Fatalf("end under 2 what began under 0: %v", err)
	}
	transact(ctx, t, old, kgo.TryCommit, "an old connection under 2")

	fresh := transactional(t, b, "fresh")
	defer fresh.Close()
	for want := range int16(3) {
		if got := epoch(ctx, t, fresh); got != want {
			t.Fatalf("the epoch is %d after %d transactions of version 2", got, want)
		}
		transact(ctx, t, fresh, map[bool]kgo.TransactionEndTry{true: kgo.TryCommit, false: kgo.TryAbort}[want != 1], []string{"first", "aborted", "third"}[want])
	}
	begun(ctx, t, fresh, "begun under 2")
	setVersion(ctx, t, b, 0, featureDowngrade)
	if err := fresh.EndTransaction(ctx, kgo.TryCommit); err != nil {
		t.Fatalf("end under 0 what began under 2: %v", err)
	}
	transact(ctx, t, fresh, kgo.TryCommit, "a connection of version 2 under 0")
	want := []string{
		"begun under 0", "an old connection under 2", "first", "third", "begun under 2", "a connection of version 2 under 0", "after a restart",
	}
	stop(t, b)
	b = start(t, o)
	late := transactional(t, b, "fresh")
	defer late.Close()
	before := epoch(ctx, t, late)
	transact(ctx, t, late, kgo.TryCommit, "after a restart")
	if after := epoch(ctx, t, late); after != before {
		t.Errorf("under version 0 the epoch went from %d to %d", before, after)
	}
	if got := committed(ctx, t, b); !slices.Equal(got, want) {
		t.Errorf("committed: %v, not %v", got, want)
	}
}
