package scram

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// javaKeys are what Apache Kafka 4.3.1's ScramFormatter derives with the salt "W22ZaJ0SNY7soEsUEjb6gQ" and 4096 iterations.
// The last two passwords are ones that SASLprep would change.
var javaKeys = []struct {
	hash                               Hash
	password, salted, stored, serverOf string
}{
	{SHA256, "pencil", "xy5t3MoilZOTyMXcFL993bR/V+iwWQ5yfMWMZuMGevA=", "s2W9RUvVA6DVTdc8P12vkftsWh2nitRmPZ7hs6Ol04U=", "uhS35yJtn6qX1zIK6qqxpccpDzKs1rtZgc49JWODj7Q="},
	{SHA256, "p\u00e4ssw\u00f6rd", "nfWFibxsNVMY+sbgg+Yc5onBHcuj3YTbm0WLaES/MwU=", "baWO7ygp3eJsgemD3xBUfabfD7UIdrqooNsRDRvy/AI=", "9XHMJuBZZ4w2wG0L0EZQ5MktNvnT9MP5dO2fuMRzfJo="},
	{SHA256, "\u2168", "NEfKAIX116hBv8ueWiZtNLnFHQ2c+Kasfdi0jobsoWs=", "zl7ddUm+pVYvHvuezzD6pMZEOdhD7/V6d4wwBXG96jk=", "FazSE2n/M6eM+yF3KCJ5nbEhXWcL0gcsN3mSkoCBwos="},
	{SHA512, "pencil", "1FyaVA7+kRXfflGbhvuZIX/fw4bwIGrmyD5UA8sgwcjV0vHPSy5MzEf/roJaKZpC0RC0p+3J/07mKRfdJN4CuQ==", "RGj2r3D8b+wbwGs38TcuBoIRqqh22dYzxlSzRhJey4/Qz1/GlECT5JVB7w4rKshDD94P9f/ENSiFvyy0GUBTZw==", "De8/86MG5OsKFICFD3U0zdrKnuUbU03zd0V0EcWj2mJL8pPGIkr2EWOFlKkfl6gzUKxJwS52onvZ8hcpGWw5WQ=="},
	{SHA512, "\u1fbfI\u00adX", "UIXpM/nyNNb7kE75Jf809h++QBrMMxy4CbdmbuTD1ongYR7Z9vf+8eJgS7nca/ZG54w444L/9gXpmlMkyLp79w==", "ytS9QAV3PKzdwFLglzD6zfpskhwMCLE/Ly/0lc+467yFAyCJU8mQ/48DcHwrErfZ2dGNpjkgP8dmyUOKZSLo3g==", "tYrqFdtTiHyDY+v7eERQHAYsXjA5dBDgCFipKruDc4zTE5TcsxNh/8d/CcFcmMyHxEADsNfy4IQJkhZ3WztfhA=="},
}

func TestKeysAgreeWithJava(t *testing.T) {
	salt := []byte("W22ZaJ0SNY7soEsUEjb6gQ")
	for _, v := range javaKeys {
		want := Credential{Hash: v.hash, Salt: salt, Iterations: 4096, StoredKey: unbase64(t, v.stored), ServerKey: unbase64(t, v.serverOf)}
		got, err := Derive(v.password, salt, 4096, v.hash)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s %q: %s", v.hash, v.password, diff)
		}
		got, err = FromSaltedPassword(unbase64(t, v.salted), salt, 4096, v.hash)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s %q salted: %v %s", v.hash, v.password, err, diff)
		}
	}
}

