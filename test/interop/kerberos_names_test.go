//go:build interop

package interop

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chronik-stream/chronik/test/harness"
)

var updateNames = flag.Bool("update-names", false, "write what Apache Kafka makes of names to auth/gssapi/testdata/names.json and auth/mtls/testdata/rules.json")

// kerberosNames is a set of names with what Apache Kafka's KerberosShortNamer makes of them by a list of rules.
type kerberosNames struct {
	Realm string   `json:"realm"`
	Rules []string `json:"rules"`
	Names []string `json:"names"`
	// Early says that ours refuses the rules, since Apache Kafka would fail at each name that they are applied to.
	Early bool `json:"early"`
	// Refused says that Apache Kafka refuses the rules. Short has the short names, nil where there is none.
	Refused bool      `json:"refused"`
	Short   []*string `json:"short"`
}

// TestKerberosNames holds the table that auth/gssapi is tested with against Apache Kafka itself.
func TestKerberosNames(t *testing.T) {
	path := filepath.Join(harness.Root(t), "auth", "gssapi", "testdata", "names.json")
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var recorded, found []kerberosNames
	if err := json.Unmarshal(raw, &recorded); err != nil {
		t.Fatal(err)
	}
	out := tools.RunInput(t, string(raw), "stream.chronik.test.KerberosNames")
	if err := json.Unmarshal([]byte(out.Out), &found); err != nil {
		t.Fatalf("exit %d: %v\n%s", out.Exit, err, out.Err)
	}
	if *updateNames {
		writeTable(t, path, found)
		return
	}
	if diff := cmp.Diff(found, recorded); diff != "" {
		t.Errorf("what Apache Kafka makes of names (-) is not what is recorded (+):\n%s", diff)
	}
}

// writeTable writes one row a line.
func writeTable[Row any](t *testing.T, path string, rows []Row) {
	t.Helper()
	lines := make([]string, len(rows))
	for i := range rows {
		line, err := json.Marshal(rows[i])
		if err != nil {
			t.Fatal(err)
		}
		lines[i] = string(line)
	}
	if err := os.WriteFile(path, []byte("[\n"+strings.Join(lines, ",\n")+"\n]\n"), 0o644); err != nil {
		t.Fatal(err)
	}
}
