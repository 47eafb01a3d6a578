package storage

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/chronik-stream/chronik/broker/journal"
	"github.com/chronik-stream/chronik/broker/record"
	"github.com/chronik-stream/chronik/broker/vfs"
)

// DumpOptions say how much of a file is written out.
type DumpOptions struct {
	// Records writes a line for each record, below its batch.
	Records bool
	// Data writes keys and values of records too, as they are.
	Data bool
}

// ErrNotDumped is wrapped by the error for a file of no known kind.
var ErrNotDumped = errors.New("neither a .log, .index, .timeindex, .txnindex, .snapshot or .sums file, nor one of the journal")

// dumper writes out one file.
type dumper struct {
	fs   vfs.FS
	name string
	out  *bufio.Writer
	DumpOptions
}

// Dump writes what a file of a log directory holds, a line an entry, in the words of Apache Kafka's DumpLogSegments where it knows
// the kind. The file may be in use. What it holds up to damage is written before the error, which wraps ErrCorrupt.
func Dump(out io.Writer, fsys vfs.FS, name string, o DumpOptions) error {
	d := &dumper{fs: fsys, name: name, out: bufio.NewWriter(out), DumpOptions: o}
	err := d.dump()
	if err != nil {
		err = fmt.Errorf("dump %s: %w", name, err)
	}
	return errors.Join(err, d.out.Flush())
}

func (d *dumper) dump() error {
	file := path.Base(d.name)
	if journal.IsFile(file) {
		return d.journal()
	}
	suffix := path.Ext(file)
	base, ok := parseOffsetName(file, suffix)
	if !ok && suffix == sumsSuffix {
		return d.textSums()
	}
	if !ok {
		return ErrNotDumped
	}
	switch suffix {
	case logSuffix:
		return d.log()
	case offsetSuffix:
		return d.index(offsetEntryBytes, func(e []byte) string {
			return fmt.Sprintf("offset: %d position: %d", base+int64(i32(e)), i32(e[4:]))
		})
	case timeSuffix:
		return d.index(timeEntryBytes, func(e []byte) string {
			return fmt.Sprintf("timestamp: %d offset: %d", i64(e), base+int64(i32(e[8:])))
		})
	case txnSuffix:
		return d.index(txnEntryBytes, func(e []byte) string {
			return fmt.Sprintf("version: %d producerId: %d firstOffset: %d lastOffset: %d lastStableOffset: %d", i16(e), i64(e[2:]), i64(e[10:]), i64(e[18:]), i64(e[26:]))
		})
	case snapshotSuffix:
		return d.snapshot()
	case sumsSuffix:
		return d.sums(base)
	}
	return ErrNotDumped
}

func (d *dumper) line(format string, args ...any) { fmt.Fprintf(d.out, format+"\n", args...) } //nolint:errcheck // Flush tells

// index writes entries of a fixed width. What Kafka has preallocated behind them is zero.
func (d *dumper) index(width int, entry func([]byte) string) error {
	data, err := vfs.ReadFile(d.fs, d.name, maxTxnIndexBytes)
	if err != nil {
		return err
	}
	for zero := make([]byte, width); len(data) >= width && string(data[:width]) != string(zero); data = data[width:] {
		d.line("%s", entry(data[:width]))
	}
	if strings.Trim(string(data), "\x00") != "" {
		return fmt.Errorf("%w: %d bytes behind the last entry", ErrCorrupt, len(data))
	}
	return nil
}

func (d *dumper) snapshot() error {
	data, err := vfs.ReadFile(d.fs, d.name, maxSnapshotBytes)
	if err != nil {
		return err
	}
	if !validSnapshot(data) {
		return fmt.Errorf("%w: %w", ErrCorrupt, errSnapshot)
	}
	for e := data[snapshotHeaderBytes:]; len(e) > 0; e = e[snapshotEntryBytes:] {
		d.line("producerId: %d producerEpoch: %d coordinatorEpoch: %d currentTxnFirstOffset: %s lastTimestamp: %d%s",
			i64(e), i16(e[8:]), i32(e[34:]), optionalLong(i64(e[38:])), i64(e[26:]), lastBatch(e))
	}
	return nil
}

// lastBatch is the text of the last batch in a snapshot's entry; nothing where the producer has none of its epoch, as behind a marker.
func lastBatch(e []byte) string {
	if i64(e[14:]) < 0 {
		return ""
	}
	last := producerBatch{lastSequence: i32(e[10:]), delta: i32(e[22:])}
	return fmt.Sprintf(" firstSequence: %d lastSequence: %d lastOffset: %d offsetDelta: %d timestamp: %d",
		last.baseSequence(), last.lastSequence, i64(e[14:]), last.delta, i64(e[26:]))
}

// optionalLong is Java's text of an offset that may be missing.
func optionalLong(v int64) string {
	if v < 0 {
		return "OptionalLong.empty"
	}
	return fmt.Sprintf("OptionalLong[%d]", v)
}

// sums writes what the last section of a side-car covers.
func (d *dumper) sums(base int64) error {
	r, err := readSums(d.fs, d.name, base, func(*sums) bool { return true })
	if err != nil {
		return err
	}
	if r.last != nil {
		for k, suffix := range segmentSuffixes[:sumKinds] {
			f := &r.last.files[k]
			d.line("file: %s size: %d blocks: %d", offsetName(base, suffix), f.size, len(f.blocks))
			for i, crc := range f.blocks {
				d.line("| position: %d crc: %d", int64(i)*sumBlockBytes, crc)
			}
		}
	}
	if r.damaged {
		return fmt.Errorf("%w: no valid section from position %d on", ErrCorrupt, r.bytes)
	}
	return nil
}

// textSums writes the two contents that the side-car of a text file allows.
func (d *dumper) textSums() error {
	contents, ok, err := readTextSums(d.fs, strings.TrimSuffix(d.name, sumsSuffix))
	switch {
	case errors.Is(err, errSums):
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	case err != nil:
		return err
	case !ok:
		return fs.ErrNotExist
	}
	for i, what := range []string{"written last", "replaced by that"} {
		if contents[i] == noText {
			d.line("contents: %s size: none", what)
			continue
		}
		d.line("contents: %s size: %d crc: %d", what, contents[i].size, contents[i].crc)
	}
	return nil
}

// journal writes the frames that stand in a journal file, whether a start would apply them or not.
func (d *dumper) journal() error {
	return journal.Frames(d.fs, d.name, func(f *journal.Frame) error {
		d.line("lsn: %d type: %s topicId: %x partition: %d leaderEpoch: %d baseOffset: %d previousEnd: %d size: %d",
			f.LSN, f.Type, f.TopicID, f.Partition, f.LeaderEpoch, f.BaseOffset, f.PreviousEnd, len(f.Payload))
		if f.Type != journal.Append {
			return nil
		}
		h, ok := parseHeader(f.Payload)
		if !ok || h.size != int64(len(f.Payload)) {
			return fmt.Errorf("%w: frame %d holds no record batch", ErrCorrupt, f.LSN)
		}
		d.line("  %s", batchLine(record.Batch(f.Payload), -1))
		return nil
	})
}
