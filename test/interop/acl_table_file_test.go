//go:build interop

package interop

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// aclTable is what Apache Kafka answers. `make acl-table` writes it anew.
const aclTable = "testdata/acl-table.txt"

// aclAnswers are lines of "ACLs: answer" by request, as they stand in the table.
type aclAnswers map[string][]string

// nobody stands in the table for no ACL.
const nobody = "nothing"

func lineOf(acls, answer string) string {
	if acls == "" {
		acls = nobody
	}
	return acls + ": " + answer
}

func (a aclAnswers) add(name, acls, answer string) { a[name] = append(a[name], lineOf(acls, answer)) }

func (a aclAnswers) of(name, acls string) string {
	for _, line := range a[name] {
		if answer, found := strings.CutPrefix(line, lineOf(acls, "")); found {
			return answer
		}
	}
	return ""
}

// holdExactly fails the test where the table and the cases are not about the same.
func (a aclAnswers) holdExactly(t *testing.T, cases []tried) {
	t.Helper()
	known := map[string]bool{}
	for _, c := range cases {
		if known[c.name] {
			t.Errorf("two requests are called %q", c.name)
		}
		known[c.name] = true
		situations := c.situations()
		if len(a[c.name]) != len(situations) {
			t.Errorf("%s has %d answers of Apache Kafka, and is tried %d times", c.name, len(a[c.name]), len(situations))
		}
		for _, acls := range situations {
			if a.of(c.name, acls) == "" {
				t.Errorf("%s with %q has no answer of Apache Kafka", c.name, acls)
			}
		}
	}
	for of := range aclDifferences {
		if a.of(of[0], of[1]) == "" {
			t.Errorf("%s with %q is said to differ, and is not tried", of[0], of[1])
		}
	}
	for name := range a {
		if !known[name] {
			t.Errorf("%s has answers of Apache Kafka, and is not tried", name)
		}
	}
}

const aclTableHead = `# What Apache Kafka 4.3.1 answers a user with these ACLs, and no others. Written by "make acl-table"; TestACLTable compares.
# A request's answers stand under its name, each as "ACLs: answer". An answer has, in the order of the protocol, the codes, the names
# and the authorized operations, and of ids, offsets, records and configurations whether there are any.
`

func readACLTable(t *testing.T) aclAnswers {
	t.Helper()
	raw, err := os.ReadFile(aclTable)
	if err != nil {
		t.Fatal(err)
	}
	out := aclAnswers{}
	name := ""
	for line := range strings.Lines(strings.TrimPrefix(string(raw), aclTableHead)) {
		line = strings.TrimSuffix(line, "\n")
		switch answer, indented := strings.CutPrefix(line, "  "); {
		case line == "":
		case indented:
			out[name] = append(out[name], answer)
		default:
			name = line
		}
	}
	return out
}

func (a aclAnswers) write(t *testing.T) {
	t.Helper()
	names := make([]string, 0, len(a))
	for name := range a {
		names = append(names, name)
	}
	slices.Sort(names)
	var out strings.Builder
	out.WriteString(aclTableHead)
	for _, name := range names {
		fmt.Fprintf(&out, "\n%s\n", name)
		for _, line := range a[name] {
			fmt.Fprintf(&out, "  %s\n", line)
		}
	}
	if err := os.WriteFile(aclTable, []byte(out.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}
