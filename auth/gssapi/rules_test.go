package gssapi

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/chronik-stream/chronik/auth"
)

// TestNamesAsApacheKafka applies rules to names as Apache Kafka 4.3.1's KerberosShortNamer did; test/interop has the table from there.
func TestNamesAsApacheKafka(t *testing.T) {
	raw, err := os.ReadFile("testdata/names.json")
	if err != nil {
		t.Fatal(err)
	}
	var sets []struct {
		Realm          string
		Rules, Names   []string
		Early, Refused bool
		Short          []*string
	}
	if err := json.Unmarshal(raw, &sets); err != nil {
		t.Fatal(err)
	}
	names := 0
	for _, set := range sets {
		rules, err := ParseRules(set.Realm, set.Rules)
		if set.Early || set.Refused {
			if !errors.Is(err, ErrBadConfig) || !strings.Contains(err.Error(), "sasl.kerberos.principal.to.local.rules") {
				t.Errorf("%q: %v, the rules have to be refused", set.Rules, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", set.Rules, err)
			continue
		}
		for i, full := range set.Names {
			names++
			want := set.Short[i]
			short, err := rules.ShortName(full)
			switch {
			case want == nil || *want == "":
				if !errors.Is(err, ErrNoRule) || !errors.Is(err, auth.ErrBadCredential) {
					t.Errorf("%q of %q: %q, %v, Apache Kafka finds none", set.Rules, full, short, err)
				}
			case err != nil || short != *want:
				t.Errorf("%q of %q: %q, %v, want %q", set.Rules, full, short, err, *want)
			}
		}
	}
	if names < 400 {
		t.Errorf("only %d names in the table", names)
	}
}

// TestAmbiguousNamesAreNobodys: where Java's patterns and Go's differ, nobody gets in by the difference.
func TestAmbiguousNamesAreNobodys(t *testing.T) {
	rules, err := ParseRules(realm, []string{"RULE:[1:$1](.*)", "DEFAULT"})
	if err != nil {
		t.Fatal(err)
	}
	for _, full := range []string{"al\nice@" + realm, "al\u2028ice@" + realm, "\u212aelvin@" + realm} {
		if short, err := rules.ShortName(full); !errors.Is(err, ErrNoRule) {
			t.Errorf("%q is %q, %v", full, short, err)
		}
	}
	if _, err := ParseRules(realm, []string{"RULE:[1:$1]s/a/" + strings.Repeat("b", maxRulesBytes) + "/"}); !errors.Is(err, ErrBadConfig) {
		t.Errorf("rules without a bound: %v", err)
	}
}
