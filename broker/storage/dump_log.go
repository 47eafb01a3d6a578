package storage

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/chronik-stream/chronik/broker/record"
)

// log writes the batches of a segment, and their records where these are asked for.
func (d *dumper) log() (err error) {
	f, size, err := openSized(d.fs, d.name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	walker := record.NewWalker()
	for scan := newScanner(f, 0, size); ; {
		h, at, err := scan.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if errors.Is(err, errBadBatch) {
			return fmt.Errorf("%w: no whole batch at position %d, %d bytes before the end", ErrCorrupt, at, size-at)
		}
		if err != nil {
			return err
		}
		b, err := scan.batch(&h, at)
		if err != nil {
			return err
		}
		d.line("%s", batchLine(b, at))
		if !d.Records {
			continue
		}
		if err := d.records(walker, &h, b); err != nil {
			return fmt.Errorf("%w: the batch at position %d: %w", ErrCorrupt, at, err)
		}
	}
}

// batchLine tells of a batch's header; its position is left out where it is negative.
func batchLine(b record.Batch, position int64) string {
	last := int32(-1)
	if b.BaseSequence() >= 0 {
		last = b.LastSequence()
	}
	at := ""
	if position >= 0 {
		at = fmt.Sprintf("position: %d ", position)
	}
	return fmt.Sprintf("baseOffset: %d lastOffset: %d count: %d baseSequence: %d lastSequence: %d producerId: %d producerEpoch: %d partitionLeaderEpoch: %d isTransactional: %t isControl: %t deleteHorizonMs: %s %s%s: %d size: %d magic: %d compresscodec: %s crc: %d isvalid: %t",
		b.BaseOffset(), b.LastOffset(), b.Count(), b.BaseSequence(), last, b.ProducerID(), b.ProducerEpoch(), b.LeaderEpoch(), b.Transactional(), b.Control(),
		optionalLong(b.DeleteHorizon()), at, timestampType(b), b.MaxTimestamp(), b.Size(), b.Magic(), b.Codec(), b.CRC(), b.CRC() == b.ComputeCRC())
}

func timestampType(b record.Batch) string {
	if b.LogAppendTime() {
		return "LogAppendTime"
	}
	return "CreateTime"
}

func (d *dumper) records(walker *record.Walker, h *header, b record.Batch) error {
	m, marks := parseMarker(b, h)
	return walker.Records(b, func(r record.Record) bool {
		sequence := int32(-1)
		if h.baseSequence >= 0 {
			sequence = addSequence(h.baseSequence, int32(r.Offset-h.base)) //nolint:gosec // a delta has 32 bits
		}
		names := make([]string, len(r.Headers))
		for i := range r.Headers {
			names[i] = r.Headers[i].Key
		}
		line := fmt.Sprintf("| offset: %d %s: %d keySize: %d valueSize: %d sequence: %d headerKeys: [%s]",
			r.Offset, timestampType(b), r.Timestamp, sizeOf(r.Key), sizeOf(r.Value), sequence, strings.Join(names, ","))
		switch {
		case marks:
			line += fmt.Sprintf(" endTxnMarker: %s coordinatorEpoch: %d", [...]string{markerAbort: "ABORT", markerCommit: "COMMIT"}[m.kind], m.coordinatorEpoch)
		case d.Data:
			line += keyAndValue(r)
		}
		d.line("%s", line)
		return true
	})
}

// keyAndValue are a record's key and value as they are.
func keyAndValue(r record.Record) (text string) {
	if r.Key != nil {
		text = " key: " + string(r.Key)
	}
	if r.Value != nil {
		text += " payload: " + string(r.Value)
	}
	return text
}

// sizeOf is -1 for null.
func sizeOf(b []byte) int {
	if b == nil {
		return -1
	}
	return len(b)
}
