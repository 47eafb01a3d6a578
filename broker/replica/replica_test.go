package replica

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/record"
	"github.com/chronik-stream/chronik/broker/wire"
)

func TestEpochsAreCompared(t *testing.T) {
	w := newWorld(t, 1)
	w.create("a", 1, []int32{1})
	w.apply(&meta.RegisterBroker{Broker: meta.Broker{ID: testNode, Incarnation: [16]byte{9}}})
	r := w.replica("a", 0)
	epoch := r.LeaderEpoch()
	if epoch < 1 {
		t.Fatalf("a new registration leaves leader epoch %d", epoch)
	}
	for known, code := range map[int32]int16{-1: wire.None, epoch: wire.None, epoch - 1: wire.FencedLeaderEpoch, epoch + 1: wire.UnknownLeaderEpoch} {
		if err := r.CheckEpoch(known); wire.CodeOf(err) != code {
			t.Errorf("epoch %d: %v", known, err)
		}
	}
	a := mustAppend(t, r, batchOf(2, testTime))
	data, err := r.Read(a.BaseOffset, 1<<20, true, nil)
	if err != nil || record.Batch(data).LeaderEpoch() != epoch {
		t.Errorf("the batch is stamped with another epoch: %v", err)
	}
	if end := r.EndOffsetFor(epoch); end.Epoch != epoch || end.EndOffset != 2 {
		t.Errorf("epoch %d ends at %+v", epoch, end)
	}
	if end := r.EndOffsetFor(epoch + 1); end.Epoch != -1 || end.EndOffset != -1 {
		t.Errorf("an epoch to come ends at %+v", end)
	}
}

func TestAnotherLeaderTakesAppendsAway(t *testing.T) {
	w := newWorld(t, 1)
	w.create("a", 1, []int32{1})
	r := w.replica("a", 0)
	p := w.image.Topic("a").Partitions[0]
	p.Leader, p.LeaderEpoch = 2, p.LeaderEpoch+1
	if err := r.update(p); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Append(batchOf(1, testTime), false, true, 0, testTime); wire.CodeOf(err) != wire.NotLeaderForPartition {
		t.Errorf("append without leading: %v", err)
	}
	if leader, epoch := r.Leader(); leader != 2 || epoch != p.LeaderEpoch {
		t.Errorf("leader %d in epoch %d", leader, epoch)
	}
}

func TestTooFewInSyncReplicas(t *testing.T) {
	w := newWorld(t, 1)
	w.minISR = 2
	w.create("alone", 1, []int32{1})
	w.create("pair", 2, []int32{1, 2})
	// As Apache Kafka's Partition.effectiveMinIsr: one replica in all cannot be asked for two.
	mustAppend(t, w.replica("alone", 0), batchOf(1, testTime))
	r := w.replica("pair", 0)
	p := w.image.Topic("pair").Partitions[0]
	p.ISR = []int32{1}
	if err := r.update(p); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Append(batchOf(1, testTime), true, true, 0, testTime); wire.CodeOf(err) != wire.NotEnoughReplicas {
		t.Errorf("acks=-1: %v", err)
	}
	a, err := r.Append(batchOf(1, testTime), false, true, 0, testTime)
	if err != nil {
		t.Fatalf("acks=1: %v", err)
	}
	if err := a.Wait(t.Context()); err != nil {
		t.Errorf("acks=1: %v", err)
	}
	a.all = true
	if err := a.Wait(t.Context()); wire.CodeOf(err) != wire.NotEnoughReplicasAfterAppend {
		t.Errorf("replicas lost after the append: %v", err)
	}
	if _, err := r.AppendOwn(batchOf(1, testTime), testTime); wire.CodeOf(err) != wire.NotEnoughReplicas {
		t.Errorf("the broker's own batch: %v", err)
	}
}

