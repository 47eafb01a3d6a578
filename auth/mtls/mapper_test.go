package mtls

import (
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/chronik-stream/chronik/auth"
)

// vector is what Apache Kafka 4.3.1's SslPrincipalMapper makes of a name; test/interop has the table from there.
type vector struct {
	Rules, Name string
	// Refused says that Apache Kafka refuses the rules, Early that ours does: it would fail at each name that they match, or the pattern
	// is one that RE2 does not have.
	Refused, Early bool
	// Want is the name that comes of it, nil where none does.
	Want *string
}

func vectors(t testing.TB) []vector {
	t.Helper()
	raw, err := os.ReadFile("testdata/rules.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []vector
	if err := json.Unmarshal(raw, &all); err != nil || len(all) == 0 {
		t.Fatalf("%d vectors, %v", len(all), err)
	}
	return all
}

func TestNamesAgreeWithJava(t *testing.T) {
	for _, v := range javaNames {
		der, err := hex.DecodeString(v.der)
		if err != nil {
			t.Fatal(err)
		}
		got, err := distinguishedName(der)
		refused := v.want == "" && v.der != "3000"
		if got != v.want || (err != nil) != refused || (refused && !errors.Is(err, ErrBadName)) {
			t.Errorf("%s: %q, %v, want %q", v.der, got, err, v.want)
		}
	}
}

func TestRulesAgreeWithKafka(t *testing.T) {
	for _, v := range vectors(t) {
		m, err := New(Subject, v.Rules)
		if v.Refused || v.Early {
			if !errors.Is(err, ErrBadRule) {
				t.Errorf("%q: %v, want ErrBadRule", v.Rules, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", v.Rules, err)
			continue
		}
		got, err := m.Map(v.Name)
		switch {
		case v.Want == nil && err == nil:
			t.Errorf("%q of %q: %q, want none", v.Rules, v.Name, got)
		case v.Want != nil && (err != nil || got != *v.Want):
			t.Errorf("%q of %q: %q, %v, want %q", v.Rules, v.Name, got, err, *v.Want)
		}
	}
}

// TestOtherDialectIsRefused: what Go would read differently from Java, or not at all, is an error that names the rule.
func TestOtherDialectIsRefused(t *testing.T) {
	for _, pattern := range []string{
		`(?=a)b`, `(?<!a)b`, `(a)\1`, `a*+`, `(?>a)`, `\bCN`, `[a-z&&[^b]]`, `[a[b]]`, `[]a]`, `[^]a]`, `(?U)a`, `(?x)a`,
		`(?P<n>a)`, `\p{Alpha}`, `\0101`, `\Qab`, `(?i)\x{17f}`, "(?i)\u00fc", `(?i)\p{Lu}`, `\Za`, `\hx`,
		`(?<n>a)(?<n>b)`,
	} {
		text := "RULE:" + pattern + "/x/"
		_, err := New(Subject, "DEFAULT,"+text)
		if !errors.Is(err, ErrBadRule) || !strings.Contains(err.Error(), pattern[:2]) {
			t.Errorf("%s: %v, want an ErrBadRule that names it", text, err)
		}
	}
}

func TestAmbiguousNamesAreNobodys(t *testing.T) {
	m, err := New(Subject, "RULE:(?i)^CN=(k|s|.*)$/$1/")
	if err != nil {
		t.Fatal(err)
	}
	for _, dn := range []string{"CN=\u212a", "CN=\u017f", "CN=a\nb", "CN=a\u2028", "CN=a\u0085", "CN=" + strings.Repeat("x", maxNameBytes)} {
		if got, err := m.Map(dn); !errors.Is(err, ErrBadName) {
			t.Errorf("%q: %q, %v, want ErrBadName", dn, got, err)
		}
	}
	plain, err := New(Subject, DefaultRules)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := plain.Map("CN=\u212a"); got != "CN=\u212a" || err != nil {
		t.Errorf("by DEFAULT: %q, %v", got, err)
	}
}

func TestPrincipal(t *testing.T) {
	subject, err := hex.DecodeString("3010310e300c06035504030c056b61666b61")
	if err != nil {
		t.Fatal(err)
	}
	cert := &x509.Certificate{RawSubject: subject}
	for rules, want := range map[string]auth.Principal{
		"DEFAULT":              auth.User("CN=kafka"),
		"RULE:^CN=(.*)$/$1/U":  auth.User("KAFKA"),
		"RULE:^CN=.*$//":       {},
		"RULE:^OU=(.*)$/$1/":   {},
		"":                     {},
		"RULE:^(OU)=.*$/$1/,,": {},
	} {
		m, err := New(Subject, rules)
		if err != nil {
			t.Fatal(err)
		}
		got, err := m.Principal(cert)
		if got != want || (err == nil) == want.IsZero() {
			t.Errorf("%q: %v, %v, want %v", rules, got, err, want)
		}
	}
	m, err := New(Subject, DefaultRules)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := m.Principal(&x509.Certificate{RawSubject: []byte{0x30, 0x00}}); !errors.Is(err, auth.ErrBadPrincipal) {
		t.Errorf("empty subject: %v, %v", got, err)
	}
}

// FuzzRules checks that rules and names of any form neither panic nor come out as a name that no rule gave.
func FuzzRules(f *testing.F) {
	for _, v := range vectors(f) {
		f.Add(v.Rules, v.Name)
	}
	f.Fuzz(func(t *testing.T, rules, dn string) {
		m, err := New(Subject, rules)
		if err != nil {
			if !errors.Is(err, ErrBadRule) {
				t.Fatalf("%q: %v", rules, err)
			}
			return
		}
		name, err := m.Map(dn)
		if err != nil && name != "" {
			t.Fatalf("%q of %q: %q and %v", rules, dn, name, err)
		}
		if err == nil && len(m.rules) == 0 {
			t.Fatalf("%q has no rules and gives %q", rules, name)
		}
	})
}

// FuzzName checks that every name that is written is text, and that none panics.
func FuzzName(f *testing.F) {
	for _, v := range javaNames {
		der, err := hex.DecodeString(v.der)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(der)
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		if dn, err := distinguishedName(der); err == nil && !utf8.ValidString(dn) {
			t.Fatalf("%x: %q is not UTF-8", der, dn)
		}
	})
}
