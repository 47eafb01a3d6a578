package storage

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// A .txnindex entry (AbortedTxn of Apache Kafka): i16 version 0, i64 producer id, first, last and last stable offset.
const (
	txnEntryBytes    = 34
	maxTxnIndexBytes = 512 << 20
)

func (a *abortedTxn) encode() []byte {
	b := make([]byte, 2, txnEntryBytes)
	for _, v := range [...]int64{a.producerID, a.first, a.last, a.stable} {
		b = binary.BigEndian.AppendUint64(b, uint64(v)) //nolint:gosec // bits
	}
	return b
}

// readTxnIndex returns the valid entries of a .txnindex file, up to the first that is not; a missing file has none.
func readTxnIndex(fsys vfs.FS, name string, base int64) ([]abortedTxn, error) {
	data, err := vfs.ReadFile(fsys, name, maxTxnIndexBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read transaction index: %w", err)
	}
	var entries []abortedTxn
	last := base - 1
	for ; len(data) >= txnEntryBytes; data = data[txnEntryBytes:] {
		a := abortedTxn{i64(data[2:]), i64(data[10:]), i64(data[18:]), i64(data[26:])}
		if i16(data) != 0 || a.last <= last || a.first >= a.last { // a marker stands behind its transaction; zeros are no entry
			break
		}
		last = a.last
		entries = append(entries, a)
	}
	return entries, nil
}

// writeTxnIndex replaces what a .txnindex file holds from an entry on. A file that is left without entries is removed: the
// directory's next sync makes that durable, while nothing would sync an empty file, and what a power loss brought back of it would
// pass for aborted.
func writeTxnIndex(fsys vfs.FS, name string, from int, entries []abortedTxn) (err error) {
	if from == 0 && len(entries) == 0 {
		if err := fsys.Remove(name); err != nil && !isNotExist(err) {
			return fmt.Errorf("write transaction index: %w", err)
		}
		return nil
	}
	f, err := fsys.Open(name, vfs.Create)
	if err != nil {
		return fmt.Errorf("write transaction index: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	var b []byte
	for i := range entries {
		b = append(b, entries[i].encode()...)
	}
	at := int64(from) * txnEntryBytes
	if err := f.Truncate(at); err != nil {
		return fmt.Errorf("write transaction index %s: %w", name, err)
	}
	if len(b) == 0 {
		return nil
	}
	if _, err := f.WriteAt(b, at); err != nil {
		return fmt.Errorf("write transaction index %s: %w", name, err)
	}
	return nil
}
