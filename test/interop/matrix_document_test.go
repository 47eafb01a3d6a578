//go:build interop

package interop

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chronik-stream/chronik/test/harness"
)

const matrixHead = `# Clients

Which client logs in how. ` + "`make docs-matrix`" + ` writes this page from what TestLoginMatrix (test/interop) has seen, and the test fails where the
page says anything else. In each cell the client has logged in as the principal of that row, who alone has rights there, has written
a record and read it.

`

// matrixDocument is docs/clients.md as the run says.
func (m *matrix) matrixDocument(t *testing.T, all []matrixClient) string {
	t.Helper()
	var page strings.Builder
	page.WriteString(matrixHead)
	names := make([]string, len(all))
	for i, c := range all {
		names[i] = c.name
	}
	fmt.Fprintf(&page, "| | over | %s |\n|---|---%s|\n", strings.Join(names, " | "), strings.Repeat("|---", len(all)))
	var notes []string
	for _, w := range ways() {
		cells := make([]string, len(all))
		for i, c := range all {
			if why := c.lacks[w.name]; why != "" {
				cells[i] = "no"
				notes = append(notes, fmt.Sprintf("- %s, %s: %s.", w.name, c.name, why))
				continue
			}
			cells[i] = "FAILS"
			if slices.Equal(m.passed[[2]string{w.name, c.name}], w.protocols()) {
				cells[i] = "yes"
			}
		}
		fmt.Fprintf(&page, "| %s | %s | %s |\n", w.name, strings.Join(w.protocols(), ", "), strings.Join(cells, " | "))
	}
	fmt.Fprintf(&page, "\nWhere it says no:\n\n%s\n\n%s\n", strings.Join(notes, "\n"), versionsOfClients(t))
	return page.String()
}

// versionsOfClients names the versions that the tests are pinned to.
func versionsOfClients(t *testing.T) string {
	t.Helper()
	versions := make([]string, 0, 6)
	for _, pinned := range []struct{ name, file, pattern string }{
		{"Java and Apache Kafka's tools", "test/java/pom.xml", `<kafka.version>(.*)</kafka.version>`},
		{"confluent-kafka", "test/python/requirements.txt", `confluent-kafka==(.*)`},
		{"franz-go", "go.mod", `github.com/twmb/franz-go v(.*)`},
		{"Sarama", "test/interop/sarama/go.mod", `github.com/IBM/sarama v(.*)`},
		{"kafka-python", "test/python/requirements.txt", `kafka-python==(.*)`},
		{"aiokafka", "test/python/requirements.txt", `aiokafka==(.*)`},
	} {
		raw, err := os.ReadFile(filepath.Join(harness.Root(t), pinned.file))
		if err != nil {
			t.Fatal(err)
		}
		found := regexp.MustCompile(pinned.pattern).FindSubmatch(raw)
		if found == nil {
			t.Fatalf("no version of %s in %s", pinned.name, pinned.file)
		}
		versions = append(versions, pinned.name+" "+string(found[1]))
	}
	return "Versions: " + strings.Join(versions, ", ") + ", and the system's kcat (1.7 on librdkafka 2.0 in Debian 12)."
}

// compareWithDocument holds docs/clients.md to the run, or writes it. A failed cell is never written.
func (m *matrix) compareWithDocument(t *testing.T, all []matrixClient) {
	t.Helper()
	for _, w := range ways() {
		for _, c := range all {
			if got := m.passed[[2]string{w.name, c.name}]; c.lacks[w.name] == "" && !slices.Equal(got, w.protocols()) {
				t.Errorf("%s by %s: logged in over %v, want %v", c.name, w.name, got, w.protocols())
			}
		}
	}
	got, path := m.matrixDocument(t, all), filepath.Join(harness.Root(t), "docs", "clients.md")
	if os.Getenv("INTEROP_WRITE_MATRIX") != "" && !t.Failed() {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("read the matrix: %v (run `make docs-matrix`)", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("docs/clients.md -page +run (`make docs-matrix` writes it):\n%s", diff)
	}
}
