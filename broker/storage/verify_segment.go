package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"path"

	"github.com/chronik-stream/chronik/broker/record"
	"github.com/chronik-stream/chronik/broker/vfs"
)

// Finding is damage that was found.
type Finding struct {
	File string `json:"file"`
	// Position is where in the file, in bytes; -1 where it is the file as a whole.
	Position int64 `json:"position"`
	// What is wrong, and what to do about it.
	What string `json:"what"`
	Do   string `json:"do"`
}

// What to do about damage.
const (
	doReplaceLog = "set the partition's directory aside and let it be replicated anew, or restore it from a backup; nothing repairs it"
	doDropIndex  = "remove the .index and the .timeindex of this segment: the next start builds them anew"
	doBuildTxns  = "nothing: the broker builds the .txnindex anew"
	doNothing    = "nothing: the broker makes it anew"
)

// segmentCheck verifies the files of one segment as they are on disk.
type segmentCheck struct {
	fs   vfs.FS
	dir  string
	base int64
	// next is where the next segment begins; math.MaxInt64 if there is none.
	next int64
	// durable is the offset below which everything has to be as it was written. Behind it a stop may have left anything, which
	// the next start cuts or gets from the journal.
	durable int64
	// walker decodes the records; nil: they are not decoded.
	walker *record.Walker
	// pace is asked before so many bytes are read.
	pace   func(ctx context.Context, bytes int64) error
	report func(Finding)
	// txns knows the transactions that are open where the segment begins.
	txns *txnCheck

	batches, records, bytes, end int64
	// largest is the largest timestamp of the batches; -1 if there is none.
	largest int64
	// covered says that a side-car was compared.
	covered bool
}

func (c *segmentCheck) name(suffix string) string {
	return path.Join(c.dir, offsetName(c.base, suffix))
}

func (c *segmentCheck) found(suffix string, position int64, do, format string, args ...any) {
	c.report(Finding{File: c.name(suffix), Position: position, What: fmt.Sprintf(format, args...), Do: do})
}

// whole says that the files are exactly as they were written.
func (c *segmentCheck) whole() bool { return c.durable == math.MaxInt64 || c.next <= c.durable }

// sums compares the files with the side-car. An error is one of reading.
func (c *segmentCheck) sums(ctx context.Context) error {
	r, err := readSums(c.fs, c.name(sumsSuffix), c.base, func(x *sums) bool {
		return x.end <= c.durable && (!c.whole() || x.complete)
	})
	if err != nil {
		return err
	}
	if r.damaged {
		c.found(sumsSuffix, int64(r.bytes), doNothing, "the side-car is damaged")
	}
	if r.chosen == nil || c.whole() && r.chosen != r.last {
		return nil
	}
	c.covered = true
	for k, suffix := range segmentSuffixes[:sumKinds] {
		if !c.whole() && (suffix == offsetSuffix || suffix == timeSuffix) {
			continue // the next start builds them anew
		}
		if err := c.compare(ctx, suffix, &r.chosen.files[k]); err != nil {
			return err
		}
	}
	return nil
}

