package gssapi

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestReadDefaults(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("d/10-realm.conf", "[libdefaults]\ndefault_realm = INCLUDED\n")
	write("d/.hidden.conf", "[libdefaults]\ndefault_realm = HIDDEN\n")
	write("d/backup.conf~", "[libdefaults]\ndefault_realm = BACKUP\n")
	for name, test := range map[string]struct {
		text string
		want Defaults
	}{
		"usual":      {"# c\n[libdefaults]\n  default_realm = TEST.CHRONIK\n clockskew = 60\n[realms]\n X = {\n  kdc = x\n }\n", Defaults{"TEST.CHRONIK", time.Minute}},
		"no skew":    {"[libdefaults]\ndefault_realm=R", Defaults{"R", 5 * time.Minute}},
		"first":      {"[libdefaults]\ndefault_realm = A\ndefault_realm = B\nclockskew = 5m", Defaults{"A", 5 * time.Minute}},
		"elsewhere":  {"[realms]\ndefault_realm = A\n[libdefaults]\nX = {\n default_realm = C\n}\ndefault_realm = \"B\"", Defaults{"B", 5 * time.Minute}},
		"nothing":    {"", Defaults{"", 5 * time.Minute}},
		"brace":      {"[realms]\nX = { kdc = x }\n[libdefaults]\ndefault_realm = B", Defaults{"B", 5 * time.Minute}},
		"directory":  {"includedir " + dir + "/d\n[libdefaults]\nclockskew = 1\n", Defaults{"INCLUDED", time.Second}},
		"file":       {"[libdefaults]\ndefault_realm = OWN\ninclude " + dir + "/d/10-realm.conf\nclockskew = 2", Defaults{"OWN", 2 * time.Second}},
		"semicolons": {"; x\n[libdefaults]\n; default_realm = NO\n", Defaults{"", 5 * time.Minute}},
	} {
		got, err := ReadDefaults(write("krb5.conf", test.text))
		if err != nil || got != test.want {
			t.Errorf("%s: %+v, %v, want %+v", name, got, err, test.want)
		}
	}
	second := write("second.conf", "[libdefaults]\ndefault_realm = SECOND\nclockskew = 7\n")
	if got, err := ReadDefaults(write("first.conf", "[libdefaults]\ndefault_realm = FIRST\n") + ":" + second); err != nil || got != (Defaults{"FIRST", 7 * time.Second}) {
		t.Errorf("a list of files: %+v, %v", got, err)
	}
	for _, text := range []string{"clockskew = 0", "clockskew = -5", "clockskew = soon", "clockskew = 2h", "clockskew = 99999999999999999999"} {
		if got, err := ReadDefaults(write("bad.conf", "[libdefaults]\n"+text)); !errors.Is(err, ErrBadConfig) || !strings.Contains(err.Error(), "clockskew") {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	if _, err := ReadDefaults(filepath.Join(dir, "missing")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
	loop := filepath.Join(dir, "loop.conf")
	if _, err := ReadDefaults(write("loop.conf", "include "+loop)); !errors.Is(err, ErrBadConfig) {
		t.Errorf("a file that includes itself: %v", err)
	}
}
