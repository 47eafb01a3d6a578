//go:build interop

package interop

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chronik-stream/chronik/test/history"
)

const (
	bankAccounts = 8
	bankDeposit  = 1000
	// bankTimeout is how long a transaction may run; some run for longer.
	bankTimeout = 2 * time.Second
	// bankPatience is how long the clients of a test wait for what has to come: the time-out and the clean-up interval with much to spare.
	bankPatience = time.Minute
)

// TestSoakBank has clients move money between accounts in transactions, each account a topic, while the broker is killed at random moments.
// Clients abort, die, stall until their transaction times out, and go on as zombies. Whenever everything has come to rest, read-committed
// readers find all of the money; what all clients have seen in the end is a history without anomaly. INTEROP_SEED repeats a run's moments.
func TestSoakBank(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(killSeed(t), 1))
	b := startSubject(t, "CHRONIK_TRANSACTION_ABORT_TIMED_OUT_TRANSACTION_CLEANUP_INTERVAL_MS=500", "CHRONIK_TRANSACTION_STATE_LOG_NUM_PARTITIONS=5",
		"CHRONIK_TRANSACTIONAL_ID_EXPIRATION_MS=3600000")
	k := &bank{t: t, opts: append(franzSASL(t, b.Broker, "SCRAM-SHA-512"),
		kgo.RetryBackoffFn(func(int) time.Duration { return 20 * time.Millisecond }), kgo.MetadataMinAge(50*time.Millisecond))}
	k.open()
	stopReaders := k.startReaders()
	for end := time.Now().Add(bankTime); time.Now().Before(end); {
		k.finalize(int16(rng.IntN(3)))
		stopTellers := k.startTellers(rng)
		for range 1 + rng.IntN(3) {
			<-time.After(time.Duration(200+rng.IntN(2500)) * time.Millisecond)
			b.Kill(t)
			<-time.After(time.Duration(rng.IntN(300)) * time.Millisecond)
			b.Run(t)
		}
		stopTellers()
		k.audit()
	}
	stopReaders()
	k.check()
	b.Stop(t)
}

// bank is the clients of one run and what they have seen.
type bank struct {
	t       *testing.T
	opts    []kgo.Opt
	history history.Recorder

	mu                      sync.Mutex
	clients, values, audits int
	txns                    int64
}

// number counts clients; one that begins anew is another one.
func (k *bank) number() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.clients++
	return k.clients
}

// begin counts transactions.
func (k *bank) begin() int64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.txns++
	return k.txns
}

// value is a record of an amount; no two are alike.
func (k *bank) value(txn int64, amount int) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.values++
	return fmt.Sprintf("%d: transaction %d: %d", k.values, txn, amount)
}

func bankAmount(value string) (amount int, err error) {
	var unique int
	var txn int64
	if _, err := fmt.Sscanf(value, "%d: transaction %d: %d", &unique, &txn, &amount); err != nil {
		return 0, fmt.Errorf("no teller has written %q: %w", value, err)
	}
	return amount, nil
}

func accountTopic(i int) string { return fmt.Sprintf("account-%d", i) }

// finalize sets the transaction.version, whatever it is; transactions may be open meanwhile.
func (k *bank) finalize(level int16) {
	k.t.Helper()
	admin := kadm.NewClient(franzClient(k.t, k.opts...))
	defer admin.Close()
	var errs []error
	for _, how := range []int8{1, 3} { // upgrade, or else unsafe downgrade
		updated, err := admin.UpdateFeatures(k.t.Context(), false, kadm.FeatureUpdate{Feature: "transaction.version", MaxVersionLevel: level, UpgradeType: how})
		if err = errors.Join(err, updated.Error()); err == nil {
			k.t.Logf("transaction.version is %d", level)
			return
		}
		errs = append(errs, err)
	}
	k.t.Fatalf("set transaction.version to %d: %v", level, errors.Join(errs...))
}

// open makes the accounts and puts money into each.
func (k *bank) open() {
	k.t.Helper()
	admin := kadm.NewClient(franzClient(k.t, k.opts...))
	defer admin.Close()
	ctx, cancel := context.WithTimeout(context.Background(), bankPatience)
	defer cancel()
	for i := range bankAccounts {
		if _, err := admin.CreateTopic(ctx, 1, 1, nil, accountTopic(i)); err != nil {
			k.t.Fatal(err)
		}
	}
	k.toAll(bankDeposit)
}

// toAll puts an amount into each account, in one transaction.
func (k *bank) toAll(amount int) {
	k.t.Helper()
	c := k.newTeller("manager", bankPatience)
	if c == nil {
		return
	}
	defer c.client.Close()
	var moves []move
	for i := range bankAccounts {
		moves = append(moves, move{accountTopic(i), amount})
	}
	if !c.transact(moves, true, 0) {
		k.t.Fatal("the manager's transaction is not committed")
	}
}

// audit waits until nothing is open any more, and counts: behind all transactions there is one more record in each account, which a
// read-committed reader that begins anew reaches when all before it is decided.
func (k *bank) audit() {
	k.t.Helper()
	k.toAll(0)
	k.audits++
	ctx, cancel := context.WithTimeout(context.Background(), bankPatience)
	defer cancel()
	r := k.newReader(true, nil)
	if r == nil {
		return
	}
	defer r.client.Close()
	for r.done() < k.audits {
		r.poll(ctx)
		if ctx.Err() != nil {
			k.t.Fatalf("audit %d: a reader has not come to the end of all accounts, but to %v", k.audits, r.zeros)
		}
	}
	if total := r.total(); total != bankAccounts*bankDeposit {
		k.t.Errorf("audit %d: there is %d of money, not %d", k.audits, total, bankAccounts*bankDeposit)
	}
}

// check looks at what all clients have seen, and leaves it in a file if there is anything wrong with it.
func (k *bank) check() {
	k.t.Helper()
	events := k.history.Events()
	k.t.Logf("%d events, %d transactions, %d clients, %d audits", len(events), k.txns, k.clients, k.audits)
	found := history.Check(events)
	if len(found) == 0 {
		return
	}
	for _, a := range found[:min(len(found), 20)] {
		k.t.Error(a)
	}
	name := filepath.Join(os.TempDir(), fmt.Sprintf("bank-%d.history", time.Now().Unix()))
	f, err := os.Create(name)
	if err != nil {
		k.t.Fatal(err)
	}
	defer f.Close()
	if err := history.Print(f, events); err != nil {
		k.t.Fatal(err)
	}
	k.t.Logf("the history is in %s", name)
}
