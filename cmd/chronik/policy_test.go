package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPolicyCommands(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("p.rego", "package kafka.authz\nallow { input.host == \"10.0.0.1\" }\nreason = \"not from there\" { not allow }")
	write("p_test.rego", "package kafka.authz\ntest_home { allow with input.host as \"10.0.0.1\" }")
	home, away, bad := write("home.json", `{"host": "10.0.0.1"}`), write("away.json", `{"host": "10.0.0.2"}`), write("bad.json", "{")
	for name, c := range map[string]struct {
		args []string
		code int
		want string
	}{
		"test":      {[]string{"test", "--dir", dir}, 0, "data.kafka.authz.test_home ok"},
		"test DIR":  {[]string{"test", dir}, 0, "data.kafka.authz.test_home ok"},
		"eval DIR":  {[]string{"eval", dir, "--input", home}, 0, "allowed"},
		"twice":     {[]string{"eval", dir, "--dir", dir, "--input", home}, exitUndecided, ""},
		"allowed":   {[]string{"eval", "--dir", dir, "--input", home}, 0, "allowed"},
		"denied":    {[]string{"eval", "--dir", dir, "--input", away}, exitDenied, "denied: not from there"},
		"explained": {[]string{"explain", "--dir", dir, "--input", away}, exitDenied, "Fail input.host"},
		"no JSON":   {[]string{"eval", "--dir", dir, "--input", bad}, exitUndecided, ""},
		"no input":  {[]string{"eval", "--dir", dir, "--input", dir + "/none"}, exitUndecided, ""},
		"no policy": {[]string{"eval", "--input", home}, exitUndecided, ""},
		"no key":    {[]string{"eval", "--bundle", home, "--input", home}, exitUndecided, ""},
	} {
		var out bytes.Buffer
		cmd := newPolicy()
		cmd.SetArgs(c.args)
		cmd.SetOut(&out)
		cmd.SetErr(&out)
		cmd.SilenceUsage, cmd.SilenceErrors = true, true
		err := cmd.ExecuteContext(context.Background())
		code := 0
		if exit := (*exitError)(nil); errors.As(err, &exit) {
			code = exit.code
		} else if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if code != c.code || !strings.Contains(out.String(), c.want) {
			t.Errorf("%s: exit code %d, %v: %s", name, code, err, out.String())
		}
	}
	write("q_test.rego", "package kafka.authz\ntest_away { allow with input.host as \"10.0.0.2\" }")
	cmd := newPolicy()
	cmd.SetArgs([]string{"test", "--dir", dir})
	cmd.SetOut(&bytes.Buffer{})
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	if err := cmd.ExecuteContext(context.Background()); !errors.Is(err, errTestsFailed) {
		t.Errorf("a test that fails: %v", err)
	}
}

func TestPolicyDigest(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	digest := func(args ...string) (string, error) {
		return runCommand(t, "", append([]string{"policy", "digest"}, args...)...)
	}
	write("p.rego", "package kafka.authz\nallow {") // it is not right
	var packed bytes.Buffer
	if err := gzip.NewWriter(&packed).Close(); err != nil {
		t.Fatal(err)
	}
	write("b.tar.gz", packed.String())
	first, err := digest(dir)
	if err != nil || len(first) != 65 {
		t.Fatalf("%q, %v", first, err)
	}
	write("other.txt", "")
	if again, err := digest(dir + "/"); err != nil || again != first {
		t.Errorf("%q, %v", again, err)
	}
	write("p.rego", "package kafka.authz\nallow { true }")
	if changed, err := digest(dir); err != nil || changed == first {
		t.Errorf("%q, %v", changed, err)
	}
	if bundle, err := digest(filepath.Join(dir, "b.tar.gz")); err != nil || bundle != fmt.Sprintf("%x\n", sha256.Sum256(packed.Bytes())) {
		t.Errorf("%q, %v", bundle, err)
	}
	if one, err := digest(filepath.Join(dir, "p.rego")); err == nil || one != "" || !strings.Contains(err.Error(), "neither a directory nor a bundle") {
		t.Errorf("a module alone has the digest %q, %v", one, err)
	}
	if _, err := digest(filepath.Join(dir, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

// TestWrongPoliciesAreNotRequired: no broker is asked.
func TestWrongPoliciesAreNotRequired(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "p.rego"), []byte("package kafka.authz\nallow {"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := runCommand(t, "", "policy", "require", dir)
	if err == nil || !strings.Contains(err.Error(), "no broker would") || !strings.Contains(err.Error(), "p.rego") {
		t.Errorf("%v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "p.rego"), []byte("package kafka.authz\nallow { true }"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := runCommand(t, "", "policy", "require", dir); !errors.Is(err, errNoBroker) {
		t.Errorf("%v", err)
	}
}
