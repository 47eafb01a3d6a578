package oauth

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// entry is a key's members, changed.
func entry(t *testing.T, k signingKey, changes map[string]any) string {
	t.Helper()
	members := map[string]any{}
	if err := json.Unmarshal([]byte(toJSON(t, k.entry)), &members); err != nil {
		t.Fatal(err)
	}
	for name, v := range changes {
		if members[name] = v; v == nil {
			delete(members, name)
		}
	}
	return toJSON(t, members)
}

func TestKeysSayWhatTheyAreFor(t *testing.T) {
	rsaKey, ecKey := newSigningKey(t, "r", jose.RS256), newSigningKey(t, "e", jose.ES256)
	small := `{"kty":"RSA","kid":"s","n":"` + strings.Repeat("w", 171) + `","e":"AQAB"}`
	for name, test := range map[string]struct {
		key  string
		good bool
	}{
		"as it is":               {entry(t, rsaKey, nil), true},
		"no use, no alg":         {entry(t, rsaKey, map[string]any{"use": nil, "alg": nil}), true},
		"another RSA algorithm":  {entry(t, rsaKey, map[string]any{"alg": "PS512"}), true},
		"key_ops verify":         {entry(t, rsaKey, map[string]any{"key_ops": []string{"verify"}}), true},
		"certificates":           {entry(t, ecKey, map[string]any{"x5c": []string{"AA=="}, "x5t": "AA", "x5u": "https://evil.example/"}), true},
		"unknown members":        {entry(t, ecKey, map[string]any{"x-more": 1}), true},
		"for encryption":         {entry(t, rsaKey, map[string]any{"use": "enc"}), false},
		"key_ops encrypt":        {entry(t, rsaKey, map[string]any{"key_ops": []string{"encrypt"}}), false},
		"alg of encryption":      {entry(t, rsaKey, map[string]any{"alg": "RSA-OAEP"}), false},
		"alg none":               {entry(t, rsaKey, map[string]any{"alg": "none"}), false},
		"RSA for HS256":          {entry(t, rsaKey, map[string]any{"alg": "HS256"}), false},
		"EC for RS256":           {entry(t, ecKey, map[string]any{"alg": "RS256"}), false},
		"curve of another alg":   {entry(t, ecKey, map[string]any{"alg": "ES512"}), false},
		"point not on the curve": {entry(t, ecKey, map[string]any{"y": strings.Repeat("A", 43)}), false},
		"id too long":            {entry(t, ecKey, map[string]any{"kid": strings.Repeat("k", maxKeyID+1)}), false},
		"shared key":             {`{"kty":"oct","kid":"o","alg":"HS256","k":"c2VjcmV0"}`, false},
		"private key":            {toJSON(t, jose.JSONWebKey{Key: ecKey.private, KeyID: "p"}), false},
		"small RSA":              {small, false},
		"unknown type":           {`{"kty":"??","kid":"u"}`, false},
		"not an object":          {`7`, false},
		"a member twice":         {`{"kty":"oct",` + entry(t, rsaKey, nil)[1:], false},
	} {
		set, err := parseKeySet([]byte(`{"keys":[` + test.key + `]}`))
		if good := err == nil && len(set.keys) == 1; good != test.good || !good && !errors.Is(err, ErrBadKeySet) {
			t.Errorf("%s: %v", name, err)
		}
		beside, err := parseKeySet([]byte(`{"keys":[` + entry(t, ecKey, map[string]any{"kid": "beside"}) + "," + test.key + `]}`))
		if err != nil || len(beside.keys)+beside.unusable != 2 || (beside.unusable == 0) != test.good {
			t.Errorf("%s: it takes the key beside it along: %+v, %v", name, beside, err)
		}
	}
}

