package storage

import (
	"testing"
	"time"

	"github.com/chronik-stream/chronik/broker/vfs"
	"github.com/chronik-stream/chronik/broker/wire"
)

// guardedLog is a log that asks for verification, and producer 7.
type guardedLog struct {
	*Log
	t   *testing.T
	d   *Directory
	now time.Time
}

func newGuardedLog(t *testing.T) *guardedLog {
	t.Helper()
	v := &guardedLog{t: t, now: testTime}
	cfg := testConfig(vfs.NewMemory(nil))
	cfg.DefaultLogConfig.VerifyTransactions = true
	cfg.Clock = func() time.Time { return v.now }
	v.d = openDir(t, cfg)
	v.Log = newLogIn(t, v.d)
	t.Cleanup(func() { must(t, v.d.Close()) })
	return v
}

// start is StartVerification, which has to end with a code.
func (v *guardedLog) start(epoch int16, sequence int32, bumps bool, code int16) uint64 {
	v.t.Helper()
	guard, err := v.StartVerification(7, epoch, sequence, bumps)
	if wire.CodeOf(err) != code {
		v.t.Errorf("verification of epoch %d: %v", epoch, err)
	}
	return guard
}

// send appends a client's batch with a guard, which has to end with a code.
func (v *guardedLog) send(what string, epoch int16, sequence int32, guard uint64, code int16) {
	v.t.Helper()
	info := client()
	info.Guard = guard
	if r, err := v.Append(ofTransaction(epoch, sequence), info); wire.CodeOf(err) != code || r.Duplicate {
		v.t.Errorf("%s: %+v, %v", what, r, err)
	}
}

// finish appends a marker of a transaction version.
func (v *guardedLog) finish(epoch int16, version int8) {
	v.t.Helper()
	info := coordinator()
	info.TransactionVersion = version
	_, err := v.Append(endOf(epoch, true, 0), info)
	must(v.t, err)
}

// TestTheFirstBatchOfATransactionIsVerified, and no other; a guard is good for one transaction.
func TestTheFirstBatchOfATransactionIsVerified(t *testing.T) {
	v := newGuardedLog(t)
	v.send("without a guard", 0, 0, 0, wire.InvalidTxnState)
	v.send("with an invented guard", 0, 0, 77, wire.InvalidTxnState)
	guard := v.start(0, 0, false, wire.None)
	if guard == 0 || guard != v.start(0, 0, false, wire.None) {
		t.Errorf("the guard is %d, then another one", guard)
	}
	v.send("with another guard", 0, 0, guard+1, wire.InvalidTxnState)
	v.send("with the guard", 0, 0, guard, wire.None)
	v.send("the second batch", 0, 1, 0, wire.None)
	if again := v.start(0, 2, false, wire.None); again != 0 {
		t.Errorf("an open transaction has guard %d", again)
	}
	v.finish(0, 1)
	v.send("the next transaction without a guard", 0, 2, 0, wire.InvalidTxnState)
	v.send("the next transaction with the guard of the last one", 0, 2, guard, wire.InvalidTxnState)
	v.send("the next transaction", 0, 2, v.start(0, 2, false, wire.None), wire.None)
	if _, err := v.StartVerification(7, -1, 0, false); wire.CodeOf(err) != wire.InvalidProducerEpoch {
		t.Errorf("an older epoch: %v", err)
	}
}

// TestDuplicatesNeedNoVerification: the answer was lost, and the transaction is over.
func TestDuplicatesNeedNoVerification(t *testing.T) {
	v := newGuardedLog(t)
	v.send("a batch", 0, 0, v.start(0, 0, false, wire.None), wire.None)
	v.finish(0, 1)
	if r, err := v.Append(ofTransaction(0, 0), client()); err != nil || !r.Duplicate || r.BaseOffset != 0 {
		t.Errorf("the batch again: %+v, %v", r, err)
	}
}

// TestWhoIsVerified: a coordinator's own batches are, what a leader has taken and markers are not, and nobody is where the topic says so.
func TestWhoIsVerified(t *testing.T) {
	v := newGuardedLog(t)
	info := coordinator()
	_, err := v.Append(ofTransaction(0, 0), info)
	if wire.CodeOf(err) != wire.InvalidTxnState {
		t.Errorf("a coordinator's batch without a guard: %v", err)
	}
	info.Guard = v.start(0, 0, false, wire.None)
	_, err = v.Append(ofTransaction(0, 0), info)
	must(t, err)
	v.finish(0, 1)

	replicated := ofTransaction(0, 1)
	patch(replicated, v.EndOffset(), 1)
	_, err = v.Append(replicated, AppendInfo{Origin: Replication})
	must(t, err)
	v.finish(0, 1)

	cfg := v.Config()
	cfg.VerifyTransactions = false
	v.SetConfig(cfg)
	v.send("without verification", 0, 2, 0, wire.None)
}

