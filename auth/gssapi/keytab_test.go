package gssapi

import (
	"bytes"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jcmturner/gokrb5/v8/messages"
)

// TestKeytabThatWillNotDo: the error at the start says what is missing.
func TestKeytabThatWillNotDo(t *testing.T) {
	good := writeKeytab(t, entry{service, 2, 18})
	for name, test := range map[string]struct {
		change func(*Config)
		want   []string
	}{
		"none":            {func(c *Config) { c.Keytab = "" }, []string{"chronik.sasl.gssapi.keytab", "Krb5LoginModule"}},
		"no service":      {func(c *Config) { c.Service = "" }, []string{"sasl.kerberos.service.name"}},
		"two services":    {func(c *Config) { c.Principal = "broker/localhost" }, []string{"broker/localhost", "sasl.kerberos.service.name"}},
		"other principal": {func(c *Config) { c.Principal = "kafka/elsewhere" }, []string{good, "kafka/elsewhere@" + realm, `"kafka/localhost@` + realm + `" (encryption type 18)`}},
		"other realm":     {func(c *Config) { c.Principal = service + "@OTHER" }, []string{service + "@OTHER"}},
		"other service":   {func(c *Config) { c.Service = "HTTP" }, []string{"HTTP/...", service}},
		"RC4 alone":       {func(c *Config) { c.Keytab = writeKeytab(t, entry{service, 2, 23}) }, []string{"encryption type that is accepted", "(encryption type 23)"}},
		"SHA-1 alone":     {func(c *Config) { c.SHA2Only = true }, []string{"encryption type that is accepted"}},
		"empty":           {func(c *Config) { c.Keytab = writeKeytab(t) }, []string{"keytab"}},
		"skew":            {func(c *Config) { c.Skew = 2 * maxSkew }, []string{"skew"}},
		"rules":           {func(c *Config) { c.Rules = []string{"RULE"} }, []string{"sasl.kerberos.principal.to.local.rules"}},
	} {
		cfg := Config{Keytab: good, Service: "kafka", DefaultRealm: realm, Logger: slog.New(slog.DiscardHandler)}
		test.change(&cfg)
		_, err := New(cfg)
		if !errors.Is(err, ErrBadConfig) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, want := range test.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: no %q in %v", name, want, err)
			}
		}
	}
	if _, err := New(Config{Keytab: good + ".missing", Service: "kafka"}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
}

// TestNoKeyInAnError: whatever is wrong with a keytab, its keys stay in it.
func TestNoKeyInAnError(t *testing.T) {
	raw := keytabBytes(t, secret, everyEnctype(service)...)
	ring, err := parseKeytab("k", raw, wanted{service: "kafka"})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "k")
	for n := range raw {
		for _, damaged := range [][]byte{raw[:n], append(bytes.Clone(raw[:n]), 0x7f, 0xff, 0xff, 0xff), flipped(raw, n)} {
			if err := os.WriteFile(path, damaged, 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := New(Config{Keytab: path, Service: "kafka", Principal: "kafka/nobody@X"})
			if err == nil {
				t.Fatalf("octet %d: a name that is not there was found", n)
			}
			for _, k := range ring.keys {
				if strings.Contains(err.Error(), string(k.key.KeyValue[:8])) {
					t.Fatalf("octet %d: a key in the error", n)
				}
			}
		}
	}
}

func flipped(raw []byte, n int) []byte {
	out := bytes.Clone(raw)
	out[n] ^= 0xff
	return out
}

// TestKeytabIsReadAgain: a new key serves when the file has it; a file that will not do leaves what was there.
func TestKeytabIsReadAgain(t *testing.T) {
	var log bytes.Buffer
	path := writeKeytab(t, entry{service, 2, 18})
	m := newMechanism(t, func(c *Config) {
		c.Keytab, c.Principal, c.Logger = path, service, slog.New(slog.NewTextHandler(&log, nil))
	})
	logIn := func(kvno int) error {
		c := client{enctype: 18, flags: flagsOfFranz, ticket: func(t *messages.Ticket) { t.EncPart.KVNO = kvno }}
		_, err := c.logIn(t, m)
		return err
	}
	replace := func(raw []byte) {
		t.Helper()
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		m.acceptor.keys.look()
	}
	if err := logIn(3); !errors.Is(err, ErrNoKey) {
		t.Errorf("a key that is not there yet: %v", err)
	}
	both := keytabBytes(t, secret, entry{service, 2, 18}, entry{service, 3, 18})
	for _, bad := range [][]byte{nil, both[:len(both)/4], keytabBytes(t, secret, entry{"kafka/elsewhere", 3, 18})} {
		replace(bad)
		if err := logIn(2); err != nil {
			t.Errorf("with a file that will not do: %v", err)
		}
	}
	replace(both)
	for _, kvno := range []int{2, 3} {
		if err := logIn(kvno); err != nil {
			t.Errorf("key %d: %v", kvno, err)
		}
	}
	replace(keytabBytes(t, secret, entry{service, 3, 18}))
	if err := logIn(2); !errors.Is(err, ErrNoKey) {
		t.Errorf("a key that is gone: %v", err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	m.acceptor.keys.look()
	m.acceptor.keys.look()
	if err := logIn(3); err != nil {
		t.Errorf("without a file: %v", err)
	}
	if stats, want := m.KeytabStats(), (KeytabStats{Keys: 1, Read: noon, Reloads: 2, Failures: 5}); stats != want {
		t.Errorf("%+v, want %+v", stats, want)
	}
	if n := strings.Count(log.String(), "can not be used"); n != 3 {
		t.Errorf("%d failures in the log, want one of each text:\n%s", n, log.String())
	}
}

// TestKeyThatHasJustCome: a ticket for it is taken at once.
func TestKeyThatHasJustCome(t *testing.T) {
	path := writeKeytab(t, entry{service, 2, 18})
	now := noon
	never := newMechanism(t, func(c *Config) { c.Keytab, c.ReloadInterval = path, -1 })
	m := newMechanism(t, func(c *Config) { c.Keytab, c.Clock = path, func() time.Time { return now } })
	logIn := func(m *Mechanism) error {
		c := client{enctype: 18, flags: flagsOfFranz, ticket: func(t *messages.Ticket) { t.EncPart.KVNO = 3 }}
		_, err := c.logIn(t, m)
		return err
	}
	if err := os.WriteFile(path, keytabBytes(t, secret, entry{service, 2, 18}, entry{service, 3, 18}), 0o600); err != nil {
		t.Fatal(err)
	}
	now = now.Add(1)
	if err := logIn(m); err != nil {
		t.Errorf("a moment after the last look: %v", err)
	}
	if err := logIn(never); !errors.Is(err, ErrNoKey) {
		t.Errorf("where the file is never looked at again: %v", err)
	}
}