func TestRefusalsHaveCodes(t *testing.T) {
	w := newWorld(t, 1)
	w.create("a", 1, []int32{1})
	r := w.replica("a", 0)
	broken := batchOf(1, testTime)
	broken[20]++
	large := make([]byte, 2<<20)
	copy(large, batchOf(1, testTime))
	binary.BigEndian.PutUint32(large[8:], uint32(len(large)-12))
	cases := map[string]struct {
		batch []byte
		code  int16
	}{
		"nothing":   {nil, wire.InvalidRecord},
		"checksum":  {broken, wire.CorruptMessage},
		"too large": {large, wire.MessageTooLarge},
		"too late":  {batchOf(1, testTime.Add(2*time.Hour)), wire.InvalidTimestamp},
		"two":       {append(batchOf(1, testTime), batchOf(1, testTime)...), wire.InvalidRecord},
	}
	for name, tc := range cases {
		if _, err := r.Append(tc.batch, true, true, 0, testTime); wire.CodeOf(err) != tc.code {
			t.Errorf("%s: %v", name, err)
		}
	}
	var refusal *record.Refusal
	if _, err := r.Append(batchOf(1, testTime.Add(2*time.Hour)), true, true, 0, testTime); !errors.As(err, &refusal) || len(refusal.Records) != 1 {
		t.Errorf("the records to blame are lost: %v", err)
	}
	if r.LogEnd() != 0 {
		t.Errorf("the log ends at %d", r.LogEnd())
	}
}

func TestReadsEndAtTheHighWatermark(t *testing.T) {
	w := newWorld(t, 1)
	w.create("a", 1, []int32{1})
	r := w.replica("a", 0)
	for range 3 {
		mustAppend(t, r, batchOf(10, testTime))
	}
	one := len(batchOf(10, testTime))
	cases := map[string]struct {
		offset   int64
		maxBytes int
		minOne   bool
		want     int
	}{
		"all":                {0, 1 << 20, false, 3 * one},
		"from within":        {15, 1 << 20, false, 2 * one},
		"limited":            {0, one + 5, false, one},
		"too small":          {0, 5, false, 0},
		"too small, but one": {0, 5, true, one},
		"no room, but one":   {0, 0, true, one},
		"at the end":         {30, 1 << 20, true, 0},
	}
	for name, tc := range cases {
		if data, err := r.Read(tc.offset, tc.maxBytes, tc.minOne, nil); err != nil || len(data) != tc.want {
			t.Errorf("%s: %d bytes, want %d, %v", name, len(data), tc.want, err)
		}
		if data, _, err := r.ReadCommitted(tc.offset, tc.maxBytes, tc.minOne, nil); err != nil || len(data) != tc.want {
			t.Errorf("%s, committed: %d bytes, want %d, %v", name, len(data), tc.want, err)
		}
	}
	for _, offset := range []int64{-1, 31} {
		if _, err := r.Read(offset, 1<<20, true, nil); wire.CodeOf(err) != wire.OffsetOutOfRange {
			t.Errorf("offset %d: %v", offset, err)
		}
	}
}