func TestDeriveRefuses(t *testing.T) {
	salt := []byte("a salt of 16 bytes or more")
	for name, derive := range map[string]func() (Credential, error){
		"few iterations":   func() (Credential, error) { return Derive("p", salt, MinIterations-1, SHA256) },
		"many iterations":  func() (Credential, error) { return Derive("p", salt, MaxIterations+1, SHA256) },
		"empty password":   func() (Credential, error) { return Derive("", salt, MinIterations, SHA256) },
		"long password":    func() (Credential, error) { return Derive(strings.Repeat("p", 1025), salt, MinIterations, SHA256) },
		"no salt":          func() (Credential, error) { return Derive("p", nil, MinIterations, SHA256) },
		"no hash":          func() (Credential, error) { return Derive("p", salt, MinIterations, 0) },
		"short salted":     func() (Credential, error) { return FromSaltedPassword(make([]byte, 20), salt, MinIterations, SHA256) },
		"salted of 0 hash": func() (Credential, error) { return FromSaltedPassword(nil, salt, MinIterations, 0) },
	} {
		if _, err := derive(); !errors.Is(err, ErrBadCredential) {
			t.Errorf("%s: %v, want ErrBadCredential", name, err)
		}
	}
}

func TestNewSaltHasTheToolsForm(t *testing.T) {
	seen := map[string]bool{}
	for range 100 {
		salt := string(NewSalt())
		if len(salt) > 26 || strings.Trim(salt, "0123456789abcdefghijklmnopqrstuvwxyz") != "" {
			t.Fatalf("salt %q is not a number of 130 bits in base 36", salt)
		}
		seen[salt] = true
	}
	if len(seen) != 100 {
		t.Errorf("%d different salts of 100", len(seen))
	}
}

func TestParseUserSpec(t *testing.T) {
	spec, err := ParseUserSpec(` SCRAM-SHA-512=[name=admin, password="ad=min secret",iterations=8192,salt=YSBzYWx0IG9mIDE2IGJ5dGVzIG9yIG1vcmU=] `)
	if err != nil {
		t.Fatal(err)
	}
	want := UserSpec{Hash: SHA512, Name: "admin", Password: "ad=min secret", Iterations: 8192, Salt: []byte("a salt of 16 bytes or more")}
	if diff := cmp.Diff(want, spec); diff != "" {
		t.Error(diff)
	}
	got, err := spec.Credential()
	if err != nil {
		t.Fatal(err)
	}
	direct, err := Derive("ad=min secret", []byte("a salt of 16 bytes or more"), 8192, SHA512)
	if diff := cmp.Diff(direct, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
}

func TestParseUserSpecRefuses(t *testing.T) {
	for _, s := range []string{
		"", "SCRAM-SHA-256", "SCRAM-SHA-1=[name=a,password=geheim]", "SCRAM-SHA-256=name=a,password=geheim",
		"SCRAM-SHA-256=[name=a,password=geheim", "SCRAM-SHA-256=[password=geheim]", "SCRAM-SHA-256=[name=a,password=geheim,foo=geheim]",
		"SCRAM-SHA-256=[name=a,geheim]", "SCRAM-SHA-256=[name=a,iterations=geheim]", "SCRAM-SHA-256=[name=a,salt=geheim!]",
		"SCRAM-SHA-256=[name=a,name=b,password=geheim]", "SCRAM-SHA-256=[name=a,password=geheim,saltedpassword=YWJj,salt=YWJj]",
		"SCRAM-SHA-256=[name=a,saltedpassword=YWJj]", "SCRAM-SHA-256=[name=a,password=geheim,geheim=1]",
	} {
		_, err := ParseUserSpec(s)
		if !errors.Is(err, ErrBadUserSpec) {
			t.Errorf("%q: %v, want ErrBadUserSpec", s, err)
			continue
		}
		if strings.Contains(err.Error(), "geheim") {
			t.Errorf("%q: the error repeats a value: %v", s, err)
		}
	}
}

func TestUserSpecWithoutPasswordHasNoCredential(t *testing.T) {
	spec, err := ParseUserSpec("SCRAM-SHA-256=[name=a]")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := spec.Credential(); !errors.Is(err, ErrBadUserSpec) {
		t.Errorf("%v, want ErrBadUserSpec", err)
	}
	spec.Password = "from a file"
	if c, err := spec.Credential(); err != nil || c.Iterations != DefaultIterations || len(c.Salt) == 0 {
		t.Errorf("%+v, %v", c, err)
	}
}

func unbase64(t *testing.T, s string) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
