//go:build interop

package interop

import (
	"encoding/binary"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/chronik-stream/chronik/broker/record"
	"github.com/chronik-stream/chronik/broker/storage"
	"github.com/chronik-stream/chronik/broker/vfs"
)

// TestDumpLogSegmentsReadsTransactions writes logs with transactions of several producers, committed, aborted and open, of every
// codec, over many segments; one of the logs is compacted. Apache Kafka's own tool then looks at every file.
func TestDumpLogSegmentsReadsTransactions(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	now := time.Now()
	d, err := storage.Open(storage.Config{FS: vfs.OS{}, Dir: dir, JournalFileBytes: 4 << 20, Clock: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	cfg := storage.DefaultLogConfig()
	cfg.SegmentBytes, cfg.IndexIntervalBytes = 64<<10, 512
	w := &ledger{t: t, now: now, walker: record.NewWalker(), aborts: map[string]int{}, markers: map[string]int{}}
	for i, name := range []string{"compacted", "ledger"} {
		if w.log, err = d.Create(storage.TopicID{byte(i + 1)}, name, 0, cfg); err != nil {
			t.Fatal(err)
		}
		w.write()
	}
	compacted := d.Log("compacted", 0)
	cfg.Compact, cfg.MinCleanableRatio = true, 0
	compacted.SetConfig(cfg)
	if gone := w.compact(compacted); gone < compacted.Size()/4 {
		t.Errorf("%d bytes were compacted away, %d are left", gone, compacted.Size())
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}

	wholeDirectory(t, filepath.Join(dir, "ledger-0"), map[string]int{"log": 4, "index": 4, "timeindex": 4, "txnindex": 4, "snapshot": 2}, wholesome)
	wholeDirectory(t, filepath.Join(dir, "compacted-0"), map[string]int{"log": 2, "index": 2, "timeindex": 2, "snapshot": 1}, sound)
	w.compare(filepath.Join(dir, "ledger-0"))
	for _, suffix := range []string{"log", "index", "timeindex", "txnindex", "snapshot"} {
		sameDump(t, filepath.Join(dir, "ledger-0"), suffix)
	}
	sameDump(t, filepath.Join(dir, "compacted-0"), "log")
}

// sameDump compares what chronik log dump writes of the files of a kind with what DumpLogSegments does.
func sameDump(t *testing.T, dir, suffix string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*."+suffix))
	if err != nil || len(files) == 0 {
		t.Fatalf("no .%s files: %v", suffix, err)
	}
	var ours strings.Builder
	for _, file := range files {
		fmt.Fprintf(&ours, "Dumping %s\n", file)
		if err := storage.Dump(&ours, vfs.OS{}, file, storage.DumpOptions{Records: true, Data: true}); err != nil {
			t.Error(err)
		}
	}
	args := []string{"--files", strings.Join(files, ",")}
	if suffix == "log" {
		args = append(args, "--print-data-log")
	}
	theirs := regexp.MustCompile(`(?m)^(Log|Snapshot) .*offset.*\n`).ReplaceAllString(tools.Must(t, dumpLog, args...), "")
	if diff := cmp.Diff(strings.TrimSpace(theirs), strings.TrimSpace(ours.String())); diff != "" {
		t.Errorf(".%s files are written out otherwise (-theirs +ours):\n%.3000s", suffix, diff)
	}
}

// ledger writes transactions into a log and counts what the tool has to find.
type ledger struct {
	t      *testing.T
	now    time.Time
	walker *record.Walker
	log    *storage.Log
	// epochs and sequences are where the producers are, keys counts the records.
	epochs    [4]int16
	sequences [4]int32
	keys      int
	// markers by what the tool prints of them, aborts likewise.
	markers, aborts map[string]int
}

// The producers of a ledger: clients of transaction version 1 and 2, a coordinator's own transactions, and a client without any.
const (
	clientOfVersion1 = iota
	clientOfVersion2
	coordinatorsOwn
	noTransactions
)

// write appends 60 rounds: of three producers with transactions each round, and of one without.
func (l *ledger) write() {
	l.t.Helper()
	clear(l.markers)
	clear(l.aborts)
	l.epochs, l.sequences = [4]int16{}, [4]int32{}
	for round := range 60 {
		codec := record.Codec(round % 5)
		var first [3]storage.AppendResult
		for producer := range 3 {
			first[producer] = l.data(producer, codec)
			l.data(noTransactions, codec)
		}
		for producer := range 3 {
			l.data(producer, (codec+1)%5)
			if round == 59 && producer == coordinatorsOwn {
				return // one stays open
			}
			commit, name := true, "COMMIT"
			if (round+producer)%3 == 0 {
				commit, name = false, "ABORT"
			}
			epoch := int32(round/7 + producer)
			at := l.end(producer, commit, epoch)
			l.markers[fmt.Sprintf("endTxnMarker: %s coordinatorEpoch: %d", name, epoch)]++
			if !commit {
				l.aborts[fmt.Sprintf("version: 0 producerId: %d firstOffset: %d lastOffset: %d", producer, first[producer].BaseOffset, at.BaseOffset)]++
			}
		}
	}
}

// data appends records of a producer, in its transaction if it has one.
func (l *ledger) data(producer int, codec record.Codec) storage.AppendResult {
	l.t.Helper()
	info := storage.AppendInfo{LeaderEpoch: 3, Now: l.now, Origin: storage.Client}
	if producer == coordinatorsOwn {
		info.Origin = storage.Coordinator
	}
	if producer != noTransactions {
		guard, err := l.log.StartVerification(int64(producer), l.epochs[producer], l.sequences[producer], producer == clientOfVersion2)
		if err != nil {
			l.t.Fatal(err)
		}
		info.Guard = guard
	}
	return l.append(l.batch(codec, 5, producer), info)
}

// end appends a marker of a producer's transaction.
func (l *ledger) end(producer int, commit bool, coordinatorEpoch int32) storage.AppendResult {
	l.t.Helper()
	info := storage.AppendInfo{LeaderEpoch: 3, Now: l.now, Origin: storage.Coordinator, TransactionVersion: 1}
	if producer == clientOfVersion2 {
		info.TransactionVersion = 2
		l.epochs[producer]++
		l.sequences[producer] = 0
	}
	m := record.EndTxn{ProducerID: int64(producer), Epoch: l.epochs[producer], Commit: commit, CoordinatorEpoch: coordinatorEpoch}
	return l.append(record.MarkerBatch(m, l.now.UnixMilli()), info)
}

func (l *ledger) append(batch []byte, info storage.AppendInfo) storage.AppendResult {
	l.t.Helper()
	r, err := l.log.Append(batch, info)
	if err != nil {
		l.t.Fatal(err)
	}
	return r
}

// batch makes the next batch of a producer, whose keys come again.
func (l *ledger) batch(codec record.Codec, n, producer int) []byte {
	l.t.Helper()
	sequence := l.sequences[producer]
	l.sequences[producer] += int32(n)
	var b record.Builder
	for i := range n {
		l.keys++
		b.Add(l.now.UnixMilli()+int64(i%3), fmt.Appendf(nil, "key-%d", l.keys%40), fmt.Appendf(nil, "value-%0200d", sequence))
	}
	if producer != noTransactions {
		b.Transaction(int64(producer), l.epochs[producer])
	}
	plain := b.Batch()
	if producer != coordinatorsOwn {
		plain = of(plain, producer, l.epochs[producer], sequence)
	}
	out, err := l.walker.Encode(nil, plain, codec, 3, plain.Records())
	if err != nil {
		l.t.Fatal(err)
	}
	return out
}

// of gives a batch its producer, in an epoch.
func of(b record.Batch, producer int, epoch int16, sequence int32) record.Batch {
	binary.BigEndian.PutUint64(b[producerAt:], uint64(producer))
	binary.BigEndian.PutUint16(b[epochAt:], uint16(epoch))
	binary.BigEndian.PutUint32(b[sequenceAt:], uint32(sequence))
	return signed(b)
}

// compact compacts a log until there is nothing to do, and returns how many bytes went.
func (l *ledger) compact(log *storage.Log) int64 {
	l.t.Helper()
	metrics, err := storage.NewCleanerMetrics(prometheus.NewRegistry(), func() time.Time { return l.now })
	if err != nil {
		l.t.Fatal(err)
	}
	stable, open := log.FirstUnstable(log.EndOffset())
	if !open {
		l.t.Fatal("no transaction is open")
	}
	before := log.Size()
	c := storage.NewCleaner(storage.CleanerConfig{
		Threads: 1, DedupeBytes: 1 << 20, LoadFactor: 0.9, IOBytes: 1 << 20, BytesPerSecond: 1e12, Metrics: metrics,
		Logs:  func(yield func(*storage.Log, int64) bool) { yield(log, stable) },
		Clock: func() time.Time { return l.now },
	})
	for range 20 {
		if !c.Clean(l.t.Context()) {
			break
		}
	}
	return before - log.Size()
}

// wholeDirectory lets the tool look at every file of a partition, of which there are at least so many of each kind.
func wholeDirectory(t *testing.T, dir string, least map[string]int, check func(*testing.T, string)) {
	t.Helper()
	for kind, n := range least {
		files, err := filepath.Glob(filepath.Join(dir, "*."+kind))
		if err != nil || len(files) < n {
			t.Errorf("%d files of the kind %s in %s, want %d (%v)", len(files), kind, dir, n, err)
		}
		for _, file := range files {
			switch kind {
			case "log":
				check(t, dumped(t, "--files", file, "--deep-iteration", "--print-data-log"))
			case "index", "timeindex":
				check(t, dumped(t, "--files", file, "--index-sanity-check"))
				check(t, dumped(t, "--files", file, "--verify-index-only"))
			default:
				check(t, dumped(t, "--files", file))
			}
		}
	}
}

// compare looks for each marker and each aborted transaction in what the tool prints, and for the producers in the last snapshot.
func (l *ledger) compare(dir string) {
	l.t.Helper()
	printed := func(kind string) string {
		files, err := filepath.Glob(filepath.Join(dir, "*."+kind))
		if err != nil {
			l.t.Fatal(err)
		}
		out := ""
		for _, file := range files {
			out += dumped(l.t, "--files", file, "--deep-iteration", "--print-data-log")
		}
		return out
	}
	count := func(kind string, want map[string]int, begins string) {
		got := map[string]int{}
		for line := range strings.Lines(printed(kind)) {
			at := strings.Index(line, begins)
			if at < 0 {
				continue
			}
			found := strings.TrimSpace(line[at:])
			if stable := strings.Index(found, " lastStableOffset"); stable > 0 {
				found = found[:stable]
			}
			got[found]++
		}
		for text, n := range want {
			if got[text] != n {
				l.t.Errorf("%s: %q is printed %d times, want %d", kind, text, got[text], n)
			}
			delete(got, text)
		}
		if len(got) > 0 {
			l.t.Errorf("%s: more than was written: %v", kind, got)
		}
	}
	count("log", l.markers, "endTxnMarker: ")
	count("txnindex", l.aborts, "version: 0 producerId: ")
	contains(l.t, printed("snapshot"), "producerId: 0 ", "producerId: 1 ", "producerId: 2 ", "producerId: 3 ")
}