func TestBadKeySets(t *testing.T) {
	key := entry(t, newSigningKey(t, "e", jose.ES256), nil)
	for name, text := range map[string]string{
		"nothing": "", "no JSON": "<html>", "no keys": `{"keys":[]}`, "no member keys": `{}`, "no list": `{"keys":{}}`, "null": "null",
		"keys twice": `{"keys":[],"keys":[` + key + `]}`, "something behind": `{"keys":[` + key + `]} x`,
		"too many":  `{"keys":[` + strings.Repeat(key+",", maxKeys) + key + `]}`,
		"too large": `{"keys":[` + key + `]}` + strings.Repeat(" ", maxKeySetBytes),
	} {
		if _, err := parseKeySet([]byte(text)); !errors.Is(err, ErrBadKeySet) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTheRightKeyIsFound(t *testing.T) {
	parse := func(keys ...string) *keySet {
		set, err := parseKeySet([]byte(`{"keys":[` + strings.Join(keys, ",") + `]}`))
		if err != nil {
			t.Fatal(err)
		}
		return set
	}
	a, b := newSigningKey(t, "a", jose.ES256), newSigningKey(t, "b", jose.ES256)
	r := entry(t, newSigningKey(t, "a", jose.RS256), map[string]any{"alg": nil})
	both := parse(entry(t, a, nil), entry(t, b, nil), r)
	twins := parse(entry(t, a, nil), entry(t, b, map[string]any{"kid": "a"}))
	for i, test := range []struct {
		set       *keySet
		id        string
		algorithm jose.SignatureAlgorithm
		want      error
	}{
		{both, "a", jose.ES256, nil},
		{both, "b", jose.ES256, nil},
		{both, "a", jose.PS384, nil},
		{both, "", jose.RS256, nil},
		{both, "b", jose.RS256, errNotThatKey},
		{both, "a", jose.ES384, errNotThatKey},
		{both, "c", jose.ES256, errUnknownKey},
		{both, "", jose.ES256, errWhichKey},
		{twins, "a", jose.ES256, errWhichKey},
		{both, "A", jose.ES256, errUnknownKey},
	} {
		public, err := test.set.find(test.id, test.algorithm)
		if !errors.Is(err, test.want) || (err == nil) != (public != nil) {
			t.Errorf("%d: %v, want %v", i, err, test.want)
		}
	}
}

func TestEndpoints(t *testing.T) {
	for _, good := range []string{
		"https://issuer.example/keys", "https://[2001:db8::1]:8443/keys?x=1", "file:/etc/keys", "file:///etc/keys", "http://localhost:80/keys",
		"http://127.0.0.1/keys", "http://[::1]/keys",
	} {
		if err := CheckEndpoint(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{
		"", "keys", "/etc/keys", "file:keys", "file://host/etc/keys", "http://issuer.example/keys", "http://10.0.0.1/keys", "http://localhost.example/keys",
		"http://127.0.0.1.example/keys", "https:///keys", "https:keys", "ftp://issuer.example/keys", "https://u:p@issuer.example/keys", "https://a b/",
	} {
		err := CheckEndpoint(bad)
		if !errors.Is(err, ErrBadConfig) {
			t.Errorf("%s: %v", bad, err)
		}
		if strings.Contains(fmt.Sprint(err), "u:p") {
			t.Errorf("the password is told: %v", err)
		}
	}
}

// TestNoKeysNoStart is about CVE-2026-110985, where a validator without an address of keys verified no signature, and
// CVE-2026-33557, where the default validator took any token.
func TestNoKeysNoStart(t *testing.T) {
	good := KeysConfig{URL: "https://issuer.example/keys", Refresh: time.Hour, Backoff: 1, BackoffMax: 1, Transport: (&endpoint{}).config().Transport}
	if _, err := NewKeys(good); err != nil {
		t.Fatal(err)
	}
	empty := filepath.Join(t.TempDir(), "empty.json")
	if err := os.WriteFile(empty, []byte(`{"keys":[]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*KeysConfig){
		"no address":      func(c *KeysConfig) { c.URL = "" },
		"bad address":     func(c *KeysConfig) { c.URL = "http://issuer.example/keys" },
		"no file":         func(c *KeysConfig) { c.URL = "file:/nonexistent/keys" },
		"no key":          func(c *KeysConfig) { c.URL = "file:" + empty },
		"no transport":    func(c *KeysConfig) { c.Transport = nil },
		"no refresh":      func(c *KeysConfig) { c.Refresh = 0 },
		"no pause":        func(c *KeysConfig) { c.Backoff = 0 },
		"pauses reversed": func(c *KeysConfig) { c.Backoff = 2 },
	} {
		cfg := good
		change(&cfg)
		if _, err := NewKeys(cfg); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	keys := fileKeys(t, keySetOf(t, newSigningKey(t, "k", jose.ES256)))
	for name, change := range map[string]func(*Config){
		"no keys":     func(c *Config) { c.Keys = nil },
		"no issuer":   func(c *Config) { c.Issuer = "" },
		"no audience": func(c *Config) { c.Audiences = nil },
		"no subject":  func(c *Config) { c.SubjectClaim = "" },
		"no scope":    func(c *Config) { c.ScopeClaim = "" },
		"no groups":   func(c *Config) { c.GroupsClaim = "" },
		"skew":        func(c *Config) { c.Skew = -1 },
	} {
		cfg := configOf(keys)
		change(&cfg)
		if m, err := New(cfg); !errors.Is(err, ErrBadConfig) || m != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
