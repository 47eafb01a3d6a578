package audit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/authz"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errDisk = errors.New("disk is gone")

// memoryLog keeps entries and does what its hooks say.
type memoryLog struct {
	mu      sync.Mutex
	entries []Entry
	err     error
	// keepOnError keeps the events of a failed append, as an append of unknown outcome may.
	keepOnError bool
	// gate, where set, lets one append through per value.
	gate chan struct{}
}

func (l *memoryLog) Append(ctx context.Context, events []Entry) error {
	if l.gate != nil {
		select {
		case <-l.gate:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil || l.keepOnError {
		l.entries = append(l.entries, events...)
	}
	return l.err
}

func (l *memoryLog) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err = err
}

func (l *memoryLog) documents(t *testing.T) []document {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	docs := make([]document, len(l.entries))
	for i, e := range l.entries {
		if err := json.Unmarshal(e.Value, &docs[i]); err != nil {
			t.Fatalf("entry %d: %v", i, err)
		}
		if string(e.Key) != docs[i].Metadata.UID {
			t.Errorf("key %q of event %q", e.Key, docs[i].Metadata.UID)
		}
	}
	return docs
}

func start(log Log, change func(*Config)) *Recorder {
	cfg := Config{Source: Source{Version: "1.0", ClusterID: "c", NodeID: 1}, Log: log, Logger: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(&cfg)
	}
	return Start(cfg)
}

func logon() Event {
	return Authentication{Client: Client{Principal: auth.User("alice"), Host: "10.0.0.1"}, Succeeded: true, Method: "SCRAM-SHA-512"}
}

func denial() Event {
	return Denial{
		Client: Client{Principal: auth.User("mallory"), Host: "10.0.0.66"}, API: "Produce",
		Need: authz.Need{Op: authz.Write, On: authz.Resource{Type: authz.Topic, Name: "t"}}, Decision: authz.Decision{Reason: "default deny"},
	}
}

// pass lets time pass, in a synctest bubble.
func pass(d time.Duration) { <-time.After(d) }

func mustClose(t *testing.T, r *Recorder) {
	t.Helper()
	if err := r.Close(t.Context()); err != nil {
		t.Errorf("close: %v", err)
	}
}

func TestEventsAreNumberedInOrder(t *testing.T) {
	log := &memoryLog{}
	r := start(log, nil)
	var writers sync.WaitGroup
	for range 8 {
		writers.Go(func() {
			for range 200 {
				if err := r.Record(t.Context(), logon()); err != nil {
					t.Errorf("record: %v", err)
				}
			}
		})
	}
	writers.Wait()
	mustClose(t, r)
	docs := log.documents(t)
	if len(docs) != 1600 {
		t.Fatalf("%d events in the log", len(docs))
	}
	for i, d := range docs {
		if d.Metadata.Sequence != uint64(i)+1 || d.Metadata.LogName != docs[0].Metadata.LogName {
			t.Fatalf("event %d has sequence %d of %s", i, d.Metadata.Sequence, d.Metadata.LogName)
		}
	}
	if s := r.Stats(); s != (Stats{Recorded: 1600}) {
		t.Errorf("stats %+v", s)
	}
}

func TestDenyWhileTheLogFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &memoryLog{err: errDisk}
		r := start(log, nil)
		if err := r.Record(t.Context(), logon()); err != nil {
			t.Fatalf("before anybody knows: %v", err)
		}
		synctest.Wait()
		if err := r.Record(t.Context(), logon()); !errors.Is(err, ErrNotRecorded) || !errors.Is(err, ErrLogFails) {
			t.Fatalf("while the log fails: %v", err)
		}
		if !r.Stats().Failing {
			t.Error("the failure does not show")
		}
		log.fail(nil)
		pass(lastRetry)
		synctest.Wait()
		if err := r.Record(t.Context(), logon()); err != nil {
			t.Fatalf("after the log is back: %v", err)
		}
		mustClose(t, r)
		kinds := kindsOf(log.documents(t))
		if want := "3002 6008 3002"; kinds != want {
			t.Errorf("classes %s, want %s", kinds, want)
		}
	})
}

