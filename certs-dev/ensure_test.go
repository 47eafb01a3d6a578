package certsdev

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestEnsureMakesWhatVerifies(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "dev")
	paths := ensure(t, dir, Options{Hosts: []string{"broker.example", "192.0.2.7"}})
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(read(t, paths.CA)) {
		t.Fatal("no certificate in ca.pem")
	}
	server := load(t, paths.ServerChain, paths.ServerKey)
	hosts := []string{"localhost", "127.0.0.1", "::1", "broker.example", "192.0.2.7"}
	if name, err := os.Hostname(); err == nil && net.ParseIP(name) == nil {
		hosts = append(hosts, name)
	}
	for _, host := range hosts {
		if _, err := server.Verify(x509.VerifyOptions{Roots: roots, DNSName: host}); err != nil {
			t.Errorf("server certificate for %s: %v", host, err)
		}
	}
	client := load(t, paths.ClientChain, paths.ClientKey)
	usages := []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	if _, err := client.Verify(x509.VerifyOptions{Roots: roots, KeyUsages: usages}); err != nil {
		t.Errorf("client certificate: %v", err)
	}
	if client.Subject.String() != "CN=chronik-client" {
		t.Errorf("client is %s", client.Subject)
	}
	if _, err := server.Verify(x509.VerifyOptions{Roots: roots, KeyUsages: usages}); err == nil {
		t.Error("the server certificate passes for a client's")
	}
}

func TestKeysAreTheirOwnersAlone(t *testing.T) {
	dir := t.TempDir()
	paths := ensure(t, dir, Options{})
	for _, path := range []string{filepath.Join(dir, "ca.key"), paths.ServerKey, paths.ClientKey, paths.ClientKeyStore} {
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
}

// TestKeyStoreIsAsJavaWantsIt: a PKCS#8 key, then the chain, in one file.
func TestKeyStoreIsAsJavaWantsIt(t *testing.T) {
	paths := ensure(t, t.TempDir(), Options{ClientName: "somebody"})
	var types []string
	text := read(t, paths.ClientKeyStore)
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		types = append(types, block.Type)
	}
	if diff := cmp.Diff([]string{"PRIVATE KEY", "CERTIFICATE", "CERTIFICATE"}, types); diff != "" {
		t.Error(diff)
	}
	if leaf := load(t, paths.ClientKeyStore, paths.ClientKeyStore); leaf.Subject.CommonName != "somebody" {
		t.Errorf("client is %s", leaf.Subject)
	}
}

func TestEnsureKeepsWhatIsGood(t *testing.T) {
	dir := t.TempDir()
	ensure(t, dir, Options{})
	before := content(t, dir)
	ensure(t, dir, Options{})
	if diff := cmp.Diff(before, content(t, dir)); diff != "" {
		t.Errorf("the second time changed: %s", diff)
	}
	if len(before) != 8 {
		t.Errorf("%d files, want 8", len(before))
	}
}

// TestEnsureRenews says for each kind of trouble which files are made anew.
func TestEnsureRenews(t *testing.T) {
	authority := []string{"ca.key", "ca.pem"}
	server := []string{"server.key", "server.keystore.pem", "server.pem"}
	client := []string{"client.key", "client.keystore.pem", "client.pem"}
	leaves := append(append([]string{}, client...), server...)
	later := func(d time.Duration) Options {
		return Options{Clock: func() time.Time { return time.Now().Add(d) }}
	}
	for _, c := range []struct {
		name    string
		trouble func(dir string) error
		opts    Options
		want    []string
	}{
		{"leaves near their end", nil, later(leafLife - renewBefore + time.Hour), leaves},
		{"leaves expired", nil, later(leafLife + time.Hour), leaves},
		{"authority near its end", nil, later(authorityLife - renewBefore + time.Hour), append(append([]string{}, authority...), leaves...)},
		{"a clock that went back", nil, later(-48 * time.Hour), append(append([]string{}, authority...), leaves...)},
		{"another host", nil, Options{Hosts: []string{"new.example"}}, server},
		{"another client", nil, Options{ClientName: "new"}, client},
		{"server key gone", remove("server.key"), Options{}, server},
		{"server certificate damaged", overwrite("server.pem"), Options{}, server},
		{"client key damaged", overwrite("client.key"), Options{}, client},
		{"key store damaged", overwrite("client.keystore.pem"), Options{}, []string{"client.keystore.pem"}},
		{"authority's key gone", remove("ca.key"), Options{}, append(append([]string{}, authority...), leaves...)},
		{"another authority", swapAuthority(t), Options{}, leaves},
	} {
		dir := t.TempDir()
		ensure(t, dir, Options{})
		if c.trouble != nil {
			if err := c.trouble(dir); err != nil {
				t.Fatal(err)
			}
		}
		before := content(t, dir)
		ensure(t, dir, c.opts)
		want := map[string]bool{}
		for _, name := range c.want {
			want[name] = true
		}
		for name, now := range content(t, dir) {
			if changed := !bytes.Equal(before[name], now); changed != want[name] {
				t.Errorf("%s: %s changed: %t, want %t", c.name, name, changed, want[name])
			}
		}
	}
}

func TestEnsureReportsWhatItCannotDo(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if paths, err := Ensure(file, Options{}); err == nil {
		t.Errorf("a file for a directory: %v", paths)
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "ca.pem"), 0o700); err != nil {
		t.Fatal(err)
	}
	if paths, err := Ensure(dir, Options{}); err == nil {
		t.Errorf("a directory for a file: %v", paths)
	}
}

func ensure(t *testing.T, dir string, opts Options) *Paths {
	t.Helper()
	paths, err := Ensure(dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

func load(t *testing.T, chain, key string) *x509.Certificate {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(chain, key)
	if err != nil {
		t.Fatal(err)
	}
	return pair.Leaf
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func content(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, entry := range entries {
		files[entry.Name()] = read(t, filepath.Join(dir, entry.Name()))
	}
	return files
}

func remove(name string) func(string) error {
	return func(dir string) error { return os.Remove(filepath.Join(dir, name)) }
}

func overwrite(name string) func(string) error {
	return func(dir string) error {
		return os.WriteFile(filepath.Join(dir, name), []byte("damaged"), 0o600)
	}
}

func swapAuthority(t *testing.T) func(string) error {
	t.Helper()
	other := t.TempDir()
	ensure(t, other, Options{})
	return func(dir string) error {
		for _, name := range []string{"ca.key", "ca.pem"} {
			if err := os.WriteFile(filepath.Join(dir, name), read(t, filepath.Join(other, name)), 0o600); err != nil {
				return err
			}
		}
		return nil
	}
}
