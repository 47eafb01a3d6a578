//go:build interop

package interop

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chronik-stream/chronik/test/harness"
)

// placesOf are the partitions of topics.
func placesOf(topics ...string) (all []place) {
	for _, topic := range topics {
		for p := range killPartitions()[topic] {
			all = append(all, place{topic, int32(p)})
		}
	}
	return all
}

// transcript is what a reader has read of logs without holes: a checksum of each value, by offset.
type transcript struct {
	mu       sync.Mutex
	crcs     map[place][]uint32
	failures []string
}

// add takes the next record; a gap, a record that comes twice and one out of order are failures.
func (tr *transcript) add(at place, offset int64, value []byte) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	if n := int64(len(tr.crcs[at])); offset != n {
		tr.failures = append(tr.failures, fmt.Sprintf("offset %d of %v follows %d", offset, at, n-1))
		return
	}
	tr.crcs[at] = append(tr.crcs[at], crc32.ChecksumIEEE(value))
}

func (tr *transcript) length(at place) int64 {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return int64(len(tr.crcs[at]))
}

func (tr *transcript) fail(what string) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.failures = append(tr.failures, what)
}

// report tells of the failures since it did so last.
func (tr *transcript) report(t *testing.T, who string) {
	t.Helper()
	tr.mu.Lock()
	defer tr.mu.Unlock()
	reportFailures(t, who, tr.failures)
	tr.failures = nil
}

// reading reads the topics that are not compacted with a new client in each round, and compares with what was acknowledged.
type reading struct {
	transcript
	newest map[place]map[string]int64 // the number that a writer's next record in a partition has to be above
}

func newReading() *reading {
	return &reading{transcript{crcs: map[place][]uint32{}}, map[place]map[string]int64{}}
}

func (r *reading) check(t *testing.T, b *harness.Broker, l *account) {
	t.Helper()
	acknowledged := l.take(false) // before the ends are asked for, which are behind all of these
	next := map[place]int64{}
	for _, at := range placesOf(killPlain, killZstd, killLarge) {
		next[at] = r.length(at)
	}
	readTo(t, b, next, func(record *kgo.Record) {
		at := place{record.Topic, record.Partition}
		r.add(at, record.Offset, record.Value)
		r.checkOrder(t, at, record)
	})
	r.report(t, "the reader of each round")
	for _, e := range acknowledged {
		switch crcs := r.crcs[e.place]; {
		case e.offset >= int64(len(crcs)):
			t.Errorf("acknowledged record %v at offset %d of %v is lost, the log ends at %d", e.stamp, e.offset, e.place, len(crcs))
		case crcs[e.offset] != e.crc:
			t.Errorf("offset %d of %v does not hold %v, which was acknowledged", e.offset, e.place, e.stamp)
		}
	}
}

// checkOrder wants each writer's numbers to rise in each partition: all are idempotent, so nothing is there twice or overtaken.
func (r *reading) checkOrder(t *testing.T, at place, record *kgo.Record) {
	t.Helper()
	s, err := readStamp(record.Value)
	if err != nil {
		t.Errorf("offset %d of %v: %v", record.Offset, at, err)
		return
	}
	if r.newest[at] == nil {
		r.newest[at] = map[string]int64{}
	}
	if last, found := r.newest[at][s.writer]; found && s.number <= last {
		t.Errorf("offset %d of %v holds record %d of %s, after %d", record.Offset, at, s.number, s.writer, last)
	}
	r.newest[at][s.writer] = s.number
}

// checkUnchanged reads everything once more, after the last kill.
func (r *reading) checkUnchanged(t *testing.T, b *harness.Broker) {
	t.Helper()
	again := &transcript{crcs: map[place][]uint32{}}
	next := map[place]int64{}
	for at := range r.crcs {
		next[at] = 0
	}
	readTo(t, b, next, func(record *kgo.Record) {
		again.add(place{record.Topic, record.Partition}, record.Offset, record.Value)
	})
	again.report(t, "the last reader")
	again.compare(t, "the last reader", r)
}

func (tr *transcript) compare(t *testing.T, who string, with *reading) {
	t.Helper()
	tr.mu.Lock()
	defer tr.mu.Unlock()
	for at, crcs := range tr.crcs {
		if !slices.Equal(crcs, with.crcs[at]) {
			t.Errorf("%s saw other records of %v: %d, and %d were there", who, at, len(crcs), len(with.crcs[at]))
		}
	}
}

// follower is a consumer that reads on during all kills, without a group, so that nothing may come twice.
type follower struct {
	transcript
	name   string
	places []place
	stop   func()
}

func startFollowers(t *testing.T, b *harness.Broker) []*follower {
	t.Helper()
	return []*follower{followFranz(t, b), followConfluent(t, b)}
}

