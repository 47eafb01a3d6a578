package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chronik-stream/chronik/broker/adopt"
	"github.com/chronik-stream/chronik/broker/record"
	"github.com/chronik-stream/chronik/broker/storage"
	"github.com/chronik-stream/chronik/broker/vfs"
)

// kafkaDirectory is a log directory with one topic, without a metadata log.
func kafkaDirectory(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "kafka")
	if err := (&storage.MetaProperties{ClusterID: "theirs", NodeID: 3}).Write(vfs.OS{}, dir); err != nil {
		t.Fatal(err)
	}
	d, err := storage.Open(storage.Config{FS: vfs.OS{}, Dir: dir, JournalFileBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	l, err := d.Create(storage.TopicID{1}, "greetings", 0, storage.DefaultLogConfig())
	if err != nil {
		t.Fatal(err)
	}
	var b record.Builder
	b.Add(1_700_000_000_000, nil, []byte("hello"))
	if _, err := l.Append(b.Batch(), storage.AppendInfo{Origin: storage.Client}); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestImportReportsAndEndsWithACode(t *testing.T) {
	from, config := kafkaDirectory(t), properties(t)
	run := func(args ...string) (string, error) {
		return runCommand(t, "", append([]string{"import", "kafka-logs", "--config", config, "--from", from}, args...)...)
	}
	if _, err := run(); err == nil || exitCode(err) != exitFailed || !strings.Contains(err.Error(), "chronik format") {
		t.Errorf("into what is not formatted: %v", err)
	}
	if _, err := runCommand(t, "", "format", "--config", config); err != nil {
		t.Fatal(err)
	}
	out, err := run("--dry-run")
	if exitCode(err) != exitRefused || !strings.Contains(out, "Problem: [out-of-sync]") || !strings.Contains(out, "nothing was changed") {
		t.Errorf("refused: %v\n%s", err, out)
	}
	out, err = run("--dry-run", "--accept", "out-of-sync")
	if err != nil || !strings.Contains(out, "nothing was written") || !strings.Contains(out, "greetings") || !strings.Contains(out, "Accepted: [out-of-sync]") {
		t.Errorf("a dry run: %v\n%s", err, out)
	}
	out, err = run("--accept", "out-of-sync", "--json")
	var report adopt.Report
	// The log goes to the same buffer here.
	if jsonErr := json.Unmarshal([]byte(out[max(0, strings.Index(out, "{\n")):]), &report); jsonErr != nil || err != nil {
		t.Fatalf("%v, %v\n%s", err, jsonErr, out)
	}
	if !report.Imported || len(report.Topics) != 1 || report.Topics[0].Records != 1 || report.Topics[0].Name != "greetings" {
		t.Errorf("report %+v", report)
	}
	if out, err = run("--accept", "out-of-sync"); exitCode(err) != exitRefused || !strings.Contains(out, "Problem: [blocked] topic greetings") {
		t.Errorf("a second time: %v\n%s", err, out)
	}
}

func TestImportRefusesWrongFlags(t *testing.T) {
	config := properties(t)
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--from", "/x", "--accept", "anything"}, "--accept anything"},
		{[]string{"--from", "/x", "--without", "anything"}, "--without anything"},
		{[]string{"--from", "/x", "--topics", "("}, "--topics"},
		{nil, "from"},
		{[]string{"--from", filepath.Join(filepath.Dir(config), "data")}, "log directory of this broker"},
	} {
		_, err := runCommand(t, "", append([]string{"import", "kafka-logs", "--config", config}, c.args...)...)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v", c.args, err)
		}
	}
}
