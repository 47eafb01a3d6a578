package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chronik-stream/chronik/broker/record"
	"github.com/chronik-stream/chronik/broker/storage"
	"github.com/chronik-stream/chronik/broker/vfs"
)

// written makes a log directory with one record.
func written(t *testing.T) (dir string, d *storage.Directory) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "data")
	d, err := storage.Open(storage.Config{FS: vfs.OS{}, Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	l, err := d.Create(storage.TopicID{1}, "topic", 0, storage.DefaultLogConfig())
	if err != nil {
		t.Fatal(err)
	}
	var b record.Builder
	b.Add(1000, []byte("the key"), []byte("the value"))
	if _, err := l.Append(b.Batch(), storage.AppendInfo{Origin: storage.Client}); err != nil {
		t.Fatal(err)
	}
	return dir, d
}

func TestLogVerifyTellsOfDamageByItsExitCode(t *testing.T) {
	dir, d := written(t)
	if out, err := runCommand(t, "", "log", "verify", "--dir", dir); err == nil || exitCode(err) != 2 || !strings.Contains(err.Error(), "a broker uses it") {
		t.Errorf("a directory in use: %q, %v", out, err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	out, err := runCommand(t, "", "log", "verify", "--dir", dir)
	if err != nil || !strings.Contains(out, "1 partition(s), 1 segment(s), 1 batch(es), 1 record(s)") || !strings.Contains(out, "0 damaged") {
		t.Errorf("a good directory: %q, %v", out, err)
	}
	name := filepath.Join(dir, "topic-0", "00000000000000000000.log")
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	data[15] ^= 1 // of the leader epoch, which the batch's own checksum does not cover
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err = runCommand(t, "", "log", "verify", "--dir", dir, "--json")
	var v storage.Verification
	if e := json.Unmarshal([]byte(out), &v); e != nil || exitCode(err) != 1 || len(v.Findings) != 1 || v.Findings[0].File != filepath.ToSlash(name) {
		t.Errorf("a flipped bit: %q, %v", out, err)
	}
	for _, args := range [][]string{{"--dir", filepath.Join(dir, "none")}, {}, {"--dir", dir, "--config", dir}, {"--nonsense"}} {
		if _, err := runCommand(t, "", append([]string{"log", "verify"}, args...)...); exitCode(err) != 2 {
			t.Errorf("%v: %v", args, err)
		}
	}
}
