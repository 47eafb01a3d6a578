//go:build interop

package interop

import (
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/test/harness"
)

// TestADevelopmentDirectoryIsKept kills a broker and starts it again on its directory: certificates, password and client files are
// the same, byte for byte, and the first request is answered well within a second of exec, the log-in included.
func TestADevelopmentDirectoryIsKept(t *testing.T) {
	b := harness.Start(t)
	user, password := b.Admin(t)
	before := filesOf(t, b.Dir)
	for _, name := range []string{"ca.pem", "client.properties", "kcat.conf", "admin.password", "client.pem", "client.key"} {
		if before[name] == "" {
			t.Errorf("no %s among the files of a development directory", name)
		}
	}
	fastest := time.Hour
	for range 3 {
		b.Kill(t)
		begin := time.Now()
		b.Run(t)
		if len(apiVersions(t, plainConn(t, b, user, password))) == 0 {
			t.Error("no API is listed")
		}
		fastest = min(fastest, time.Since(begin))
	}
	if diff := cmp.Diff(before, filesOf(t, b.Dir)); diff != "" {
		t.Errorf("after kill -9 -before +after:\n%s", diff)
	}
	if fastest > time.Second {
		t.Errorf("the fastest of three starts took %s until a request was answered", fastest)
	}
	t.Logf("from exec to an answer after the log-in: %s", fastest)
}

// filesOf reads the files of a directory, without those in directories below it.
func filesOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, e := range entries {
		if !e.Type().IsRegular() {
			continue
		}
		raw, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files[e.Name()] = string(raw)
	}
	return files
}

// servedVersions are the versions of Apache Kafka 4.3 at which each API is served; no other API is listed.
func servedVersions() map[int16][2]int16 {
	return map[int16][2]int16{
		0: {0, 13}, 1: {4, 18}, 2: {1, 11}, 3: {0, 13}, 8: {2, 10}, 9: {1, 10}, 10: {0, 6}, 11: {0, 9}, 12: {0, 4}, 13: {0, 5},
		14: {0, 5}, 15: {0, 6}, 16: {0, 5}, 17: {0, 1}, 18: {0, 5}, 19: {2, 7}, 20: {1, 6}, 21: {0, 2}, 22: {0, 5}, 23: {2, 4}, 24: {0, 5},
		25: {0, 4}, 26: {0, 5}, 27: {1, 2}, 28: {0, 5}, 29: {1, 3}, 30: {1, 3}, 31: {1, 3}, 32: {1, 4}, 33: {0, 2}, 34: {1, 2}, 35: {1, 5}, 36: {0, 2}, 37: {0, 3}, 38: {1, 3}, 39: {1, 2}, 40: {1, 2}, 41: {1, 3}, 42: {0, 3}, 44: {0, 1}, 47: {0, 0}, 48: {0, 1}, 49: {0, 1},
		50: {0, 0}, 51: {0, 0}, 57: {0, 2}, 60: {0, 2}, 61: {0, 0}, 65: {0, 0}, 66: {0, 2}, 68: {0, 1}, 69: {0, 1}, 74: {0, 1}, 75: {0, 0},
	}
}

// TestListedVersions compares what ApiVersions lists, before the log-in and after it, with what is promised.
func TestListedVersions(t *testing.T) {
	t.Parallel()
	b := harness.Start(t)
	user, password := b.Admin(t)
	for when, list := range map[string][]kmsg.ApiVersionsResponseApiKey{
		"before the log-in": apiVersions(t, dialTLS(t, b)),
		"after the log-in":  apiVersions(t, plainConn(t, b, user, password)),
	} {
		got := map[int16][2]int16{}
		for _, k := range list {
			got[k.ApiKey] = [2]int16{k.MinVersion, k.MaxVersion}
		}
		if !maps.Equal(got, servedVersions()) {
			t.Errorf("%s -promised +listed:\n%s", when, cmp.Diff(servedVersions(), got))
		}
	}
}