func TestOffsetsAreFound(t *testing.T) {
	w := newWorld(t, 1)
	w.create("a", 1, []int32{1})
	r := w.replica("a", 0)
	if at, err := r.Offset(MaxTimestampOffset, false); err != nil || at.Offset != -1 {
		t.Errorf("largest time of nothing: %+v, %v", at, err)
	}
	mustAppend(t, r, batchOf(10, testTime))
	mustAppend(t, r, batchOf(10, testTime.Add(-time.Hour)))
	epoch, ms := r.LeaderEpoch(), testTime.UnixMilli()
	cases := map[string]struct {
		question int64
		want     FoundOffset
	}{
		"latest":         {LatestOffset, FoundOffset{Offset: 20, Timestamp: -1, LeaderEpoch: epoch}},
		"earliest":       {EarliestOffset, FoundOffset{Offset: 0, Timestamp: -1, LeaderEpoch: epoch}},
		"earliest local": {EarliestLocal, FoundOffset{Offset: 0, Timestamp: -1, LeaderEpoch: epoch}},
		"largest time":   {MaxTimestampOffset, FoundOffset{Offset: 9, Timestamp: ms + 9, LeaderEpoch: epoch}},
		"tiered":         {LatestTiered, noOffset()},
		"pending":        {EarliestPending, noOffset()},
		"a time":         {ms + 4, FoundOffset{Offset: 4, Timestamp: ms + 4, LeaderEpoch: epoch}},
		"a time before":  {0, FoundOffset{Offset: 0, Timestamp: ms, LeaderEpoch: epoch}},
		"a time after":   {ms + 10, noOffset()},
	}
	for name, tc := range cases {
		got, err := r.Offset(tc.question, false)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if _, err := r.Offset(-7, false); wire.CodeOf(err) != wire.UnsupportedVersion {
		t.Errorf("an unknown question: %v", err)
	}
	r.epochStart.Store(21)
	if _, err := r.Offset(LatestOffset, false); wire.CodeOf(err) != wire.OffsetNotAvailable {
		t.Errorf("before the leader's epoch: %v", err)
	}
}

func TestOneSignalWaitsOnMany(t *testing.T) {
	w := newWorld(t, 1)
	w.create("a", 1, []int32{1}, []int32{1}, []int32{1})
	s := NewSignal()
	for p := range int32(3) {
		w.replica("a", p).Await(s, 1)
	}
	go func() { _, _ = w.replica("a", 2).Append(batchOf(1, testTime), true, true, 0, testTime) }()
	<-s
	if w.replica("a", 2).HighWatermark() != 1 {
		t.Error("woken before the record is there")
	}
	for p := range int32(3) {
		w.replica("a", p).Forget(s)
		if n := len(w.replica("a", p).waiting.list); n != 0 {
			t.Errorf("%d are still waiting", n)
		}
	}
	w.replica("a", 2).Await(s, 1)
	select {
	case <-s:
	default:
		t.Error("what is there already does not wake")
	}
}

func TestWaitEndsWithItsContext(t *testing.T) {
	w := newWorld(t, 1)
	w.create("a", 1, []int32{1})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := w.replica("a", 0)
	if err := r.waitFor(ctx, 1); wire.CodeOf(err) != wire.RequestTimedOut {
		t.Errorf("wait: %v", err)
	}
	if len(r.waiting.list) != 0 {
		t.Error("it is still waiting")
	}
}

func TestEachReadsRecordsBack(t *testing.T) {
	w := newWorld(t, 1)
	w.create("a", 1, []int32{1})
	r := w.replica("a", 0)
	for range 20 {
		if _, err := r.AppendOwn(batchOf(50, testTime), testTime); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.WaitConfirmed(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := int64(25)
	next, err := r.Each(t.Context(), want, func(rec record.Record) error {
		if rec.Offset != want || string(rec.Key) != fmt.Sprintf("key %d", want%50) {
			return fmt.Errorf("offset %d with key %s", rec.Offset, rec.Key)
		}
		want++
		return nil
	})
	if err != nil || next != 1000 || want != 1000 {
		t.Errorf("read up to %d, %d: %v", want, next, err)
	}
	stop := errors.New("stop")
	if _, err := r.Each(t.Context(), 0, func(record.Record) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("the caller's error is lost: %v", err)
	}
}

// TestAppendsGetEveryOffsetOnce has many writers and readers at once, for the race detector too.
func TestAppendsGetEveryOffsetOnce(t *testing.T) {
	w := newWorld(t, 1)
	w.create("a", 1, []int32{1})
	r := w.replica("a", 0)
	const writers, each = 8, 25
	var mu sync.Mutex
	seen := map[int64]bool{}
	var done sync.WaitGroup
	for range writers {
		done.Go(func() {
			for range each {
				a, err := r.Append(batchOf(1, testTime), true, true, 0, testTime)
				if err == nil {
					err = a.Wait(t.Context())
				}
				if err != nil {
					t.Error(err)
					return
				}
				if !a.Confirmed() {
					t.Error("acknowledged before it is confirmed")
				}
				mu.Lock()
				seen[a.BaseOffset] = true
				mu.Unlock()
			}
		})
	}
	done.Wait()
	if len(seen) != writers*each || r.HighWatermark() != writers*each {
		t.Errorf("%d offsets, high watermark %d", len(seen), r.HighWatermark())
	}
}

// TestDuplicatesGetTheirFirstOffset: a batch that came before is answered with its offset and not written again.
func TestDuplicatesGetTheirFirstOffset(t *testing.T) {
	w := newWorld(t, 1)
	w.create("a", 1, []int32{1})
	r := w.replica("a", 0)
	first := mustAppend(t, r, idempotent(0))
	mustAppend(t, r, idempotent(1))
	again := mustAppend(t, r, idempotent(0))
	if !again.Duplicate || again.BaseOffset != first.BaseOffset || r.LogEnd() != 2 {
		t.Errorf("the duplicate got offset %d, the log ends at %d", again.BaseOffset, r.LogEnd())
	}
	if _, err := r.Append(idempotent(5), true, true, 0, testTime); wire.CodeOf(err) != wire.OutOfOrderSequenceNumber {
		t.Errorf("a gap: %v", err)
	}
}

func idempotent(sequence int32) record.Batch {
	b := batchOf(1, testTime)
	binary.BigEndian.PutUint64(b[43:], 4000)
	binary.BigEndian.PutUint16(b[51:], 0)
	binary.BigEndian.PutUint32(b[53:], uint32(sequence))
	binary.BigEndian.PutUint32(b[17:], b.ComputeCRC())
	return b
}
