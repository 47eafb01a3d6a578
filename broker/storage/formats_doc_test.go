package storage

import (
	"context"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// TestFormatsListsEveryFile: docs/formats.md names every file that a busy directory holds at any time, or what its name ends in.
func TestFormatsListsEveryFile(t *testing.T) {
	doc, err := os.ReadFile("../../docs/formats.md")
	must(t, err)
	var listed []string
	for _, quoted := range regexp.MustCompile("`[^`\n]+`").FindAllString(string(doc), -1) {
		listed = append(listed, strings.TrimSuffix(strings.Trim(quoted, "`"), "/"))
	}
	names := busyNames(t)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if !isListed(name, listed) {
			t.Errorf("%s holds a file whose name is not listed: %s", testDir, name)
		}
	}
	// The test is worth what the directory has seen.
	for _, ending := range []string{
		logSuffix, offsetSuffix, timeSuffix, txnSuffix, sumsSuffix, snapshotSuffix, ".tmp", deletedSuffix, cleanedSuffix, swapSuffix,
		deleteDirSuffix, strayDirSuffix, futureDirSuffix, epochFile, metadataFile, recoveryPointFile, indexPointFile, logStartFile, cleanerFile,
		cleanShutdownFile, lockFile, reserveFile, metaPropertiesFile, "chronik.journal.<8 digits>",
	} {
		if !slices.ContainsFunc(slices.Collect(maps.Keys(names)), func(name string) bool { return strings.HasSuffix(name, ending) }) {
			t.Errorf("the directory has seen no %s", ending)
		}
	}
}

// isListed says whether a name is listed, or would be without endings that are.
func isListed(name string, listed []string) bool {
	for {
		if slices.Contains(listed, name) || name == "<20 digits>" {
			return true
		}
		dot := strings.LastIndexByte(name, '.')
		if dot < 0 || !slices.Contains(listed, name[dot:]) {
			return false
		}
		name = name[:dot]
	}
}

var nameShapes = []struct {
	pattern *regexp.Regexp
	shape   string
}{
	{regexp.MustCompile(`^\d{20}`), "<20 digits>"},
	{regexp.MustCompile(`^(topic|kept)-\d+`), "<topic>-<partition>"},
	{regexp.MustCompile(`\.[0-9a-f]{32}-`), ".<32 hex digits>-"},
	{regexp.MustCompile(`^chronik\.journal\.\d{8}`), "chronik.journal.<8 digits>"},
}

// busyNames are the names that files and directories have had in the life of a directory, with what is variable in them replaced.
func busyNames(t *testing.T) map[string]bool {
	t.Helper()
	memory := vfs.NewMemory(nil)
	r := &recorder{FS: memory}
	must(t, (&MetaProperties{ClusterID: "a", NodeID: 1}).Write(r, testDir))
	cfg := compactConfig(r)
	cfg.ReserveBytes = 64 << 10
	d := openDir(t, cfg)
	l := fillLog(t, d, 1, "topic", 200)
	abort(t, l)
	must(t, d.Checkpoint())
	testCleaner(t, d, d.cfg.Clock).Clean(context.Background())
	must(t, l.Truncate(l.EndOffset()-1))
	must(t, d.Checkpoint())
	cfg.Dir = movedDir
	other := openDir(t, cfg)
	moveTo(t, d, fillLog(t, other, 2, "kept", 20))
	_, err := d.SetAside(TopicID{2}, 0)
	must(t, err)
	must(t, d.Delete(TopicID{1}, 0))
	d.reap(testTime.Add(time.Hour))
	must(t, other.Close())
	must(t, d.Close())
	must(t, openDir(t, testConfig(r)).Close())
	names := map[string]bool{}
	for _, c := range r.noted() {
		to, renamed := strings.CutPrefix(c.op, "rename to ")
		switch {
		case renamed:
			names[shapeOf(to)] = true
		case c.name != testDir && c.name != movedDir && (c.op == "create" || c.op == "mkdir"):
			names[shapeOf(path.Base(c.name))] = true
		}
	}
	return names
}

func shapeOf(name string) string {
	for _, s := range nameShapes {
		name = s.pattern.ReplaceAllString(name, s.shape)
	}
	return name
}

// abort appends a transaction and aborts it.
func abort(t *testing.T, l *Log) {
	t.Helper()
	appendTo(t, l, sign(keyed("key", "aborted"), 7, 0, 0, attrTransactional))
	marker := sign(markerBatch(markerAbort, 1), 7, 0, -1, attrTransactional|attrControl)
	_, err := l.Append(marker, AppendInfo{LeaderEpoch: 1, Origin: Coordinator})
	must(t, err)
	waitConfirmed(t, l)
}
