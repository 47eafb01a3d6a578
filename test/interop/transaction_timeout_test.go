//go:build interop

package interop

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// everySoOften has transactions that are overdue looked for 5 times a second.
const everySoOften = "CHRONIK_TRANSACTION_ABORT_TIMED_OUT_TRANSACTION_CLEANUP_INTERVAL_MS=200"

// TestTransactionTimesOut leaves a transaction open beyond its time-out: it is aborted then and not before, by the broker's
// own clock, and its producer can neither write nor commit any more. One whose time is not over stays open.
func TestTransactionTimesOut(t *testing.T) {
	const timeout = 1500 * time.Millisecond
	b := startSubject(t, everySoOften)
	s := newStepper(t, b.Broker, b.Bootstrap())
	patient, late := s.begin(t, "patient", 10*time.Minute), s.begin(t, "late", timeout)
	patient.add(t, 1)
	patient.write(t, 1, time.Now())
	late.add(t, 0)
	late.write(t, 0, time.Now())
	opened := time.UnixMilli(late.describe(t).StartTimestamp)

	waitFor(t, "the end of the transaction", func() bool { return late.describe(t).State == "CompleteAbort" })
	if code := late.tryWrite(t, 0, time.Now()); code != kerr.InvalidProducerEpoch.Code {
		t.Errorf("a write after the time-out: code %d, want INVALID_PRODUCER_EPOCH", code)
	}
	for _, commit := range []bool{true, false} {
		if code := late.tryEnd(t, commit); code != kerr.ProducerFenced.Code {
			t.Errorf("an end after the time-out (commit: %v): code %d, want PRODUCER_FENCED", commit, code)
		}
	}
	if state := patient.describe(t).State; state != "Ongoing" {
		t.Errorf("a transaction whose time is not over is %s", state)
	}
	patient.end(t, true)
	_, markers := readTopic(t, franzSASL(t, b.Broker, "SCRAM-SHA-512"), journaled, kgo.ReadUncommitted())
	for _, m := range markers {
		if m.ProducerID != late.producer {
			continue
		}
		if after := m.Timestamp.Sub(opened); after < timeout {
			t.Errorf("a transaction with a time-out of %s was aborted after %s", timeout, after)
		}
	}
	if records, _ := readTopic(t, franzSASL(t, b.Broker, "SCRAM-SHA-512"), journaled, kgo.ReadCommitted()); len(records) != 1 || len(markers) != 2 {
		t.Errorf("%d records are committed by %d markers, want that of the patient producer", len(records), len(markers))
	}
}

// TestTheIntervalOfTimeOutsIsTheConfigured lets one transaction after the other time out. Each begins after the end of the one before, so
// that a look for overdue ones ends one of them: with Apache Kafka's default interval they end 10 seconds apart at least, on any machine.
func TestTheIntervalOfTimeOutsIsTheConfigured(t *testing.T) {
	const byDefault, slack, rounds = 10 * time.Second, time.Second, 5
	b := startSubject(t, everySoOften)
	s := newStepper(t, b.Broker, b.Bootstrap())
	for range rounds {
		late := s.begin(t, "late", 100*time.Millisecond)
		late.add(t, 0)
		waitFor(t, "the end of the transaction", func() bool { return late.describe(t).State == "CompleteAbort" })
		_, markers := readTopic(t, franzSASL(t, b.Broker, "SCRAM-SHA-512"), journaled, kgo.ReadUncommitted())
		if n := len(markers); n > 1 && markers[n-1].Timestamp.Sub(markers[n-2].Timestamp) < byDefault-slack {
			return
		}
	}
	t.Errorf("of %d transactions no two were aborted within %s", rounds, byDefault-slack)
}
