//go:build interop

package interop

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chronik-stream/chronik/test/harness"
)

// TestMakeRunFromAnEmptyCheckout does what the README tells a newcomer: clone, make run, and use what it prints, from every client.
func TestMakeRunFromAnEmptyCheckout(t *testing.T) {
	t.Parallel()
	clone := filepath.Join(t.TempDir(), "chronik")
	harness.Command(t, "", "git", "clone", "--quiet", "--depth", "1", "file://"+harness.Root(t), clone)
	_, port, _ := strings.Cut(harness.FreeAddress(t), ":")
	_, tlsPort, _ := strings.Cut(harness.FreeAddress(t), ":")
	http := harness.FreeAddress(t)
	var printed bytes.Buffer
	cmd := exec.Command("make", "run")
	cmd.Dir = clone
	cmd.Env = append(os.Environ(), "CHRONIK_LISTENERS=SASL_SSL://localhost:"+port+",SSL://localhost:"+tlsPort,
		"CHRONIK_LISTENER_NAME_SSL_SSL_CLIENT_AUTH=required", "CHRONIK_SUPER_USERS=User:admin;User:CN=chronik-client", "CHRONIK_HTTP_LISTEN="+http,
		"CHRONIK_GROUP_INITIAL_REBALANCE_DELAY_MS=0")
	cmd.Stdout, cmd.Stderr = &printed, &printed
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop := func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
		_ = cmd.Wait()
	}
	t.Cleanup(func() {
		stop()
		if t.Failed() {
			t.Logf("make run printed last:\n%s", harness.LastLines(printed.String()))
		}
	})
	waitFor(t, "make run to serve", func() bool {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		return harness.Ready(ctx, http)
	})

	dev := filepath.Join(clone, "certs-dev", "dev")
	kcat := []string{"-F", filepath.Join(dev, "kcat.conf")}
	kcatProduce(t, kcat, "greetings", []string{"hello", "world"})
	if got := kcatConsume(t, kcat, "greetings", 2); !slices.Equal(got, []string{"hello", "world"}) {
		t.Errorf("kcat read %q", got)
	}
	everyClient(t, harness.At(dev, "localhost:"+port, "localhost:"+tlsPort))
	if dirty := harness.Command(t, "", "git", "-C", clone, "status", "--porcelain"); dirty != "" {
		t.Errorf("make run leaves files that git does not ignore:\n%s", dirty)
	}
	stop()
	contains(t, printed.String(), "localhost:"+port, "client.properties", "kcat.conf")
}