func kindsOf(docs []document) string {
	var classes []string
	for _, d := range docs {
		classes = append(classes, fmt.Sprint(d.ClassUID))
	}
	return strings.Join(classes, " ")
}

func TestAllowMakesTheGapAnEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &memoryLog{err: errDisk}
		r := start(log, func(c *Config) { c.OnFailure = Allow })
		began := time.Now()
		for range 3 {
			if err := r.Record(t.Context(), logon()); err != nil {
				t.Fatalf("record: %v", err)
			}
			synctest.Wait()
		}
		if err := r.Record(t.Context(), denial()); err != nil {
			t.Fatalf("record: %v", err)
		}
		log.fail(nil)
		pass(2 * lastRetry)
		mustClose(t, r)
		docs := log.documents(t)
		gap := docs[len(docs)-1]
		if gap.ClassUID != classError || gap.Count != 3 || gap.SeverityID != severityCritical || gap.Unmapped.Lost["authentication"] != 2 || gap.Unmapped.Lost["denial"] != 1 {
			t.Fatalf("the gap is %+v of %s", gap, kindsOf(docs))
		}
		if gap.StartTime != began.UnixMilli() || gap.EndTime < gap.StartTime {
			t.Errorf("the gap spans %d to %d, and began at %d", gap.StartTime, gap.EndTime, began.UnixMilli())
		}
		if r.Stats().Lost != 3 {
			t.Errorf("stats %+v", r.Stats())
		}
	})
}

func TestAStormLeavesRoomForOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &memoryLog{gate: make(chan struct{})}
		r := start(log, func(c *Config) { c.QueueEvents = 8 })
		for range 4 {
			if err := r.Record(t.Context(), denial()); err != nil {
				t.Fatalf("record: %v", err)
			}
		}
		began := time.Now()
		if err := r.Record(t.Context(), denial()); !errors.Is(err, ErrQueueFull) || time.Since(began) != defaultPatience {
			t.Fatalf("a denial beyond the share: %v after %v", err, time.Since(began))
		}
		if err := r.Record(t.Context(), logon()); err != nil || time.Since(began) != defaultPatience {
			t.Fatalf("a log-in beside the storm: %v after %v", err, time.Since(began))
		}
		close(log.gate)
		mustClose(t, r)
		if kinds := kindsOf(log.documents(t)); kinds != "6003 6003 6003 6003 3002 6008" {
			t.Errorf("classes %s", kinds)
		}
	})
}

func TestRecordWaitsForRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &memoryLog{gate: make(chan struct{})}
		r := start(log, func(c *Config) { c.QueueEvents = 1 })
		if err := r.Record(t.Context(), logon()); err != nil {
			t.Fatalf("record: %v", err)
		}
		second := make(chan error, 1)
		go func() { second <- r.Record(t.Context(), logon()) }()
		synctest.Wait()
		log.gate <- struct{}{}
		if err := <-second; err != nil {
			t.Fatalf("the second: %v", err)
		}
		close(log.gate)
		mustClose(t, r)
		if n := len(log.documents(t)); n != 2 {
			t.Errorf("%d events", n)
		}
	})
}

func TestQueueIsBoundedInBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &memoryLog{gate: make(chan struct{})}
		r := start(log, func(c *Config) { c.QueueBytes = 3000 })
		var err error
		n := 0
		for ; err == nil && n < 100; n++ {
			err = r.Record(t.Context(), Lifecycle{Reason: strings.Repeat("x", 10*maxText)})
		}
		if !errors.Is(err, ErrQueueFull) || n > 6 {
			t.Errorf("after %d events: %v", n, err)
		}
		close(log.gate)
		mustClose(t, r)
	})
}

