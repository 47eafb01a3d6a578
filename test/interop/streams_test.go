//go:build interop

package interop

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chronik-stream/chronik/test/harness"
)

const (
	wordsIn  = "lines-in"
	wordsOut = "counts-out"
)

// TestStreamsCountWordsExactlyOnce runs Kafka Streams' word count with exactly_once_v2 and counts in RocksDB. The application is killed
// and started again, then the broker is. A reader of committed records sees each word counted up from 1, without a gap and
// without a repetition, to as often as it was written.
func TestStreamsCountWordsExactlyOnce(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(killSeed(t), 3))
	b := startSubject(t, "CHRONIK_GROUP_INITIAL_REBALANCE_DELAY_MS=0")
	bumpsEpochs(t, b.Broker)
	createTopic(t, b.Broker, wordsIn, 2)
	createTopic(t, b.Broker, wordsOut, 2)
	counts := readCounts(t, b.Broker)
	written, stop := writeLines(t, b.Broker, rng)
	stateDir := t.TempDir()

	app := startWordCount(t, b.Broker, stateDir)
	counts.waitForMore(t)
	app.Kill(t)
	app = startWordCount(t, b.Broker, stateDir)
	counts.waitForMore(t)
	b.Kill(t)
	b.Run(t)
	counts.waitForMore(t)
	stop()
	waitSeeing(t, "every word to be counted", func() (string, bool) {
		has, all := counts.total(), written.total()
		return fmt.Sprintf("%d of %d", has, all), has >= all
	})
	app.Stop(t)
	for word, want := range written.words {
		got := counts.words[word]
		if len(got) != len(want) {
			t.Errorf("%s is counted %d times, it was written %d times", word, len(got), len(want))
		}
		for i, n := range got {
			if n != i+1 {
				t.Errorf("%s is counted %d at step %d", word, n, i+1)
				break
			}
		}
	}
	t.Logf("%d words", written.total())
}

func startWordCount(t *testing.T, b *harness.Broker, stateDir string) *harness.Process {
	t.Helper()
	return harness.StartProcess(t, func([]byte) {}, "java", harness.JavaArgs(t, []string{"-Xmx512m"}, "stream.chronik.test.WordCount",
		b.Bootstrap(), b.ClientProperties(), wordsIn, wordsOut, "word-count", stateDir)...)
}

// tally has the counts of each word in their order.
type tally struct {
	mu    sync.Mutex
	words map[string][]int
}

func (c *tally) add(word string, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.words[word] = append(c.words[word], n)
}

func (c *tally) total() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, steps := range c.words {
		n += len(steps)
	}
	return n
}

func (c *tally) waitForMore(t *testing.T) {
	t.Helper()
	before := c.total()
	waitSeeing(t, "more counts", func() (string, bool) {
		now := c.total()
		return fmt.Sprintf("%d after %d", now, before), now >= before+200
	})
}

// writeLines writes lines of words until it is stopped, and counts the words.
func writeLines(t *testing.T, b *harness.Broker, rng *rand.Rand) (written *tally, stop func()) {
	t.Helper()
	client := franzClient(t, franzSASL(t, b, "SCRAM-SHA-512")...)
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	written = &tally{words: map[string][]int{}}
	var writing sync.WaitGroup
	writing.Go(func() {
		for rate := time.NewTicker(20 * time.Millisecond); ctx.Err() == nil; <-rate.C {
			var batch []*kgo.Record
			for line := range 4 {
				words := make([]string, 5)
				for i := range words {
					words[i] = fmt.Sprintf("word%d", rng.IntN(30))
					written.add(words[i], line)
				}
				batch = append(batch, &kgo.Record{Topic: wordsIn, Value: []byte(strings.Join(words, " "))})
			}
			if err := client.ProduceSync(context.Background(), batch...).FirstErr(); err != nil {
				t.Errorf("write lines: %v", err)
				return
			}
		}
	})
	return written, func() {
		cancel()
		writing.Wait()
	}
}

// readCounts follows what is committed until the test ends.
func readCounts(t *testing.T, b *harness.Broker) *tally {
	t.Helper()
	client := franzClient(t, append(franzSASL(t, b, "SCRAM-SHA-512"), kgo.ConsumeTopics(wordsOut), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))...)
	counts := &tally{words: map[string][]int{}}
	go func() {
		for {
			fetches := client.PollFetches(context.Background())
			if fetches.IsClientClosed() {
				return
			}
			fetches.EachRecord(func(r *kgo.Record) {
				n, err := strconv.Atoi(string(r.Value))
				if err != nil {
					t.Errorf("count %q of %s", r.Value, r.Key)
				}
				counts.add(string(r.Key), n)
			})
		}
	}()
	return counts
}
