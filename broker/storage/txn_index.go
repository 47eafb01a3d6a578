package storage

import (
	"encoding/binary"
	"fmt"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// A .txnindex entry (AbortedTxn of Apache Kafka): i16 version 0, i64 producer id, first, last and last stable offset.
const (
	txnEntryBytes    = 34
	maxTxnIndexBytes = 512 << 20
	// txnPage is how many entries are read at once, and at how many that wait they are written to the file.
	txnPage = 4096 / txnEntryBytes
)

func (a *abortedTxn) encode() []byte {
	b := make([]byte, 2, txnEntryBytes)
	for _, v := range [...]int64{a.producerID, a.first, a.last, a.stable} {
		b = binary.BigEndian.AppendUint64(b, uint64(v)) //nolint:gosec // bits
	}
	return b
}

func decodeTxnEntry(e []byte) abortedTxn {
	return abortedTxn{producerID: i64(e[2:]), first: i64(e[10:]), last: i64(e[18:]), stable: i64(e[26:])}
}

// validTxnEntry says whether these may be the bytes of an entry: a marker stands behind its transaction, so that zeros are none.
func validTxnEntry(e []byte) bool { return i16(e) == 0 && i64(e[10:]) < i64(e[18:]) }

// addAborted takes in the aborted transaction that ends at the end of the segment. Where there is no room for it on the disk it
// waits in memory for the next flush.
func (s *segment) addAborted(t *abortedTxn) error {
	s.txns.add(t.encode())
	if s.txns.waiting() < txnPage {
		return nil
	}
	if err := s.txns.flush(); !vfs.Lacks(err) {
		return err
	}
	return nil
}

// lastAborted is the offset of the last marker, -1 if there is none.
func (s *segment) lastAborted() (int64, error) {
	if last := s.txns.last(); last >= 0 || s.txns.entries() == 0 {
		return last, nil
	}
	r, err := s.readTxns()
	if err != nil {
		return -1, err
	}
	t, err := r.entry(r.entries - 1)
	if err != nil {
		return -1, err
	}
	s.txns.learnLast(r.entries, t.last)
	return t.last, nil
}

// abortedBelow is how many of the entries are of markers below an offset.
func (s *segment) abortedBelow(offset int64) (int, error) {
	if s.txns.entries() == 0 {
		return 0, nil
	}
	r, err := s.readTxns()
	if err != nil {
		return 0, err
	}
	return r.below(offset)
}

// eachAborted calls yield for the aborted transactions whose markers are at an offset or behind it, until it returns false. A segment
// without any costs nothing, and one whose last marker is below costs no read once that is known.
func (s *segment) eachAborted(from int64, yield func(abortedTxn) bool) error {
	last, err := s.lastAborted()
	if err != nil || last < from {
		return err
	}
	r, err := s.readTxns()
	if err != nil {
		return err
	}
	i, err := r.below(from)
	before := from - 1
	for ; err == nil && i < r.entries; i++ {
		var t abortedTxn
		if t, err = r.entry(i); err != nil {
			break
		}
		if t.last <= before {
			return r.damaged(i)
		}
		before = t.last
		if !yield(t) {
			return nil
		}
	}
	return err
}

// txnReader reads entries of a .txnindex as it was at one moment, page by page.
type txnReader struct {
	name string
	file vfs.File
	// entries is how many there are; those from flushed on are in tail, and not in the file.
	entries, flushed int
	tail             []byte
	// page has the entries of the file from first on.
	page  []byte
	first int
}

// readTxns reads through the open file that the cache keeps.
func (s *segment) readTxns() (*txnReader, error) {
	if broken := s.broken.Load(); broken != nil {
		return nil, *broken
	}
	x := s.txns
	bytes, tail, _, err := x.state()
	if err != nil {
		return nil, err
	}
	flushed := bytes / txnEntryBytes
	return &txnReader{
		name: x.name, file: x.guards.wrap(sumTxn, x.f, x.name),
		entries: flushed + len(tail)/txnEntryBytes, flushed: flushed, tail: tail,
	}, nil
}

// entry returns an entry. ErrCorrupt: it is none, or the file is shorter.
func (r *txnReader) entry(i int) (t abortedTxn, err error) {
	e := r.tail
	if i < r.flushed {
		if err := r.load(i); err != nil {
			return t, err
		}
		e = r.page[(i-r.first)*txnEntryBytes:]
	} else {
		e = e[(i-r.flushed)*txnEntryBytes:]
	}
	if !validTxnEntry(e) {
		return t, r.damaged(i)
	}
	return decodeTxnEntry(e), nil
}

// load reads the page of an entry of the file.
func (r *txnReader) load(i int) error {
	if i >= r.first && i < r.first+len(r.page)/txnEntryBytes {
		return nil
	}
	first := i / txnPage * txnPage
	if r.page == nil {
		r.page = make([]byte, 0, txnPage*txnEntryBytes)
	}
	r.page = r.page[:min(txnPage, r.flushed-first)*txnEntryBytes]
	if err := readFull(r.file, r.page, int64(first)*txnEntryBytes); err != nil {
		r.page = r.page[:0]
		return fmt.Errorf("read transaction index %s: %w", r.name, err)
	}
	r.first = first
	return nil
}

func (r *txnReader) damaged(i int) error {
	return fmt.Errorf("transaction index %s: %w: what stands at position %d is no entry", r.name, ErrCorrupt, i*txnEntryBytes)
}

// below is how many of the entries are of markers below an offset.
func (r *txnReader) below(offset int64) (int, error) {
	low, high := 0, r.entries
	for low < high {
		middle := low + (high-low)/2
		t, err := r.entry(middle)
		if err != nil {
			return 0, err
		}
		if t.last < offset {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low, nil
}
