package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chronik-stream/chronik/broker/adopt"
	"github.com/chronik-stream/chronik/broker/storage"
)

func TestWhatATerminalWouldObeyIsQuoted(t *testing.T) {
	for text, want := range map[string]string{
		"a topic":              "a topic",
		"größe 大小":             "größe 大小",
		"\x1b[2Jgone":          `"\x1b[2Jgone"`,
		"a\nImported.":         `"a\nImported."`,
		"\u202eturned":         `"\u202eturned"`,
		"no UTF-8: \xff":       `"no UTF-8: \xff"`,
		"a tab \t is none, so": `"a tab \t is none, so"`,
	} {
		if got := shown(text); got != want {
			t.Errorf("%q is shown as %s, not %s", text, got, want)
		}
	}
	if got := shownLines("first\n\x1bsecond"); got != "first\n\"\\x1bsecond\"" {
		t.Errorf("lines are shown as %s", got)
	}
}

// TestReportsQuoteForeignNames: names of the source come from whoever could make a topic there.
func TestReportsQuoteForeignNames(t *testing.T) {
	const evil = "\x1b]0;evil\a"
	var out strings.Builder
	report := &adopt.Report{
		ClusterID: evil, Topics: []adopt.TopicReport{{Name: evil}}, KeptUsers: []string{evil}, LeftOut: []string{evil}, Notes: []string{evil},
		Problems: []adopt.Problem{{Kind: adopt.Blocked, Topic: evil, Text: evil}},
	}
	if err := (&importFlags{}).print(&out, report); err != nil {
		t.Fatal(err)
	}
	if err := writeVerification(&out, &storage.Verification{
		Dir: "/data", Uncovered: []string{evil}, Findings: []storage.Finding{{File: evil, What: evil}},
	}); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(out.String(), "\x1b\a") || strings.Count(out.String(), `\x1b]0;evil\a`) < 9 {
		t.Errorf("%q", out.String())
	}
}

// TestAnImportFromTheOwnDirectoryIsRefusedUnderEachName: through a symbolic link, too.
func TestAnImportFromTheOwnDirectoryIsRefusedUnderEachName(t *testing.T) {
	config := properties(t)
	if _, err := runCommand(t, "", "format", "--config", config); err != nil {
		t.Fatal(err)
	}
	own := filepath.Join(filepath.Dir(config), "data")
	for _, name := range []string{own, own + "/../data/", link(t, own), filepath.Join(link(t, filepath.Dir(own)), "data")} {
		_, err := runCommand(t, "", "import", "kafka-logs", "--config", config, "--from", name, "--dry-run")
		if err == nil || !strings.Contains(err.Error(), "log directory of this broker") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// link makes a symbolic link.
func link(t *testing.T, to string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(to, name); err != nil {
		t.Fatal(err)
	}
	return name
}
