package house

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/chronik-stream/chronik"

type goPackage struct {
	ImportPath string
	Imports    []string
	Doc        string
	GoFiles    []string
	Dir        string
}

// layers is the house: a package imports only packages of lower layers. A package that is not here fails the test.
var layers = map[string]int{
	"auth": 0, "tls": 0, "broker/config": 0, "broker/wire": 0, "broker/record": 0, "broker/vfs": 0, "broker/limit": 0,
	"broker/evict": 0, "auth/javapattern": 0, "auth/operatorfile": 0, "policies": 0,

	"authz": 1, "auth/scram": 1, "auth/plain": 1, "auth/mtls": 1, "auth/gssapi": 1, "auth/oauth": 1, "auth/ldap": 1, "broker/journal": 1,
	"auth/guard": 1, "auth/password": 1,

	"auth/token": 2, "authz/acl": 2, "authz/explain": 2, "authz/rego": 2, "audit": 2, "broker/api": 2, "broker/storage": 2, "broker/meta": 2,
	"broker/group/assign": 2, "broker/group/consumerlog": 2, "broker/group/embedded": 2, "broker/coordinator": 2,

	"broker/replica": 3, "broker/controller": 3, "broker/quorum": 3, "broker/group": 3, "broker/txn": 3, "broker/fetchsession": 3,
	"broker/server": 3, "broker/httpd": 3, "broker/quota": 3, "authz/plan": 3, "audit/replay": 3, "audit/suggest": 3,

	"broker/handler": 4, "broker/shard": 4, "broker/adopt": 4, "broker/doctor": 4,

	"broker": 5, "certs-dev": 5,

	"cmd/chronik": 6, "test/history": 6,

	"test/harness": 7, "test/house": 7, "test/interop": 7, "test/simulation": 7,
}

// outside are packages that never import broker/: what they need comes in by small interfaces.
var outside = []string{"auth", "authz", "tls", "audit", "policies"}

// forbidden are imports that a layer alone does not rule out.
var forbidden = map[string][]string{
	"broker/server":  {"broker/meta", "broker/storage", "broker/replica", "broker/group"},
	"broker/handler": {"broker/server", "broker/storage"},
	"broker/group":   {"broker/server"},
	"broker/txn":     {"broker/server", "broker/storage", "broker/replica", "broker/meta"},
	"broker/storage": {"auth", "authz"},
	"auth":           {"audit"},
	"authz":          {"audit"},
}

func TestImportsGoDown(t *testing.T) {
	for _, p := range packages(t) {
		name := short(p.ImportPath)
		layer, known := layers[name]
		if !known {
			t.Errorf("package %s is not in the table of layers", name)
			continue
		}
		for _, imported := range p.Imports {
			if !strings.HasPrefix(imported, module) {
				continue
			}
			checkImport(t, name, layer, short(imported))
		}
	}
}

func checkImport(t *testing.T, name string, layer int, imported string) {
	t.Helper()
	if below, known := layers[imported]; known && below >= layer {
		t.Errorf("%s (layer %d) imports %s (layer %d)", name, layer, imported, below)
	}
	if slices.ContainsFunc(outside, func(o string) bool { return within(name, o) }) && within(imported, "broker") {
		t.Errorf("%s imports %s", name, imported)
	}
	for holder, banned := range forbidden {
		if within(name, holder) && slices.ContainsFunc(banned, func(b string) bool { return within(imported, b) }) {
			t.Errorf("%s imports %s", name, imported)
		}
	}
}

func TestLibrariesStayInTheirRoom(t *testing.T) {
	rooms := map[string][]string{
		"crypto/tls":                                 {"tls"},
		"golang.org/x/crypto/ocsp":                   {"tls"},
		"github.com/hashicorp/raft":                  {"broker/quorum"},
		"github.com/xdg-go/scram":                    {"auth/scram"},
		"github.com/jcmturner/gokrb5/v8/messages":    {"auth/gssapi"},
		"github.com/jcmturner/gokrb5/v8/keytab":      {"auth/gssapi"},
		"github.com/jcmturner/gokrb5/v8/crypto":      {"auth/gssapi"},
		"github.com/spf13/cobra":                     {"cmd/chronik"},
		"github.com/go-ldap/ldap/v3":                 {"auth/ldap"},
		"github.com/go-jose/go-jose/v4":              {"auth/oauth"},
		"github.com/magiconair/properties":           {"broker/config", "auth/plain"},
		"github.com/klauspost/compress/zstd":         {"broker/record"},
		"github.com/maypok86/otter/v2":               {"broker/evict"},
		"github.com/open-policy-agent/opa/v1/rego":   {"authz/rego"},
		"github.com/open-policy-agent/opa/v1/ast":    {"authz/rego"},
		"go.yaml.in/yaml/v3":                         {"authz/plan"},
		"software.sslmate.com/src/go-pkcs12":         {"tls"},
		"github.com/pavlo-v-chernykh/keystore-go/v4": {"tls"},
	}
	for _, p := range packages(t) {
		name := short(p.ImportPath)
		if within(name, "test") {
			continue
		}
		for _, imported := range p.Imports {
			if allowed, ruled := rooms[imported]; ruled && !slices.Contains(allowed, name) {
				t.Errorf("%s imports %s, which belongs to %v", name, imported, allowed)
			}
		}
	}
}

// TestNothingOutsideFIPS: no package of ours uses, by itself, what FIPS 140-3 does not have and Go does not refuse.
func TestNothingOutsideFIPS(t *testing.T) {
	banned := []string{
		"golang.org/x/crypto/argon2", "golang.org/x/crypto/scrypt", "golang.org/x/crypto/bcrypt", "golang.org/x/crypto/chacha20poly1305",
		"golang.org/x/crypto/md4", "golang.org/x/crypto/curve25519", "crypto/md5", "crypto/sha1", "crypto/rc4", "crypto/des",
	}
	for _, p := range packages(t) {
		for _, imported := range p.Imports {
			if slices.Contains(banned, imported) && !within(short(p.ImportPath), "test") {
				t.Errorf("%s imports %s, which FIPS 140-3 does not have: refuse it there before it is used", short(p.ImportPath), imported)
			}
		}
	}
}

func TestEveryPackageSaysItsJob(t *testing.T) {
	for _, p := range packages(t) {
		if len(p.GoFiles) > 0 && p.Doc == "" {
			t.Errorf("package %s has no package comment", short(p.ImportPath))
		}
	}
}

func short(path string) string { return strings.TrimPrefix(strings.TrimPrefix(path, module), "/") }

func within(name, dir string) bool { return name == dir || strings.HasPrefix(name, dir+"/") }

func packages(t *testing.T) []goPackage {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports,Doc,GoFiles,Dir", module+"/...")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []goPackage
	decoder := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p goPackage
		err := decoder.Decode(&p)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatalf("go list: %v", err)
		}
		all = append(all, p)
	}
}
