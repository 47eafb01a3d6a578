package storage

import (
	"errors"
	"fmt"
	"path"
	"strings"
	"testing"

	"github.com/chronik-stream/chronik/broker/journal"
)

// dumpOf is what is written of a file of the directory that the flips are tried on.
func dumpOf(t *testing.T, files map[string]string, name string, o DumpOptions) (string, error) {
	t.Helper()
	var out strings.Builder
	err := Dump(&out, diskOf(t, files), name, o)
	return out.String(), err
}

func TestEveryKindOfFileIsDumped(t *testing.T) {
	files := flipDirectory(t, false)
	wanted := map[string]string{
		logSuffix: "isTransactional: true isControl: true", offsetSuffix: "position: ", timeSuffix: "timestamp: ",
		txnSuffix: "version: 0 producerId: 8 ", snapshotSuffix: "producerId: 7 producerEpoch: 0", sumsSuffix: "| position: 0 crc: ",
	}
	seen := map[string]bool{}
	frames := ""
	for name := range files {
		text, err := dumpOf(t, files, name, DumpOptions{Records: true})
		suffix := path.Ext(name)
		if _, ok := parseOffsetName(path.Base(name), suffix); !ok && !journal.IsFile(name) {
			if covered, found := strings.CutSuffix(name, sumsSuffix); found {
				size := fmt.Sprintf("contents: written last size: %d crc: ", len(files[covered]))
				if err != nil || !strings.HasPrefix(text, size) {
					t.Errorf("%s: %v, %q", name, err, text)
				}
			} else if !errors.Is(err, ErrNotDumped) {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if journal.IsFile(name) {
			frames += text
		}
		seen[suffix] = seen[suffix] || strings.Contains(text, wanted[suffix])
	}
	for suffix, want := range wanted {
		if !seen[suffix] {
			t.Errorf("no %s file with %q", suffix, want)
		}
	}
	for _, kind := range []string{"append", "epoch start", "log start"} {
		if !strings.Contains(frames, "type: "+kind) {
			t.Errorf("no frame of the type %s in\n%s", kind, frames)
		}
	}
}

func TestADumpShowsContentsOnRequestAlone(t *testing.T) {
	files := map[string]string{testDir + "/00000000000000000000.log": string(keyed("the key", "the value"))}
	name := testDir + "/00000000000000000000.log"
	text, err := dumpOf(t, files, name, DumpOptions{Records: true})
	must(t, err)
	if strings.Contains(text, "the ") || !strings.Contains(text, "| offset: 0 CreateTime: 1700000000000 keySize: 7 valueSize: 9") {
		t.Errorf("without contents: %s", text)
	}
	text, err = dumpOf(t, files, name, DumpOptions{Records: true, Data: true})
	must(t, err)
	if !strings.Contains(text, " key: the key payload: the value") {
		t.Errorf("with contents: %s", text)
	}
}

// TestADumpSurvivesDamage flips every byte of every file: whatever comes of it, the dump ends.
func TestADumpSurvivesDamage(t *testing.T) {
	files := flipDirectory(t, false)
	for name, data := range files {
		for i := 0; i < len(strings.TrimRight(data, "\x00")); i += flipStep(name, len(data)) {
			b := []byte(data)
			b[i] ^= 1 << (i % 8)
			_, err := dumpOf(t, map[string]string{name: string(b)}, name, DumpOptions{Records: true, Data: true})
			if err != nil && !errors.Is(err, ErrCorrupt) && !errors.Is(err, journal.ErrCorrupt) && !errors.Is(err, journal.ErrNewer) && !errors.Is(err, ErrNotDumped) {
				t.Fatalf("%s, byte %d: %v", name, i, err)
			}
		}
	}
}