func followFranz(t *testing.T, b *harness.Broker) *follower {
	t.Helper()
	f := &follower{transcript: transcript{crcs: map[place][]uint32{}}, name: "franz-go's consumer", places: placesOf(killPlain, killZstd, killLarge)}
	from := map[string]map[int32]kgo.Offset{}
	for _, at := range f.places {
		if from[at.topic] == nil {
			from[at.topic] = map[int32]kgo.Offset{}
		}
		from[at.topic][at.partition] = kgo.NewOffset().At(0)
	}
	client := franzClient(t, append(franzSASL(t, b, "SCRAM-SHA-512"), kgo.ConsumePartitions(from), kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.RetryBackoffFn(func(int) time.Duration { return 100 * time.Millisecond }))...)
	ctx, cancel := context.WithCancel(context.Background())
	var reader sync.WaitGroup
	reader.Go(func() {
		for ctx.Err() == nil {
			client.PollFetches(ctx).EachRecord(func(r *kgo.Record) { f.add(place{r.Topic, r.Partition}, r.Offset, r.Value) })
		}
	})
	f.stop = func() {
		cancel()
		reader.Wait()
	}
	return f
}

func followConfluent(t *testing.T, b *harness.Broker) *follower {
	t.Helper()
	f := &follower{transcript: transcript{crcs: map[place][]uint32{}}, name: "librdkafka's consumer", places: placesOf(killPlain, killZstd)}
	var places []string
	for _, at := range f.places {
		places = append(places, fmt.Sprintf("%s:%d", at.topic, at.partition))
	}
	user, password := b.Admin(t)
	p := harness.StartPython(t, func(line []byte) {
		var e event
		switch err := json.Unmarshal(line, &e); {
		case err != nil:
			f.fail(err.Error())
		case e.Name == "consumer_error":
			f.fail(e.Exception)
		default:
			f.add(place{e.Topic, e.Partition}, e.Offset, []byte(e.Value))
		}
	}, "load_confluent.py", "consume", b.Bootstrap(), b.CA(), user, password, strings.Join(places, ","))
	f.stop = func() { p.Stop(t) }
	return f
}

// checkSame waits until the follower is at the end, ends it, and compares what it saw with what is there.
func (f *follower) checkSame(t *testing.T, r *reading) {
	t.Helper()
	for _, at := range f.places {
		waitSeeing(t, fmt.Sprintf("%s at the end of %v", f.name, at), func() (string, bool) {
			has, all := f.length(at), r.length(at)
			return fmt.Sprintf("%d of %d", has, all), has >= all || f.failed()
		})
	}
	f.stop()
	f.report(t, f.name)
	f.compare(t, f.name, r)
}

func (tr *transcript) failed() bool {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return len(tr.failures) > 0
}

// readTo reads partitions from the given offsets to what is their end now.
func readTo(t *testing.T, b *harness.Broker, next map[place]int64, yield func(*kgo.Record)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	from := map[string]map[int32]kgo.Offset{}
	topics := []string{}
	for at, offset := range next {
		if from[at.topic] == nil {
			from[at.topic] = map[int32]kgo.Offset{}
			topics = append(topics, at.topic)
		}
		from[at.topic][at.partition] = kgo.NewOffset().At(offset)
	}
	client := franzClient(t, append(franzSASL(t, b, "SCRAM-SHA-512"), kgo.ConsumePartitions(from))...)
	defer client.Close()
	ends, err := kadm.NewClient(client).ListEndOffsets(ctx, topics...)
	if err != nil {
		t.Fatal(err)
	}
	end := map[place]int64{}
	for at := range next {
		e, found := ends.Lookup(at.topic, at.partition)
		if !found || e.Err != nil {
			t.Fatalf("the end of %v: found %t, %v", at, found, e.Err)
		}
		end[at] = e.Offset
	}
	behind := func(at place) bool { return next[at] < end[at] }
	for slices.ContainsFunc(placesIn(next), behind) {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatalf("read from %v to %v: %v", next, end, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			at := place{r.Topic, r.Partition}
			next[at] = r.Offset + 1
			yield(r)
		})
	}
}

func placesIn(next map[place]int64) (all []place) {
	for at := range next {
		all = append(all, at)
	}
	return all
}

// readFrom reads the first partition of a topic from an offset to the end; offsets have no holes, since nothing is compacted or aborted.
func readFrom(t *testing.T, b *harness.Broker, topic string, next int64, yield func(*kgo.Record)) {
	t.Helper()
	readTo(t, b, map[place]int64{{topic, 0}: next}, func(r *kgo.Record) {
		if r.Offset != next {
			t.Errorf("offset %d follows %d", r.Offset, next-1)
		}
		next = r.Offset + 1
		yield(r)
	})
}
