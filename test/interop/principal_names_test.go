//go:build interop

package interop

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chronik-stream/chronik/auth/mtls"
	"github.com/chronik-stream/chronik/test/harness"
)

// principalName is what Apache Kafka's SslPrincipalMapper makes of a name by rules.
type principalName struct {
	Rules string `json:"rules"`
	Name  string `json:"name"`
	// Early says that ours refuses the rules, since Apache Kafka would fail at each name that they match, or RE2 lacks the pattern.
	Early bool `json:"early"`
	// Refused says that Apache Kafka refuses the rules. Want is the name that comes of it, nil where none does.
	Refused bool    `json:"refused"`
	Want    *string `json:"want"`
}

// askMapper has Apache Kafka's own class say what comes of names.
func askMapper(t *testing.T, asked []byte) (found []principalName) {
	t.Helper()
	out := tools.RunInput(t, string(asked), "stream.chronik.test.PrincipalNames")
	if err := json.Unmarshal([]byte(out.Out), &found); err != nil {
		t.Fatalf("exit %d: %v\n%s", out.Exit, err, out.Err)
	}
	return found
}

// TestPrincipalNames holds the table that auth/mtls is tested with against Apache Kafka itself.
func TestPrincipalNames(t *testing.T) {
	path := filepath.Join(harness.Root(t), "auth", "mtls", "testdata", "rules.json")
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var recorded []principalName
	if err := json.Unmarshal(raw, &recorded); err != nil {
		t.Fatal(err)
	}
	found := askMapper(t, raw)
	if *updateNames {
		writeTable(t, path, found)
		return
	}
	if diff := cmp.Diff(found, recorded); diff != "" {
		t.Errorf("what Apache Kafka makes of names (-) is not what is recorded (+):\n%s", diff)
	}
}

// TestDrawnPrincipalNames applies rules that are drawn to names that are drawn, by Apache Kafka's class and by ours. Ours may refuse rules
// that Java's patterns alone have; where it takes them, the same comes of them.
func TestDrawnPrincipalNames(t *testing.T) {
	const seed, number = 7, 4000
	draw := rand.New(rand.NewPCG(seed, seed))
	asked := make([]principalName, number)
	for i := range asked {
		asked[i] = principalName{Rules: drawnRules(draw), Name: drawnName(draw)}
	}
	raw, err := json.Marshal(asked)
	if err != nil {
		t.Fatal(err)
	}
	found := askMapper(t, raw)
	if len(found) != number {
		t.Fatalf("%d answers to %d questions", len(found), number)
	}
	compared, named := 0, 0
	for i := range found {
		v := &found[i]
		m, err := mtls.New(mtls.Subject, v.Rules)
		if err != nil {
			if !errors.Is(err, mtls.ErrBadRule) {
				t.Errorf("%q: %v", v.Rules, err)
			}
			continue
		}
		if v.Refused {
			t.Errorf("%q: Apache Kafka refuses the rules", v.Rules)
			continue
		}
		compared++
		got, err := m.Map(v.Name)
		switch {
		case v.Want == nil && err == nil:
			t.Errorf("%q of %q: %q, and Apache Kafka has none", v.Rules, v.Name, got)
		case v.Want != nil && (err != nil || got != *v.Want):
			t.Errorf("%q of %q: %q, %v, and Apache Kafka has %q", v.Rules, v.Name, got, err, *v.Want)
		case v.Want != nil:
			named++
		}
	}
	if compared < number/4 || named < number/10 {
		t.Errorf("of %d drawn, %d were compared, and %d came out as a name", number, compared, named)
	}
}

// drawn joins pieces that are drawn.
func drawn(draw *rand.Rand, most int, pieces []string) string {
	var b strings.Builder
	for range 1 + draw.IntN(most) {
		b.WriteString(pieces[draw.IntN(len(pieces))])
	}
	return b.String()
}

// drawnName is a distinguished name in the form of RFC 2253, as Java writes it.
func drawnName(draw *rand.Rand) string {
	types := []string{"CN=", "OU=", "O=", "L=", "ST=", "C=", "DC=", "UID=", "1.2.840.113549.1.9.1="}
	values := []string{"Duke", "kafka1", ".example.com", "a", "b", "Z", " ", "-", "_", "\\,", "\\+", "\\\"", "\\\\", "/", "@", "\u00fc", "stra\u00dfe", "\u0130", "\u03a3", "#0c0161", "1"}
	parts := make([]string, 1+draw.IntN(4))
	for i := range parts {
		parts[i] = types[draw.IntN(len(types))] + drawn(draw, 4, values)
	}
	separator := ","
	if draw.IntN(10) == 0 {
		separator = "+"
	}
	return strings.Join(parts, separator)
}

// drawnRules are some rules, good or not.
func drawnRules(draw *rand.Rand) string {
	patterns := []string{
		"CN=", "OU=", "(.*?)", "(.*)", "([^,]*)", ",", ".*", "(\\w+)", "(?i)", "(D)?", "[a-z0-9.]+", "|", "a", "=", "\\\\", "\\,", "\\Q.e\\E", "(?<n>[A-Za-z]+)", "\\d", "\\/",
		"[[:alpha:]]", "\\b", "x{2}", "(?:a|b)",
	}
	replacements := []string{"$1", "$2", "$0", "$12", "${n}", "x", "@", "\\$", "\\\\", "-", ".", "\u00fc", "$", "\\/"}
	rules := make([]string, 1+draw.IntN(3))
	for i := range rules {
		rules[i] = "DEFAULT"
		if draw.IntN(6) > 0 {
			begin := []string{"", "^", "^CN=", "^.*"}[draw.IntN(4)]
			end := []string{"", "$", ".*$", ",.*$"}[draw.IntN(4)]
			rules[i] = "RULE:" + begin + drawn(draw, 4, patterns) + end + "/" + drawn(draw, 3, replacements[:8+draw.IntN(len(replacements)-8)]) + "/" +
				[]string{"", "", "L", "U"}[draw.IntN(4)]
		}
	}
	return strings.Join(rules, []string{",", ", ", " ,"}[draw.IntN(3)])
}