// TestAnOpenTransactionOfAnOlderEpochIsNotContinued: it hangs, or its marker is on the way.
func TestAnOpenTransactionOfAnOlderEpochIsNotContinued(t *testing.T) {
	v := newGuardedLog(t)
	v.send("a batch", 3, 0, v.start(3, 0, true, wire.None), wire.None)
	guard := v.start(4, 0, true, wire.None)
	if guard == 0 {
		t.Error("the next epoch is not verified")
	}
	v.send("the next epoch without a guard", 4, 0, 0, wire.InvalidTxnState)
	v.send("the next epoch with a guard", 4, 0, guard, wire.InvalidTxnState)
	v.finish(4, 2)
	v.send("the next epoch behind the marker", 4, 0, guard, wire.None)
	v.send("the older epoch behind the marker", 3, 1, 0, wire.InvalidProducerEpoch)
	if first, open := v.FirstUnstable(v.EndOffset()); !open || first != 2 {
		t.Errorf("the first unstable offset is %d (%t)", first, open)
	}
}

// TestLaterBatchesWaitForTheFirst: two were on the way, and the second one is verified sooner.
func TestLaterBatchesWaitForTheFirst(t *testing.T) {
	v := newGuardedLog(t)
	guard := v.start(0, 5, false, wire.None)
	v.start(0, 0, false, wire.None)
	v.start(0, 7, false, wire.None)
	v.send("the second batch", 0, 5, guard, wire.OutOfOrderSequenceNumber)
	v.send("the first batch", 0, 0, guard, wire.None)
	v.send("the second batch, behind the first", 0, 1, 0, wire.None)
	v.finish(1, 1)

	guard = v.start(2, 3, false, wire.None)
	v.start(4, 9, false, wire.None)
	v.start(3, 0, false, wire.None)
	v.send("a new epoch counts alone", 4, 9, guard, wire.OutOfOrderSequenceNumber) // since it has to begin at 0
	v.start(4, 0, false, wire.None)
	v.send("a new epoch", 4, 0, guard, wire.None)
}

// TestProducersThatNobodyKnowsBeginAt0 where their epochs rise with each transaction; others may have been forgotten.
func TestProducersThatNobodyKnowsBeginAt0(t *testing.T) {
	for _, bumps := range []bool{true, false} {
		v := newGuardedLog(t)
		code := wire.None
		if bumps {
			code = wire.OutOfOrderSequenceNumber
		}
		v.send("a producer without a state", 0, 40, v.start(0, 40, bumps, wire.None), code)
	}
	v := newGuardedLog(t)
	v.send("a producer without a state begins at 0", 0, 0, v.start(0, 0, true, wire.None), wire.None)
	v.finish(1, 2)
	v.now = v.now.Add(2 * DefaultProducerIDExpiration)
	v.d.expireProducers(v.now)
	v.send("a producer that was forgotten", 1, 4, v.start(1, 4, true, wire.None), wire.OutOfOrderSequenceNumber)
	v.send("a producer that was forgotten begins anew", 1, 0, v.start(1, 0, true, wire.None), wire.None)
}

// TestMarkersEndVerifications, except for that of the next transaction, which is asked for before the marker has come.
func TestMarkersEndVerifications(t *testing.T) {
	for _, c := range []struct {
		name  string
		bumps bool
		epoch int16 // that of the verification, and the marker's is 1
		code  int16
	}{
		{"the epoch rises, and the marker is of the transaction before", true, 1, wire.None},
		{"the epoch rises, and the marker is of a later transaction", true, 0, wire.InvalidProducerEpoch},
		{"the epoch stays, and the marker may be of this transaction", false, 1, wire.InvalidTxnState},
	} {
		v := newGuardedLog(t)
		guard := v.start(c.epoch, 0, c.bumps, wire.None)
		v.finish(1, 2)
		v.send(c.name, c.epoch, 0, guard, c.code)
	}
}

