//go:build interop

package interop

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	rotations = 2
	// loginsPerKey is how many log-ins of each worker are done before the next key comes.
	loginsPerKey = 12
	loginWorkers = 4
)

// TestKeysRotateUnderLoad rotates the issuer's keys while clients log in by its newest tokens all the time and others go on: none of them
// fails, and the issuer is asked a few times.
func TestKeysRotateUnderLoad(t *testing.T) {
	t.Parallel()
	b := startTokenBroker(t)
	const topic = "rotation"
	createTopic(t, b.Broker, topic, 1)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	standing := franzClient(t, b.franz(t)...)
	var written atomic.Int32
	produce := func(c *kgo.Client) {
		if err := c.ProduceSync(ctx, &kgo.Record{Topic: topic, Value: []byte("x")}).FirstErr(); err != nil {
			t.Errorf("a valid client's record is not written: %v", err)
			return
		}
		written.Add(1)
	}
	for round := range rotations + 1 {
		if round > 0 {
			b.issuer.Rotate(t)
		}
		var workers sync.WaitGroup
		for range loginWorkers {
			workers.Go(func() {
				for range loginsPerKey {
					c, err := kgo.NewClient(b.franz(t)...)
					if err != nil {
						t.Error(err)
						return
					}
					produce(c)
					c.Close()
					produce(standing)
				}
			})
		}
		workers.Wait()
	}
	if want := int32((rotations + 1) * loginWorkers * loginsPerKey * 2); written.Load() != want {
		t.Errorf("%d records are written, want %d", written.Load(), want)
	}
	if strings.Contains(scrape(t, b.Broker), "chronik_failed_logins_total{") {
		t.Error("a log-in has failed that the client tried again")
	}
	if n := b.issuer.Asked(); n < rotations+1 || n > 2*rotations+2 {
		t.Errorf("the issuer was asked for its keys %d times", n)
	}
}

// TestJavaRenewsItsLogIn has Java's producer write for longer than its tokens live: it authenticates again on the same connections
// (KIP-368), with new tokens.
func TestJavaRenewsItsLogIn(t *testing.T) {
	t.Parallel()
	b := startTokenBroker(t, "CHRONIK_LOG_LEVEL=debug")
	// It renews twice at the least in that time, though it may be late where the machine has much to do.
	const topic, lifetime, rate, spans = "renewal", 4, 20, 4
	b.issuer.SetLifetime(lifetime * time.Second)
	createTopic(t, b.Broker, topic, 1)
	out := b.java(t, producerPerf, "--topic", topic, "--num-records", fmt.Sprint(spans*lifetime*rate), "--record-size", "10",
		"--throughput", fmt.Sprint(rate), "--command-config", b.javaFile(t), "--bootstrap-server", b.Bootstrap())
	contains(t, out, fmt.Sprintf("%d records sent", spans*lifetime*rate))
	if n := b.issuer.Issued(); n < 2 {
		t.Errorf("Java has got %d tokens", n)
	}
	first, renewed := logIns(b.Log(), "false"), logIns(b.Log(), "true")
	if first != 2 || renewed < 2 {
		t.Errorf("%d connections were made and %d log-ins renewed, want 2 and as many or more", first, renewed)
	}
	if strings.Contains(b.Log(), `event=authentication outcome=failure`) {
		t.Error("a log-in has failed")
	}
}

// logIns counts the log-ins by token in a broker's log.
func logIns(log, renewed string) int {
	n := 0
	for line := range strings.Lines(log) {
		if strings.Contains(line, `msg="logged in"`) && strings.Contains(line, "method=OAUTHBEARER") && strings.Contains(line, "renewed="+renewed) {
			n++
		}
	}
	return n
}
