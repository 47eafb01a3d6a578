package harness

import (
	"os"
	"path/filepath"
	"testing"
)

// Root is the repository's directory.
func Root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Fatal("no go.mod above the test's directory")
		}
		dir = parent
	}
}

// Binary is the built broker; it fails the test where `make build` has not run.
func Binary(t testing.TB) string {
	t.Helper()
	return built(t, "chronik", "make build")
}

// FIPSBinary is the broker with Go's FIPS 140-3 module; it fails the test where `make build-fips` has not run.
func FIPSBinary(t testing.TB) string {
	t.Helper()
	return built(t, "chronik-fips", "make build-fips")
}

func built(t testing.TB, name, how string) string {
	t.Helper()
	path := filepath.Join(Root(t), "bin", name)
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("no broker to test: %v (run `%s`)", err, how)
	}
	return path
}