// compare compares a file with its checksums.
func (c *segmentCheck) compare(ctx context.Context, suffix string, want *fileSum) (err error) {
	do := doReplaceLog
	if suffix == offsetSuffix || suffix == timeSuffix {
		do = doDropIndex
	}
	f, there, err := openSized(c.fs, c.name(suffix))
	if isNotExist(err) {
		if want.size > 0 || suffix != txnSuffix {
			c.found(suffix, -1, do, "the file is not there")
		}
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if there < want.size || c.whole() && there != want.size {
		c.found(suffix, -1, do, "it has %d bytes, and had %d", there, want.size)
	}
	var got fileSum
	for size := min(there, want.size); got.size < size; {
		chunk := min(size-got.size, scanBufferBytes)
		if err := c.pace(ctx, chunk); err != nil {
			return err
		}
		if err := got.addFrom(f, got.size+chunk); err != nil {
			return err
		}
	}
	for i, crc := range got.blocks {
		whole := i+1 < len(got.blocks) || got.size == want.size
		if whole && crc != want.blocks[i] {
			c.found(suffix, int64(i)*sumBlockBytes, do, "the checksum of the block here does not fit")
		}
	}
	return nil
}

// contents verifies what can be verified without a side-car: each batch, and the indexes against them.
func (c *segmentCheck) contents(ctx context.Context) (err error) {
	f, size, err := openSized(c.fs, c.name(logSuffix))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	indexes, err := c.readIndexes()
	if err != nil {
		return err
	}
	c.bytes, c.end, c.largest = size, c.base, -1
	for scan := newScanner(f, 0, size); ; {
		h, at, err := scan.next()
		switch {
		case errors.Is(err, io.EOF):
			indexes.finish(c)
			return nil
		case errors.Is(err, errBadBatch):
			c.badBatch(at, "no whole record batch of format 2 stands here")
			return nil
		case err != nil:
			return err
		}
		if err := c.pace(ctx, h.size); err != nil {
			return err
		}
		b, err := intactBatch(scan, &h, at)
		if err != nil && !errors.Is(err, errBadBatch) {
			return err
		}
		if !c.batch(&h, b, at, err == nil) {
			return nil
		}
		indexes.batch(c, &h, b, at)
	}
}

// intactBatch returns a batch whose checksum fits, else errBadBatch. It is nil where it is too large to be taken into memory: its
// records are not decoded then.
func intactBatch(scan *scanner, h *header, at int64) ([]byte, error) {
	intact, err := scan.intact(h, at)
	switch {
	case err != nil:
		return nil, err
	case !intact:
		return nil, errBadBatch
	case h.size > maxLoadedBatch:
		return nil, nil
	}
	return scan.batch(h, at)
}

// badBatch reports a place where no batch can be read, unless a stop may have left it so.
func (c *segmentCheck) badBatch(at int64, what string) {
	if c.end < c.durable {
		c.found(logSuffix, at, doReplaceLog, "%s", what)
	}
}

// batch verifies one batch; false where nothing behind it can be read.
func (c *segmentCheck) batch(h *header, b []byte, at int64, intact bool) bool {
	switch {
	case !intact:
		c.badBatch(at, "the checksum of the record batch here does not fit")
		return c.end < c.durable
	case h.base < c.end || h.last() >= c.next || h.last()-c.base > maxRelativeOffset:
		c.badBatch(at, fmt.Sprintf("the record batch here has the offsets %d to %d, and the one before it ends at %d", h.base, h.last(), c.end-1))
		return false
	}
	c.end = h.last() + 1
	if h.count > 0 { // what compaction has emptied has no time
		c.largest = max(c.largest, h.maxTimestamp)
	}
	c.batches++
	if c.walker == nil || b == nil {
		return true
	}
	n := int64(0)
	err := c.walker.Times(record.Batch(b), func(offset, _ int64) bool {
		n++
		return offset >= h.base && offset <= h.last()
	})
	if err == nil && n != int64(h.count) {
		err = fmt.Errorf("it has %d records, and says %d", n, h.count)
	}
	if err != nil {
		c.badBatch(at, fmt.Sprintf("the records of the batch here can not be read: %v", err))
	}
	c.records += n
	return true
}

// indexCheck compares the indexes with the batches, in their order.
type indexCheck struct {
	offsets, times, txns []byte
	o, t, a              int
	reported             map[string]bool
}

func (c *segmentCheck) readIndexes() (*indexCheck, error) {
	x := &indexCheck{reported: map[string]bool{}}
	for suffix, to := range map[string]*[]byte{offsetSuffix: &x.offsets, timeSuffix: &x.times, txnSuffix: &x.txns} {
		limit, mayLack := int64(maxIndexBytes), false
		if suffix == txnSuffix {
			limit, mayLack = maxTxnIndexBytes, true
		}
		data, err := vfs.ReadFile(c.fs, c.name(suffix), limit)
		switch {
		case err == nil:
		case !errors.Is(err, fs.ErrNotExist):
			return nil, err
		case !mayLack:
			c.found(suffix, -1, doDropIndex, "the file is not there")
		}
		*to = data
	}
	return x, nil
}

// wrong reports the first wrong entry of an index, if it is of durable records.
func (x *indexCheck) wrong(c *segmentCheck, suffix string, position int64, format string, args ...any) {
	if x.reported[suffix] || !c.whole() && c.end >= c.durable {
		return
	}
	x.reported[suffix] = true
	do := doDropIndex
	switch {
	case suffix == txnSuffix && c.covered:
		do = doReplaceLog
	case suffix == txnSuffix:
		do = doBuildTxns
	}
	c.found(suffix, position, do, format, args...)
}

// batch compares the entries that are of a batch, or of none before it.
func (x *indexCheck) batch(c *segmentCheck, h *header, b []byte, at int64) {
	for ; x.o+offsetEntryBytes <= len(x.offsets); x.o += offsetEntryBytes {
		e := x.offsets[x.o:]
		position := int64(i32(e[4:]))
		if position > at {
			break
		}
		if position < at || c.base+int64(i32(e)) != h.last() {
			x.wrong(c, offsetSuffix, int64(x.o), "the entry here is of offset %d at position %d, where there is no such batch", c.base+int64(i32(e)), position)
		}
	}
	for ; x.t+timeEntryBytes <= len(x.times); x.t += timeEntryBytes {
		e := x.times[x.t:]
		offset := c.base + int64(i32(e[8:]))
		if offset > h.last() {
			break
		}
		if offset < h.last() || i64(e) != h.maxTimestamp {
			x.wrong(c, timeSuffix, int64(x.t), "the entry here is of timestamp %d at offset %d, where there is no such batch", i64(e), offset)
		}
	}
	x.abort(c, h, c.txns.batch(h, b))
}

// abort compares the entries of transactions that are of a batch, or of none before it. a is what the batch aborts, or nil.
func (x *indexCheck) abort(c *segmentCheck, h *header, a *txnAbort) {
	found := false
	for ; x.a+txnEntryBytes <= len(x.txns); x.a += txnEntryBytes {
		t := decodeTxnEntry(x.txns[x.a:])
		if !validTxnEntry(x.txns[x.a:]) || t.last > h.last() {
			break
		}
		if !a.told(&t) {
			x.wrong(c, txnSuffix, int64(x.a), "the entry here is of an abort at offset %d of the records from offset %d on, where there is no such abort", t.last, t.first)
		}
		found = found || a.told(&t)
	}
	if a != nil && a.due && !found {
		x.wrong(c, txnSuffix, int64(x.a), "the abort at offset %d has no entry", a.entry.last)
	}
}

// finish reports the entries that are of no batch.
func (x *indexCheck) finish(c *segmentCheck) {
	if x.o < len(x.offsets) {
		x.wrong(c, offsetSuffix, int64(x.o), "what stands here is of no batch")
	}
	if x.t < len(x.times) {
		x.wrong(c, timeSuffix, int64(x.t), "what stands here is of no batch")
	}
	if n := x.t / timeEntryBytes * timeEntryBytes; c.whole() && c.largest >= 0 && (n == 0 || i64(x.times[n-timeEntryBytes:]) < c.largest) {
		x.wrong(c, timeSuffix, int64(x.t), "there is no entry of the largest timestamp, which is %d", c.largest)
	}
	if x.a < len(x.txns) {
		x.wrong(c, txnSuffix, int64(x.a), "what stands here is of no batch")
	}
}
