package storage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path"
	"slices"
	"strings"

	"github.com/chronik-stream/chronik/broker/journal"
	"github.com/chronik-stream/chronik/broker/record"
	"github.com/chronik-stream/chronik/broker/vfs"
)

// Verification is what was found in a log directory.
type Verification struct {
	Dir string `json:"dir"`
	// Clean says that the last stop was clean. After another one, only what lies below the recovery points has to be as it was
	// written; the next start cuts the rest or gets it from the journal.
	Clean      bool  `json:"clean"`
	Partitions int   `json:"partitions"`
	Segments   int   `json:"segments"`
	Batches    int64 `json:"batches"`
	Records    int64 `json:"records"`
	Bytes      int64 `json:"bytes"`
	Frames     int   `json:"journalFrames"`
	// Uncovered are files without a valid side-car, for which a flipped bit outside of a record batch's checksum can not be seen.
	Uncovered []string  `json:"uncovered,omitempty"`
	Findings  []Finding `json:"findings"`
}

// Verify reads everything in a log directory that no broker uses, and changes nothing. vfs.ErrLocked: a broker uses it. Other
// errors are those of reading; damage is in the findings.
func Verify(ctx context.Context, fsys vfs.FS, dir string) (_ *Verification, err error) {
	v := &verifier{ctx: ctx, fs: fsys, walker: record.NewWalker(), Verification: Verification{Dir: dir, Findings: []Finding{}}}
	if _, err := vfs.Stat(fsys, path.Join(dir, lockFile)); err == nil {
		lock, err := fsys.Open(path.Join(dir, lockFile), vfs.Lock)
		if err != nil {
			return nil, fmt.Errorf("verify %s: %w", dir, err)
		}
		defer func() { err = errors.Join(err, lock.Close()) }()
	} else if !isNotExist(err) {
		return nil, fmt.Errorf("verify %s: %w", dir, err)
	}
	if err := v.directory(); err != nil {
		return nil, fmt.Errorf("verify %s: %w", dir, err)
	}
	slices.SortStableFunc(v.Findings, func(a, b Finding) int { return strings.Compare(a.File, b.File) })
	return &v.Verification, nil
}

type verifier struct {
	Verification
	ctx    context.Context //nolint:containedctx // the verifier does not outlive the call that has it
	fs     vfs.FS
	walker *record.Walker
	// points are the recovery points; nil where they can not be read.
	points offsets
}

func (v *verifier) report(f Finding) { v.Findings = append(v.Findings, f) }

func (v *verifier) texts() texts {
	return texts{v.fs, func(name string, _ []byte) error {
		v.Uncovered = append(v.Uncovered, name)
		return nil
	}}
}

// damaged reports an error that tells of damage to a file, and returns any other.
func (v *verifier) damaged(file, do string, err error) error {
	for _, damage := range []error{ErrCorrupt, ErrCheckpoint, ErrPartitionMetadata, ErrMetaProperties, journal.ErrCorrupt} {
		if errors.Is(err, damage) {
			v.report(Finding{File: file, Position: -1, What: err.Error(), Do: do})
			return nil
		}
	}
	return err
}

func (v *verifier) directory() error {
	entries, err := v.fs.List(v.Dir)
	if err != nil {
		return err
	}
	v.Clean = slices.ContainsFunc(entries, func(e vfs.Info) bool { return e.Name == cleanShutdownFile })
	if err := v.directoryFiles(); err != nil {
		return err
	}
	if err := v.journal(); err != nil {
		return err
	}
	for _, e := range entries {
		topic, partition, ok := parsePartitionDir(e.Name)
		if !e.Dir || !ok || e.Name == metadataPartition || e.Name == remoteIndexCache || partitionDirName(topic, partition) != e.Name {
			continue
		}
		v.Partitions++
		if err := v.partition(e.Name); err != nil {
			return err
		}
	}
	return nil
}

