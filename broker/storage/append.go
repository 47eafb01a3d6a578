package storage

import (
	"context"
	"errors"
	"fmt"
	"path"
	"time"

	"github.com/chronik-stream/chronik/broker/journal"
	"github.com/chronik-stream/chronik/broker/vfs"
	"github.com/chronik-stream/chronik/broker/wire"
)

// TopicID is a topic's 128-bit id (KIP-516).
type TopicID = [16]byte

// Origin says who hands a batch to Append. The zero value is invalid.
type Origin uint8

// The origins, as in AppendOrigin of Apache Kafka.
const (
	// Client batches are checked for their sequence.
	Client Origin = iota + 1
	// Coordinator batches are offset commits and transaction markers: without sequence.
	Coordinator
	// Replication batches come from the leader: offsets and epochs are kept and nothing is refused that the leader took.
	Replication
)

// AppendInfo goes with a batch.
type AppendInfo struct {
	// LeaderEpoch is stamped into the batch, except from Replication, whose batches keep their own.
	LeaderEpoch int32
	// Now is the append's time; the zero time means the directory's clock.
	Now    time.Time
	Origin Origin
	// Guard is what StartVerification has returned for the first batch of a transaction; 0 for others.
	Guard uint64
	// TransactionVersion is the transaction.version that a Coordinator's marker ends a transaction by.
	TransactionVersion int8
	// Paced says that the caller has waited with Pace. Else Append waits, however long it takes.
	Paced bool
}

// AppendResult says where a batch went.
type AppendResult struct {
	BaseOffset, LastOffset int64
	// AppendTime is the batch's timestamp in milliseconds where its type is LogAppendTime, else -1.
	AppendTime int64
	// LogStart is the log's first offset.
	LogStart int64
	// Duplicate says that nothing was written: the offsets are those of the batch that came first. The caller answers when
	// these are confirmed, as for any other.
	Duplicate bool
}

// EpochEnd is the answer of EndOffsetFor.
type EpochEnd struct {
	// Epoch is the largest known epoch at or below the one that was asked for; -1 if there is none.
	Epoch int32
	// EndOffset is the first offset after that epoch; -1 if there is none.
	EndOffset int64
}

// TimestampOffset is a record that was found by its timestamp.
type TimestampOffset struct {
	Offset      int64
	Timestamp   int64
	LeaderEpoch int32
}

// Append adds one batch v2, whose contents the caller has validated, and patches its offset and leader epoch in place. It does
// not wait for the disk: the batch is durable, as the flush policy says, when Confirmed passes LastOffset.
//
// The errors carry Kafka's codes: OUT_OF_ORDER_SEQUENCE_NUMBER, INVALID_PRODUCER_EPOCH, INVALID_PRODUCER_ID_MAPPING, INVALID_TXN_STATE and
// TRANSACTION_COORDINATOR_FENCED of the producer state, each as a ProducerRefusal; MESSAGE_TOO_LARGE and RECORD_LIST_TOO_LARGE for a batch beyond
// max.message.bytes or segment.bytes; OFFSET_OUT_OF_RANGE for a replicated batch that does not continue the log;
// KAFKA_STORAGE_ERROR when the directory is offline or full; UNKNOWN_TOPIC_OR_PARTITION when the log is deleted.
func (l *Log) Append(batch []byte, info AppendInfo) (AppendResult, error) {
	r, err := l.append(batch, info)
	if err != nil {
		l.d.counts.refusedBatch(err)
	}
	return r, err
}

