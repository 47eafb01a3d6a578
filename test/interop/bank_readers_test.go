//go:build interop

package interop

import (
	"context"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chronik-stream/chronik/test/history"
)

// bankReader reads all accounts.
type bankReader struct {
	bank      *bank
	number    int
	committed bool
	client    *kgo.Client
	positions map[string]int64
	// sums are what the accounts hold, zeros how many records without an amount each has.
	sums, zeros map[string]int
}

// newReader returns a reader that begins so far into each account.
func (k *bank) newReader(committed bool, positions map[string]int64) *bankReader {
	r := &bankReader{bank: k, number: k.number(), committed: committed, positions: map[string]int64{}, sums: map[string]int{}, zeros: map[string]int{}}
	partitions := map[string]map[int32]kgo.Offset{}
	for i := range bankAccounts {
		topic := accountTopic(i)
		r.positions[topic] = positions[topic]
		partitions[topic] = map[int32]kgo.Offset{0: kgo.NewOffset().At(positions[topic])}
		k.history.Add(history.Event{Client: r.number, Op: history.Assign, Topic: topic, Offset: positions[topic]})
	}
	isolation := kgo.ReadUncommitted()
	if committed {
		isolation = kgo.ReadCommitted()
	}
	client, err := kgo.NewClient(append([]kgo.Opt{kgo.ConsumePartitions(partitions), kgo.FetchIsolationLevel(isolation), kgo.FetchMaxWait(200 * time.Millisecond)}, k.opts...)...)
	if err != nil {
		k.t.Error(err)
		return nil
	}
	r.client = client
	return r
}

// poll takes what comes next.
func (r *bankReader) poll(ctx context.Context) {
	r.client.PollFetches(ctx).EachPartition(func(p kgo.FetchTopicPartition) {
		if len(p.Records) == 0 {
			return
		}
		ev := history.Event{Client: r.number, Op: history.Poll, Topic: p.Topic, Committed: r.committed}
		for _, record := range p.Records {
			ev.Records = append(ev.Records, history.Record{Offset: record.Offset, Value: string(record.Value)})
			r.count(record)
		}
		r.bank.history.Add(ev)
	})
}

func (r *bankReader) count(record *kgo.Record) {
	amount, err := bankAmount(string(record.Value))
	if err != nil {
		r.bank.t.Errorf("offset %d of %s: %v", record.Offset, record.Topic, err)
	}
	r.positions[record.Topic] = record.Offset + 1
	r.sums[record.Topic] += amount
	if amount == 0 {
		r.zeros[record.Topic]++
	}
}

// done is how many audits the reader has passed in every account.
func (r *bankReader) done() int {
	least := r.zeros[accountTopic(0)]
	for i := range bankAccounts {
		least = min(least, r.zeros[accountTopic(i)])
	}
	return least
}

func (r *bankReader) total() (total int) {
	for _, sum := range r.sums {
		total += sum
	}
	return total
}

// startReaders starts readers of both kinds, one of them with ever new clients, and one who asks for last stable offsets. The function ends them.
func (k *bank) startReaders() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var readers sync.WaitGroup
	readers.Go(func() { k.read(ctx, true, 0) })
	readers.Go(func() { k.read(ctx, true, 100) })
	readers.Go(func() { k.read(ctx, false, 0) })
	readers.Go(func() { k.askStable(ctx) })
	return func() {
		cancel()
		readers.Wait()
	}
}

// read reads; after so many polls another client goes on, from where the one before had been half-way.
func (k *bank) read(ctx context.Context, committed bool, polls int) {
	var from map[string]int64
	for ctx.Err() == nil {
		r := k.newReader(committed, from)
		if r == nil {
			return
		}
		for n := 0; ctx.Err() == nil && (polls == 0 || n < polls); n++ {
			if n == polls/2 {
				from = map[string]int64{}
				for topic, position := range r.positions {
					from[topic] = position
				}
			}
			r.poll(ctx)
		}
		r.client.Close()
	}
}

// askStable asks for the last stable offsets, over and over.
func (k *bank) askStable(ctx context.Context) {
	number := k.number()
	client, err := kgo.NewClient(k.opts...)
	if err != nil {
		k.t.Error(err)
		return
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	topics := make([]string, bankAccounts)
	for i := range topics {
		topics[i] = accountTopic(i)
	}
	for ctx.Err() == nil {
		offsets, err := admin.ListCommittedOffsets(ctx, topics...)
		if err == nil {
			offsets.Each(func(o kadm.ListedOffset) {
				if o.Err == nil {
					k.history.Add(history.Event{Client: number, Op: history.Stable, Topic: o.Topic, Offset: o.Offset})
				}
			})
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}
