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

// TestMakeRunFromAnEmptyCheckout does what the README tells a newcomer: clone, make run, and use what it prints.
func TestMakeRunFromAnEmptyCheckout(t *testing.T) {
	clone := filepath.Join(t.TempDir(), "chronik")
	harness.Command(t, "", "git", "clone", "--quiet", "--depth", "1", "file://"+harness.Root(t), clone)
	_, port, _ := strings.Cut(harness.FreeAddress(t), ":")
	http := harness.FreeAddress(t)
	var printed bytes.Buffer
	cmd := exec.Command("make", "run")
	cmd.Dir = clone
	cmd.Env = append(os.Environ(), "CHRONIK_LISTENERS=SASL_SSL://localhost:"+port, "CHRONIK_HTTP_LISTEN="+http)
	cmd.Stdout, cmd.Stderr = &printed, &printed
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop := func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
		_ = cmd.Wait()
	}
	t.Cleanup(stop)
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
	java := filepath.Join(dev, "client.properties")
	contains(t, tools.Must(t, topicCommand, "--bootstrap-server", "localhost:"+port, "--command-config", java, "--describe", "--topic", "greetings"), "PartitionCount: 1")
	out := tools.Must(t, consoleConsumer, "--bootstrap-server", "localhost:"+port, "--command-config", java, "--topic", "greetings",
		"--from-beginning", "--max-messages", "2", "--timeout-ms", "30000")
	contains(t, out, "hello", "world")
	if dirty := harness.Command(t, "", "git", "-C", clone, "status", "--porcelain"); dirty != "" {
		t.Errorf("make run leaves files that git does not ignore:\n%s", dirty)
	}
	stop()
	contains(t, printed.String(), "localhost:"+port, "client.properties", "kcat.conf")
}