func TestAnAppendOfUnknownOutcomeKeepsItsKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &memoryLog{err: errDisk, keepOnError: true}
		r := start(log, nil)
		if err := r.Record(t.Context(), logon()); err != nil {
			t.Fatalf("record: %v", err)
		}
		synctest.Wait()
		log.fail(nil)
		mustClose(t, r)
		docs := log.documents(t)
		if len(docs) != 2 || docs[0].Metadata.UID != docs[1].Metadata.UID {
			t.Errorf("the retry is another event: %s", kindsOf(docs))
		}
	})
}

func TestAHangingAppendIsAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &memoryLog{gate: make(chan struct{})}
		r := start(log, nil)
		if err := r.Record(t.Context(), logon()); err != nil {
			t.Fatalf("record: %v", err)
		}
		pass(appendTimeout)
		synctest.Wait()
		if err := r.Record(t.Context(), logon()); !errors.Is(err, ErrLogFails) {
			t.Errorf("record: %v", err)
		}
		close(log.gate)
		mustClose(t, r)
	})
}

func TestCloseGivesUpWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &memoryLog{err: errDisk}
		r := start(log, nil)
		if err := r.Record(t.Context(), logon()); err != nil {
			t.Fatalf("record: %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := r.Close(ctx); !errors.Is(err, ErrNotRecorded) {
			t.Errorf("close: %v", err)
		}
		if err := r.Record(t.Context(), logon()); !errors.Is(err, ErrClosed) {
			t.Errorf("record after close: %v", err)
		}
	})
}

func TestRecordEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &memoryLog{gate: make(chan struct{})}
		r := start(log, func(c *Config) { c.QueueEvents = 1 })
		if err := r.Record(t.Context(), logon()); err != nil {
			t.Fatalf("record: %v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := r.Record(ctx, logon()); !errors.Is(err, context.Canceled) || !errors.Is(err, ErrNotRecorded) {
			t.Errorf("record: %v", err)
		}
		close(log.gate)
		mustClose(t, r)
	})
}

func TestEachEventIsALogLine(t *testing.T) {
	var lines strings.Builder
	r := start(&memoryLog{}, func(c *Config) { c.Logger = slog.New(slog.NewTextHandler(&lines, nil)) })
	if err := r.Record(t.Context(), denial()); err != nil {
		t.Fatalf("record: %v", err)
	}
	mustClose(t, r)
	for _, want := range []string{"level=WARN", "msg=audit", "event=denial", "principal=User:mallory", "operation=WRITE", "resource=t"} {
		if !strings.Contains(lines.String(), want) {
			t.Errorf("no %s in %s", want, lines.String())
		}
	}
}

func TestConfirmReturnsWhenTheLogHasTheEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &memoryLog{gate: make(chan struct{})}
		r := Start(Config{Log: log, Logger: slog.New(slog.DiscardHandler)})
		done := make(chan error, 1)
		go func() { done <- r.Confirm(t.Context(), Change{API: "DeleteRecords", Intent: true}) }()
		synctest.Wait()
		select {
		case err := <-done:
			t.Fatalf("it returned before the log had the event: %v", err)
		default:
		}
		close(log.gate)
		if err := <-done; err != nil || len(log.entries) != 1 {
			t.Errorf("%v, and the log has %d events", err, len(log.entries))
		}
		log.fail(errDisk)
		if err := r.Confirm(t.Context(), Change{Intent: true}); !errors.Is(err, ErrNotRecorded) || !errors.Is(err, ErrLogFails) {
			t.Errorf("a log that fails: %v", err)
		}
		log.fail(nil)
		if err := r.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestAnIntentHasNoOutcome(t *testing.T) {
	e, err := ChangeEvent(Source{}, Change{API: "DeleteRecords", ResourceType: "TOPIC", Resource: "t", Intent: true, After: map[string]string{"0": "7"}})
	if err != nil {
		t.Fatal(err)
	}
	var d map[string]any
	if err := json.Unmarshal(e.Value, &d); err != nil {
		t.Fatal(err)
	}
	if _, has := d["status_id"]; has || d["status_code"] != "INTENT" || d["api"].(map[string]any)["response"] != nil {
		t.Errorf("%s", e.Value)
	}
}