// TestVerificationsAreForgotten in time, and where there are too many.
func TestVerificationsAreForgotten(t *testing.T) {
	v := newGuardedLog(t)
	guard := v.start(0, 0, false, wire.None)
	v.now = v.now.Add(DefaultProducerIDExpiration - time.Millisecond)
	v.d.expireProducers(v.now)
	if v.start(0, 0, false, wire.None) != guard {
		t.Error("the verification was forgotten too soon")
	}
	v.now = v.now.Add(time.Millisecond)
	v.d.expireProducers(v.now)
	v.send("a verification that was forgotten", 0, 0, guard, wire.InvalidTxnState)

	guard = v.start(0, 0, false, wire.None)
	v.now = v.now.Add(time.Millisecond)
	for id := range int64(maxVerifications) {
		if _, err := v.StartVerification(1000+id, 0, 0, false); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(v.verifying); n != maxVerifications {
		t.Errorf("%d verifications are known", n)
	}
	v.send("the oldest verification", 0, 0, guard, wire.InvalidTxnState)
}

// TestVerificationsMoveWithTheirLog to another directory.
func TestVerificationsMoveWithTheirLog(t *testing.T) {
	disk := vfs.NewMemory(nil)
	cfg := testConfig(disk)
	cfg.DefaultLogConfig.VerifyTransactions = true
	from := openDir(t, cfg)
	cfg.Dir = "/other"
	to := openDir(t, cfg)
	l := newLogIn(t, from)
	guard, err := l.StartVerification(7, 0, 0, true)
	must(t, err)
	m, err := to.StartMove(l)
	must(t, err)
	must(t, m.Copy(t.Context()))
	moved, err := m.Finish(t.Context())
	must(t, err)
	must(t, m.Leave())
	info := client()
	info.Guard = guard
	_, err = moved.Append(ofTransaction(0, 0), info)
	must(t, err)
	must(t, from.Close())
	must(t, to.Close())
}

// TestALateBatchAfterTransactionVersionWasLowered: what was begun under version 2, and failed, does not let a batch of version 1 in that was
// verified before the marker and comes after it. Nobody would end its transaction.
func TestALateBatchAfterTransactionVersionWasLowered(t *testing.T) {
	for name, first := range map[string]int16{"of the epoch before": 0, "of the same epoch": 1} {
		v := newGuardedLog(t)
		v.start(first, 0, true, wire.None)
		guard := v.start(1, 0, false, wire.None)
		v.finish(1, 1)
		v.send(name, 1, 0, guard, wire.InvalidTxnState)
	}
}

// TestAnOpenTransactionThatNobodyEntered under version 2 is asked for once: it may be the one before, of the same epoch.
func TestAnOpenTransactionThatNobodyEntered(t *testing.T) {
	v := newGuardedLog(t)
	v.send("version 1", 0, 0, v.start(0, 0, false, wire.None), wire.None)
	guard := v.start(0, 1, true, wire.None)
	if guard == 0 {
		t.Fatal("the open transaction of version 1 is taken for that of version 2")
	}
	if g := v.start(0, 1, false, wire.None); g != 0 {
		t.Errorf("version 1 has guard %d within its transaction", g)
	}
	v.finish(0, 1)
	v.send("behind the marker of the same epoch", 0, 1, v.start(0, 1, true, wire.None), wire.None)
	if g := v.start(0, 2, true, wire.None); g != 0 {
		t.Errorf("the transaction that was entered has guard %d", g)
	}
	v.finish(0, 1)

	v.send("version 1 again", 0, 2, v.start(0, 2, false, wire.None), wire.None)
	v.send("version 2 within that transaction", 0, 3, v.start(0, 3, true, wire.None), wire.None)
	if g := v.start(0, 4, true, wire.None); g != 0 {
		t.Errorf("the transaction that was entered late has guard %d", g)
	}
}

// TestAfterARestartAnOpenTransactionIsAskedForOnce, since it is not on disk who entered it.
func TestAfterARestartAnOpenTransactionIsAskedForOnce(t *testing.T) {
	cfg := testConfig(vfs.NewMemory(nil))
	cfg.DefaultLogConfig.VerifyTransactions = true
	d := openDir(t, cfg)
	v := &guardedLog{t: t, d: d, Log: newLogIn(t, d)}
	v.send("version 2", 0, 0, v.start(0, 0, true, wire.None), wire.None)
	must(t, d.Close())
	v.d = openDir(t, cfg)
	v.Log = v.d.Log("topic", 0)
	guard := v.start(0, 1, true, wire.None)
	if guard == 0 {
		t.Error("nobody knows that the transaction was entered, and nobody is asked")
	}
	v.send("with the guard", 0, 1, guard, wire.None)
	if g := v.start(0, 2, true, wire.None); g != 0 {
		t.Errorf("it is asked for again, with guard %d", g)
	}
	must(t, v.d.Close())
}