// directoryFiles verifies the text files of the directory itself.
func (v *verifier) directoryFiles() error {
	name := path.Join(v.Dir, metaPropertiesFile)
	if _, err := ReadMetaProperties(v.fs, v.Dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		if err := v.damaged(name, "write it again: cluster.id and node.id are the broker's, directory.id is this directory's alone", err); err != nil {
			return err
		}
	}
	for _, file := range []struct{ name, do string }{
		{recoveryPointFile, "nothing: the next start verifies all logs from their start, unless the last stop was clean"},
		{indexPointFile, "nothing: the next start builds the indexes of active segments anew"},
		{logStartFile, "restore it from a backup; deleted records come back without it"},
		{cleanerFile, "nothing: the logs are compacted from their start"},
	} {
		name := path.Join(v.Dir, file.name)
		o, err := v.texts().readOffsets(name)
		if err := v.damaged(name, file.do, err); err != nil {
			return err
		}
		if file.name == recoveryPointFile && err == nil {
			v.points = o
		}
	}
	return nil
}

func (v *verifier) journal() error {
	reader, err := journal.Read(v.fs, v.Dir)
	if err == nil {
		err = reader.Each(func(*journal.Frame) error {
			v.Frames++
			return v.ctx.Err()
		})
	}
	return v.damaged(path.Join(v.Dir, "chronik.journal.*"), "restore the directory from a backup, or let it be replicated anew: it holds records that nothing else does", err)
}

// durable is the offset below which a log has to be as it was written.
func (v *verifier) durable(name string) int64 {
	if v.Clean {
		return math.MaxInt64
	}
	return v.points[name]
}

func (v *verifier) partition(name string) error {
	dir := path.Join(v.Dir, name)
	durable := v.durable(name)
	file := path.Join(dir, metadataFile)
	_, err := v.texts().readTopicID(dir)
	if isNotExist(err) {
		if durable > 0 && durable < math.MaxInt64 || v.Clean {
			v.report(Finding{file, -1, "the file is not there", "restore it from a backup; the topic's id is in the metadata"})
		}
	} else if err := v.damaged(file, "restore it from a backup; the topic's id is in the metadata", err); err != nil {
		return err
	}
	file = path.Join(dir, epochFile)
	_, err = v.texts().readEpochs(dir)
	if err := v.damaged(file, "nothing: the next start reads the leader epochs from the batches", err); err != nil {
		return err
	}
	entries, err := v.fs.List(dir)
	if err != nil {
		return err
	}
	var bases []int64
	for _, e := range entries {
		if base, ok := parseOffsetName(e.Name, logSuffix); ok {
			bases = append(bases, base)
		}
		if _, ok := parseOffsetName(e.Name, snapshotSuffix); ok {
			if err := v.snapshot(path.Join(dir, e.Name)); err != nil {
				return err
			}
		}
	}
	slices.Sort(bases)
	txns := newTxnCheck()
	for i, base := range bases {
		next := int64(math.MaxInt64)
		if i+1 < len(bases) {
			next = bases[i+1]
		}
		if err := v.segment(dir, base, next, durable, txns); err != nil {
			return err
		}
	}
	return nil
}

func (v *verifier) snapshot(name string) error {
	data, err := vfs.ReadFile(v.fs, name, maxSnapshotBytes)
	if err != nil {
		return err
	}
	if _, err := decodeProducers(data, 0, math.MaxInt64); err != nil {
		v.report(Finding{name, -1, "the producer snapshot is damaged", "nothing: the next start uses an older one and reads the batches behind it"})
	}
	return nil
}

func (v *verifier) segment(dir string, base, next, durable int64, txns *txnCheck) error {
	c := &segmentCheck{
		fs: v.fs, dir: dir, base: base, next: next, durable: durable, walker: v.walker, report: v.report, txns: txns,
		pace: func(ctx context.Context, _ int64) error { return ctx.Err() },
	}
	err := errors.Join(c.sums(v.ctx), c.contents(v.ctx))
	v.Segments++
	v.Batches += c.batches
	v.Records += c.records
	v.Bytes += c.bytes
	if !c.covered && c.bytes > 0 && base < durable {
		v.Uncovered = append(v.Uncovered, c.name(logSuffix))
	}
	return err
}
