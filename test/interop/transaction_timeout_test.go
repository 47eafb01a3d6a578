//go:build interop

package interop

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// TestTransactionTimesOut leaves a transaction open beyond its time-out: it is aborted then and not before, by the broker's
// own clock, and its producer can neither write nor commit any more. One whose time is not over stays open.
func TestTransactionTimesOut(t *testing.T) {
	// It takes a second at most on a machine that has nothing else to do.
	const timeout, interval, aborting = 1500 * time.Millisecond, 200 * time.Millisecond, 10 * time.Second
	b := startSubject(t, "CHRONIK_TRANSACTION_ABORT_TIMED_OUT_TRANSACTION_CLEANUP_INTERVAL_MS=200")
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
		after := m.Timestamp.Sub(opened)
		if after < timeout || after > timeout+interval+aborting {
			t.Errorf("a transaction with a time-out of %s was aborted after %s", timeout, after)
		}
		t.Logf("aborted after %s", after)
	}
	if records, _ := readTopic(t, franzSASL(t, b.Broker, "SCRAM-SHA-512"), journaled, kgo.ReadCommitted()); len(records) != 1 || len(markers) != 2 {
		t.Errorf("%d records are committed by %d markers, want that of the patient producer", len(records), len(markers))
	}
}
