package harness

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// startTimeout is generous: the machine may be busy with a race build.
const startTimeout = 60 * time.Second

// Broker is a `chronik server --dev` process. Its ports stay the same over restarts.
type Broker struct {
	// Dir is the development directory: certificates, client files and data.
	Dir string
	// SASL, TLS and HTTP are the addresses of the SASL_SSL, the mTLS and the HTTP listener.
	SASL, TLS, HTTP string

	binary string
	env    []string
	cmd    *exec.Cmd
	exited chan struct{}
	log    *tail
}

// Start runs a broker in a new directory until the test ends. env adds KEY=value settings.
func Start(t testing.TB, env ...string) *Broker {
	t.Helper()
	b := New(t, env...)
	b.Run(t)
	return b
}

// New prepares a broker without starting it.
func New(t testing.TB, env ...string) *Broker {
	t.Helper()
	b := &Broker{
		Dir: t.TempDir(), SASL: FreeAddress(t), TLS: FreeAddress(t), HTTP: FreeAddress(t),
		binary: Binary(t), env: env, log: &tail{},
	}
	t.Cleanup(func() {
		b.Kill(t)
		if t.Failed() {
			t.Logf("the broker's log ends with:\n%s", b.log.last(logLines))
		}
	})
	return b
}

// At is a broker that the test has started itself, by the addresses of its listeners and its development directory.
func At(dir, sasl, tls string) *Broker { return &Broker{Dir: dir, SASL: sasl, TLS: tls, log: &tail{}} }

// UseBinary makes the broker run another binary than that of make build.
func (b *Broker) UseBinary(path string) { b.binary = path }

// Run starts the process and waits until it is ready.
func (b *Broker) Run(t testing.TB) {
	t.Helper()
	b.Launch(t)
	b.waitReady(t)
}

// Launch starts the process and does not wait.
func (b *Broker) Launch(t testing.TB) {
	t.Helper()
	cmd := exec.Command(b.binary, "server", "--dev", b.Dir)
	cmd.Env = append(os.Environ(),
		"CHRONIK_LISTENERS=SASL_SSL://"+b.SASL+",SSL://"+b.TLS,
		"CHRONIK_ADVERTISED_LISTENERS=SASL_SSL://"+localhost(b.SASL)+",SSL://"+localhost(b.TLS),
		"CHRONIK_LISTENER_NAME_SSL_SSL_CLIENT_AUTH=required",
		"CHRONIK_HTTP_LISTEN="+b.HTTP)
	cmd.Env = append(cmd.Env, b.env...)
	cmd.Stdout, cmd.Stderr = b.log, b.log
	b.cmd, b.exited = cmd, startProcess(t, b.binary, cmd)
	running.add(t, b)
}

func (b *Broker) waitReady(t testing.TB) {
	t.Helper()
	awaitReady(t, "the broker", b.exited, b.log, b.ready)
}

func (b *Broker) ready(ctx context.Context) bool { return Ready(ctx, b.HTTP) }

// Ready reports whether the broker whose HTTP listener is at an address says that it serves.
func Ready(ctx context.Context, address string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/readyz", nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode == http.StatusOK
}

// Kill ends the process as kill -9 does; a broker that does not run stays so.
func (b *Broker) Kill(t testing.TB) {
	t.Helper()
	b.signal(t, syscall.SIGKILL)
}

// Stop ends the process by SIGTERM.
func (b *Broker) Stop(t testing.TB) {
	t.Helper()
	b.signal(t, syscall.SIGTERM)
}

func (b *Broker) signal(t testing.TB, s syscall.Signal) {
	t.Helper()
	if b.cmd == nil {
		return
	}
	running.remove(b)
	_ = b.cmd.Process.Signal(s)
	select {
	case <-b.exited:
	case <-time.After(startTimeout):
		t.Errorf("the broker did not end on %s", s)
		_ = b.cmd.Process.Kill()
		<-b.exited
	}
	b.cmd = nil
}

// PID is the number of the process, which runs.
func (b *Broker) PID() int { return b.cmd.Process.Pid }

