package config

import (
	"bytes"
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/configuration.md")

const documentation = "../../docs/configuration.md"

func TestDocumentation(t *testing.T) {
	var b bytes.Buffer
	if err := WriteMarkdown(&b); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(documentation, b.Bytes(), 0o644); err != nil { //nolint:gosec // documentation is for everybody
			t.Fatal(err)
		}
	}
	written, err := os.ReadFile(documentation)
	if err != nil || !bytes.Equal(written, b.Bytes()) {
		t.Errorf("docs/configuration.md is not what the table says (%v); run: go test ./broker/config -run TestDocumentation -update", err)
	}
}

// TestKafkasKeys compares the table with the facts about Apache Kafka 4.3.1 in testdata.
func TestKafkasKeys(t *testing.T) {
	facts, err := os.ReadFile("testdata/kafka-4.3.1.tsv")
	if err != nil {
		t.Fatal(err)
	}
	table := NewTable()
	scopes := map[string]Scope{"broker": BrokerScope, "topic": TopicScope, "group": GroupScope}
	compared := 0
	for line := range strings.Lines(string(facts)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		k := table.Key(scopes[f[0]], f[1])
		if k == nil {
			t.Errorf("%s key %s is not known", f[0], f[1])
			continue
		}
		compared++
		if k.Type.String() != f[2] {
			t.Errorf("%s is a %s, Apache Kafka's is a %s", k.Name, k.Type, f[2])
		}
		if !sameDefault(k, f[3]) && !differsFromKafka(k) {
			t.Errorf("%s has the default %q (none: %t), Apache Kafka's is %q", k.Name, k.Default, k.Null, f[3])
		}
		if k.Update == ClusterWide && f[4] != "cluster-wide" {
			t.Errorf("%s is dynamic, Apache Kafka's is %s", k.Name, f[4])
		}
	}
	if compared != 411 {
		t.Errorf("compared %d keys, want 411", compared)
	}
}

func sameDefault(k *Key, fact string) bool {
	if fact == `\N` {
		return k.Null
	}
	return !k.Null && k.Default == fact
}

func TestRowsAreComplete(t *testing.T) {
	table := NewTable()
	rows, variables := 0, map[string]string{}
	for _, k := range table.ordered {
		rows++
		if k.Doc == "" || k.Type == 0 || k.Effect == 0 || k.Scope == 0 {
			t.Errorf("the row of %s is incomplete", k.Name)
		}
		if !strings.HasSuffix(k.Doc, ".") {
			t.Errorf("the documentation of %s is no sentence: %q", k.Name, k.Doc)
		}
		if !k.Null {
			if value, err := k.Parse(k.Default); err != nil || value != k.Default {
				t.Errorf("the default of %s is not in its canonical form: %q, %v", k.Name, value, err)
			}
		}
		if k.Broker != "" && table.broker[k.Broker] == nil {
			t.Errorf("%s takes its default from %s, which is unknown", k.Name, k.Broker)
		}
		if k.Scope == BrokerScope {
			name := EnvironmentName(k.Name)
			if other := variables[name]; other != "" {
				t.Errorf("%s and %s both come from %s", k.Name, other, name)
			}
			variables[name] = k.Name
		}
	}
	if want := len(table.broker) + len(table.topic) + len(table.group); rows != want {
		t.Errorf("%d rows, but %d names: one stands twice", rows, want)
	}
}

func TestNearest(t *testing.T) {
	table := NewTable()
	for word, want := range map[string]string{
		"log.retentions.ms": "log.retention.ms", "retention.ms": "log.retention.ms", "superusers": "super.users", "xyzzy": "",
	} {
		if got := nearest(word, table.Names(BrokerScope)); got != want {
			t.Errorf("the nearest to %q is %q, want %q", word, got, want)
		}
	}
}