func (l *Log) append(batch []byte, info AppendInfo) (AppendResult, error) {
	h, ok := parseHeader(batch)
	if !ok || h.size != int64(len(batch)) || info.Origin < Client || info.Origin > Replication {
		return AppendResult{}, wire.Errorf(wire.CorruptMessage, "append to %s: not one batch of magic 2", l.path)
	}
	m, isMarker := parseMarker(batch, &h)
	var mark *marker
	if isMarker {
		mark = &m
	}
	if !info.Paced {
		if err := l.Pace(context.Background()); err != nil {
			return AppendResult{}, err
		}
	}
	waiting := l.d.journal.Waiting()
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.admit(&h, info.Origin); err != nil {
		return AppendResult{}, err
	}
	if err := h.checkProducer(info.Origin); err != nil {
		return AppendResult{}, &ProducerRefusal{err}
	}
	if h.hasProducer() {
		duplicate, err := l.check(&h, mark, &info)
		if err != nil {
			return AppendResult{}, &ProducerRefusal{err}
		}
		if duplicate != nil {
			h.maxTimestamp = duplicate.timestamp
			return l.result(duplicate.baseOffset(), duplicate.lastOffset, &h, true), nil
		}
	}
	if info.Origin != Replication {
		h.base, h.leaderEpoch = l.end.Load(), info.LeaderEpoch
		patch(batch, h.base, h.leaderEpoch)
	}
	frame := l.frame(journal.Append, h.base)
	frame.LeaderEpoch, frame.Payload, frame.Admitted = h.leaderEpoch, batch, true
	kept, round := h.size, l.goesRound(&h, waiting)
	if round {
		kept = referencePayloadBytes
	}
	if err := l.admitToJournal(kept); err != nil {
		return AppendResult{}, err
	}
	if err := l.put(batch, &h, mark, info.Guard, l.now(info.Now)); err != nil {
		l.d.journal.Withdraw(kept)
		return AppendResult{}, err
	}
	if round {
		l.refer(&frame, batch, &h)
	}
	frame.Sync = l.flushes(&h)
	if frame.Type == journal.Append {
		l.d.files.pacer.wrote(l.active(), h.size)
	}
	if _, err := l.d.journal.Append(&frame, l.done, l.end.Load()); err != nil {
		return AppendResult{}, l.fail("append to", err)
	}
	return l.result(h.base, h.last(), &h, false), nil
}

// Pace waits while the directory has more to write than it should: before a batch is appended, without a lock that others need.
// REQUEST_TIMED_OUT: the context has ended.
func (l *Log) Pace(ctx context.Context) error {
	if err := l.d.journal.Pace(ctx); err != nil {
		return wire.Errorf(wire.RequestTimedOut, "append to %s: %w", l.path, err)
	}
	return nil
}

// admit checks what does not depend on the producer.
func (l *Log) admit(h *header, origin Origin) error {
	if err := l.usable(); err != nil {
		return err
	}
	if err := l.d.admits(origin); err != nil {
		return err
	}
	switch {
	case origin == Replication && h.base < l.end.Load():
		return wire.Errorf(wire.OffsetOutOfRange, "append to %s: offset %d is below the end %d", l.path, h.base, l.end.Load())
	case origin != Replication && h.size > l.cfg.MaxMessageBytes:
		return wire.Errorf(wire.MessageTooLarge, "append to %s: a batch of %d bytes, the largest one is %d", l.path, h.size, l.cfg.MaxMessageBytes)
	case h.size > l.cfg.SegmentBytes:
		return wire.Errorf(wire.RecordListTooLarge, "append to %s: a batch of %d bytes, a segment holds %d", l.path, h.size, l.cfg.SegmentBytes)
	}
	return nil
}

func (l *Log) result(base, last int64, h *header, duplicate bool) AppendResult {
	r := AppendResult{BaseOffset: base, LastOffset: last, AppendTime: -1, LogStart: l.start.Load(), Duplicate: duplicate}
	if h.attributes&attrLogAppendTime != 0 {
		r.AppendTime = h.maxTimestamp
	}
	return r
}

// preallocation is the size that the active segment's space gets at once: segment.bytes with preallocate, unless that would take
// what a disk that is nearly full has left for all logs.
func (l *Log) preallocation() int64 {
	size := l.cfg.SegmentBytes
	if !l.cfg.Preallocate || l.active().reserved >= size {
		return 0
	}
	if space, err := l.d.Space(); err == nil && space.Usable < size+l.d.cfg.ReserveBytes+regainBytes {
		return 0
	}
	return size
}