// Running reports whether the process lives.
func (b *Broker) Running() bool {
	if b.cmd == nil {
		return false
	}
	select {
	case <-b.exited:
		return false
	default:
		return true
	}
}

// Log is the end of what the broker has printed.
func (b *Broker) Log() string { return b.log.String() }

// Bootstrap is the SASL_SSL listener by a name that its certificate holds.
func (b *Broker) Bootstrap() string { return localhost(b.SASL) }

// BootstrapTLS is the mTLS listener by a name that its certificate holds.
func (b *Broker) BootstrapTLS() string { return localhost(b.TLS) }

// ClientProperties is the file for Java clients that the broker has written: a super user.
func (b *Broker) ClientProperties() string { return filepath.Join(b.Dir, "client.properties") }

// KcatConf is the file for kcat that the broker has written: a super user.
func (b *Broker) KcatConf() string { return filepath.Join(b.Dir, "kcat.conf") }

// CA is the certificate authority's file.
func (b *Broker) CA() string { return filepath.Join(b.Dir, "ca.pem") }

// Property reads one key of client.properties.
func (b *Broker) Property(t testing.TB, key string) string {
	t.Helper()
	raw, err := os.ReadFile(b.ClientProperties())
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(raw)) {
		if k, v, found := strings.Cut(strings.TrimSpace(line), "="); found && k == key {
			return v
		}
	}
	t.Fatalf("no %s in %s", key, b.ClientProperties())
	return ""
}

// Admin returns the name and password of the super user in client.properties.
func (b *Broker) Admin(t testing.TB) (user, password string) {
	t.Helper()
	jaas := b.Property(t, "sasl.jaas.config")
	return quoted(t, jaas, "username"), quoted(t, jaas, "password")
}

func quoted(t testing.TB, jaas, name string) string {
	t.Helper()
	_, after, found := strings.Cut(jaas, name+`="`)
	value, _, closed := strings.Cut(after, `"`)
	if !found || !closed {
		t.Fatalf("no %s in the JAAS configuration", name)
	}
	return value
}

// Properties writes a Java client file for a user and mechanism and returns its path.
func (b *Broker) Properties(t testing.TB, mechanism, user, password string) string {
	t.Helper()
	module := "org.apache.kafka.common.security.scram.ScramLoginModule"
	if mechanism == "PLAIN" {
		module = "org.apache.kafka.common.security.plain.PlainLoginModule"
	}
	return b.write(t, "user.properties", fmt.Sprintf(`security.protocol=SASL_SSL
ssl.truststore.type=PEM
ssl.truststore.location=%s
sasl.mechanism=%s
sasl.jaas.config=%s required username="%s" password="%s";
`, b.CA(), mechanism, module, user, password))
}

// TLSProperties writes a Java client file for mTLS alone and returns its path.
func (b *Broker) TLSProperties(t testing.TB) string {
	t.Helper()
	return b.write(t, "mtls.properties", fmt.Sprintf(`security.protocol=SSL
ssl.truststore.type=PEM
ssl.truststore.location=%s
ssl.keystore.type=PEM
ssl.keystore.location=%s
`, b.CA(), filepath.Join(b.Dir, "client.keystore.pem")))
}

func (b *Broker) write(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func localhost(address string) string {
	_, port, _ := strings.Cut(address, ":")
	return "localhost:" + port
}

// tail keeps the end of what is written to it.
type tail struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

const tailBytes = 256 << 10

func (w *tail) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.buf.Len() > 2*tailBytes {
		w.buf.Next(w.buf.Len() - tailBytes)
	}
	return w.buf.Write(p)
}

// logLines is how much of a log a failed test shows.
const logLines = 40

func (w *tail) last(lines int) string { return lastLines(w.String(), lines) }

// LastLines is the end of a log, as much as a failed test shows.
func LastLines(text string) string { return lastLines(text, logLines) }

func lastLines(text string, lines int) string {
	all := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

func (w *tail) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.buf.String()
}
