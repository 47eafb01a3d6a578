//go:build interop

package interop

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chronik-stream/chronik/test/history"
)

// move is one record of a transfer.
type move struct {
	topic  string
	amount int
}

// teller is one transactional producer.
type teller struct {
	bank   *bank
	id     string
	number int
	client *kgo.Client
}

func (k *bank) newTeller(id string, timeout time.Duration) *teller {
	c, err := kgo.NewClient(append([]kgo.Opt{
		kgo.TransactionalID(id), kgo.TransactionTimeout(timeout), kgo.ProducerLinger(0), kgo.RecordDeliveryTimeout(10 * time.Second),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
	}, k.opts...)...)
	if err != nil {
		k.t.Error(err)
		return nil
	}
	return &teller{bank: k, id: id, number: k.number(), client: c}
}

// startTellers starts tellers; the function ends them and returns when nothing of them is under way any more.
func (k *bank) startTellers(rng *rand.Rand) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var tellers sync.WaitGroup
	for i := range 5 {
		own := rand.New(rand.NewPCG(rng.Uint64(), uint64(i)))
		tellers.Go(func() { k.tell(ctx, fmt.Sprintf("teller-%d", i), own, &tellers) })
	}
	return func() {
		cancel()
		tellers.Wait()
	}
}

// tell makes transfers, with one client after the other.
func (k *bank) tell(ctx context.Context, id string, rng *rand.Rand, more *sync.WaitGroup) {
	for ctx.Err() == nil {
		c := k.newTeller(id, bankTimeout)
		if c == nil {
			return
		}
		for ctx.Err() == nil && c.transfer(rng, more) {
		}
		if rng.IntN(2) == 0 {
			more.Go(c.client.Close) // which may wait, while the next one has begun
			continue
		}
		c.client.Close()
	}
}

// transfer makes one transfer, and reports whether the client is to go on. It ends some in its own way: the client dies at any point, or
// leaves the transaction to a zombie.
func (c *teller) transfer(rng *rand.Rand, more *sync.WaitGroup) bool {
	from := rng.IntN(bankAccounts)
	to := (from + 1 + rng.IntN(bankAccounts-1)) % bankAccounts
	amount := 1 + rng.IntN(100)
	moves := []move{{accountTopic(from), -amount}, {accountTopic(to), amount}}
	commit := rng.IntN(4) > 0
	switch rng.IntN(25) {
	case 0: // dies when its records may or may not be written
		if txn, ok := c.start(); ok {
			c.send(txn, moves, func() {})
		}
		return false
	case 1: // dies before the end
		if txn, ok := c.start(); ok {
			c.sendAll(txn, moves)
		}
		return false
	case 2: // goes on as a zombie, while another client begins
		zombie := *c
		more.Go(func() {
			zombie.transact(moves, commit, time.Duration(rng.IntN(500))*time.Millisecond)
		})
		return false
	case 3: // stalls for so long that it times out, more or less
		c.transact(moves, commit, bankTimeout*3/4+time.Duration(rng.Int64N(int64(bankTimeout))))
		return false
	default:
		return c.transact(moves, commit, 0)
	}
}

// start begins a transaction.
func (c *teller) start() (txn int64, ok bool) {
	if err := c.client.BeginTransaction(); err != nil {
		return 0, false
	}
	return c.bank.begin(), true
}

// transact carries out a transaction, with a pause before its end, and reports whether it ended as it was to.
func (c *teller) transact(moves []move, commit bool, pause time.Duration) bool {
	txn, ok := c.start()
	if !ok {
		return false
	}
	sent := c.sendAll(txn, moves)
	<-time.After(pause)
	return c.end(txn, sent && commit) == nil && sent
}

// sendAll writes the records and reports whether all of them are acknowledged.
func (c *teller) sendAll(txn int64, moves []move) bool {
	var pending sync.WaitGroup
	pending.Add(len(moves))
	failed := c.send(txn, moves, pending.Done)
	pending.Wait()
	return !failed()
}

// send writes records, and calls the function for each when it is done. What it returns tells whether one has failed by then.
func (c *teller) send(txn int64, moves []move, done func()) (failed func() bool) {
	var mu sync.Mutex
	var errs error
	for _, m := range moves {
		value := c.bank.value(txn, m.amount)
		ev := history.Event{Client: c.number, Op: history.Send, Phase: history.Invoke, Txn: txn, Topic: m.topic, Value: value}
		c.bank.history.Add(ev)
		c.client.Produce(context.Background(), &kgo.Record{Topic: m.topic, Value: []byte(value)}, func(r *kgo.Record, err error) {
			if ev.Phase, ev.Offset = history.OK, r.Offset; err != nil {
				ev.Phase, ev.Offset = history.Unknown, -1
			}
			c.bank.history.Add(ev)
			mu.Lock()
			errs = errors.Join(errs, err)
			mu.Unlock()
			done()
		})
	}
	return func() bool {
		mu.Lock()
		defer mu.Unlock()
		return errs != nil
	}
}

// end commits or aborts; what fails to be committed is aborted.
func (c *teller) end(txn int64, commit bool) error {
	ctx, cancel := context.WithTimeout(context.Background(), bankPatience)
	defer cancel()
	ev := history.Event{Client: c.number, Op: history.End, Phase: history.Invoke, Txn: txn, Commit: commit}
	c.bank.history.Add(ev)
	how := kgo.TryAbort
	if commit {
		how = kgo.TryCommit
	} else if err := c.client.AbortBufferedRecords(ctx); err != nil {
		return err
	}
	err := c.client.EndTransaction(ctx, how)
	switch {
	case err == nil && commit:
		ev.Phase = history.OK
	case errors.Is(err, kerr.OperationNotAttempted):
		ev.Phase = history.Fail
	default: // an abort is told to have succeeded also when the coordinator has aborted before
		ev.Phase = history.Unknown
	}
	c.bank.history.Add(ev)
	if err != nil && commit {
		_ = c.client.EndTransaction(ctx, kgo.TryAbort)
	}
	return err
}
