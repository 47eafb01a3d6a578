package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLogDumpWritesWhatIsThere(t *testing.T) {
	dir, d := written(t)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "topic-0", "00000000000000000000.log")
	out, err := runCommand(t, "", "log", "dump", "--print-data-log", name)
	if err != nil || !strings.Contains(out, "baseOffset: 0 lastOffset: 0 count: 1") || !strings.Contains(out, "key: the key payload: the value") {
		t.Errorf("a segment: %q, %v", out, err)
	}
	if _, err := runCommand(t, "", "log", "dump", filepath.Join(dir, "meta.properties")); exitCode(err) != 2 {
		t.Errorf("a file of no known kind: %v", err)
	}
	out, err = runCommand(t, "", "log", "dump", filepath.Join(dir, "meta.properties"), name)
	if exitCode(err) != 2 || !strings.Contains(out, "baseOffset: 0 lastOffset: 0 count: 1") {
		t.Errorf("a file behind one of no known kind: %q, %v", out, err)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, data[:len(data)-1], 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := runCommand(t, "", "log", "dump", name); err == nil || exitCode(err) != 1 {
		t.Errorf("a cut file: %v", err)
	}
}