// put writes a batch to the active segment and takes it into the log's state. When there is no space it changes nothing; after
// any other failure the directory is offline.
func (l *Log) put(batch []byte, h *header, m *marker, guard uint64, now time.Time) error {
	if l.active().full(h, &l.cfg, l.jitter, now) {
		if err := l.roll(h.base, now); err != nil {
			return l.refuse("roll a segment of", err)
		}
	}
	s := l.active()
	err := s.reserve(h.size, l.preallocation())
	if err == nil {
		err = s.write(batch, h, l.cfg.IndexIntervalBytes, now)
	}
	if errors.Is(err, errUnopened) && !vfs.Lacks(err) { // nothing was written
		return wire.Errorf(wire.KafkaStorageError, "append to %s: %w", l.path, err)
	}
	if err != nil {
		return l.refuse("append to", err)
	}
	if latest, ok := l.epochs.latest(); !ok || h.leaderEpoch > latest {
		l.epochs.assign(h.leaderEpoch, h.base)
	}
	if aborted := l.track(h, m, guard); aborted != nil {
		if err := l.addAborted(s, aborted); err != nil {
			return l.fail("append to", err)
		}
	}
	l.end.Store(h.last() + 1)
	l.sinceSnapshot += h.size
	return nil
}

// track takes a batch that was appended with a guard, or 0, into the state of its producer, where it has one. It returns the aborted
// transaction that a marker ends, if so.
func (l *Log) track(h *header, m *marker, guard uint64) *abortedTxn {
	if !h.hasProducer() {
		return nil
	}
	if !h.transactional() {
		return l.producers.update(h, m)
	}
	enters := l.enters(h, guard)
	l.verified(h)
	aborted := l.producers.update(h, m)
	if enters {
		l.producers.byID[h.producerID].entered = true
	}
	return aborted
}

// roll ends the active segment and starts one at base. When there is no space the active one goes on.
func (l *Log) roll(base int64, now time.Time) error {
	if err := l.active().seal(); err != nil {
		return err
	}
	l.mendDamaged()
	if err := l.writeSnapshot(base); err != nil {
		return err
	}
	s, err := createSegment(l.d.files, l.path, base, now)
	if err != nil {
		return l.unrolled(base, err)
	}
	segments := *l.segments.Load()
	grown := append(segments[:len(segments):len(segments)], s)
	l.segments.Store(&grown)
	l.entries.change()
	l.rollJitter()
	return nil
}

// unrolled removes what there is of a segment that could not be made: the log would later go on beyond its base. The error is not
// one of space when that fails.
func (l *Log) unrolled(base int64, err error) error {
	defer l.entries.change()
	for _, suffix := range segmentSuffixes {
		name := path.Join(l.path, offsetName(base, suffix))
		if removing := l.d.cfg.FS.Remove(name); removing != nil && !isNotExist(removing) {
			return fmt.Errorf("%w (after %s)", removing, err.Error())
		}
	}
	return err
}

// writeSnapshot writes the producer state as of an offset, which a checkpoint makes durable.
func (l *Log) writeSnapshot(offset int64) (err error) {
	name := path.Join(l.path, offsetName(offset, snapshotSuffix))
	f, err := l.d.cfg.FS.Open(name, vfs.Create)
	if err != nil {
		return fmt.Errorf("write producer snapshot: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := f.Truncate(0); err != nil {
		return fmt.Errorf("write producer snapshot: %w", err)
	}
	if _, err := f.WriteAt(l.producers.encode(), 0); err != nil {
		return fmt.Errorf("write producer snapshot: %w", err)
	}
	l.snapshotAt, l.sinceSnapshot = offset, 0
	l.notStray(offset)
	l.unsynced = append(l.unsynced, name)
	l.entries.change()
	return nil
}
