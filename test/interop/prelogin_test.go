//go:build interop

package interop

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io/fs"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/test/harness"
)

// closeTimeout is how long a connection that has to be closed may take: more than any of the broker's own time-outs in this
// test, which are set to a few seconds.
const closeTimeout = 40 * time.Second

// TestBeforeLogin does what strangers do: it speaks out of turn, lies about lengths, stalls, and sends noise, while a client
// that has logged in goes on working.
func TestBeforeLogin(t *testing.T) {
	t.Parallel()
	b := harness.Start(t, "CHRONIK_TLS_HANDSHAKE_TIMEOUT_MS=2000", "CHRONIK_LOGIN_TIMEOUT_MS=3000")
	createTopic(t, b, "alive", 1)
	alive := func(t *testing.T) {
		t.Helper()
		franzProduce(t, franzSASL(t, b, "SCRAM-SHA-512"), "alive", []string{"yes"})
	}

	t.Run("every API but three", func(t *testing.T) {
		for key := int16(0); key <= 92; key++ {
			if key == 17 || key == 18 || key == 36 || kmsg.RequestForKey(key) == nil {
				continue
			}
			for _, version := range []int16{0, kmsg.RequestForKey(key).MaxVersion()} {
				conn := dialTLS(t, b)
				send(t, conn, frame(key, version))
				if !closes(conn) {
					t.Errorf("API %d %s version %d is answered before the log-in", key, kmsg.NameForKey(key), version)
				}
			}
		}
	})
	t.Run("length of 2 GiB", func(t *testing.T) {
		for _, length := range []uint32{0x7fffffff, 0x80000000, 0xffffffff, 1 << 24} {
			conn := dialTLS(t, b)
			send(t, conn, binary.BigEndian.AppendUint32(nil, length))
			if !closes(conn) {
				t.Errorf("a frame of claimed length %#x is waited for", length)
			}
		}
		alive(t)
	})
	t.Run("half a frame", func(t *testing.T) {
		conn := dialTLS(t, b)
		whole := frame(18, 0)
		send(t, conn, whole[:len(whole)/2])
		alive(t)
		if !closes(conn) {
			t.Error("half a frame is waited for without end")
		}
	})
	t.Run("slow loris", func(t *testing.T) {
		conn, err := net.Dial("tcp", b.SASL)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		send(t, conn, []byte{0x16, 0x03, 0x01})
		alive(t)
		if !closes(conn) {
			t.Error("a TLS handshake may take for ever")
		}
	})
	t.Run("noise", func(t *testing.T) {
		rng := rand.New(rand.NewPCG(1, 2))
		for range 200 {
			conn := dialTLS(t, b)
			noise := make([]byte, 4+rng.IntN(2000))
			for i := range noise {
				noise[i] = byte(rng.Uint32())
			}
			if rng.IntN(2) == 0 {
				binary.BigEndian.PutUint32(noise, uint32(len(noise)-4))
			}
			_, _ = conn.Write(noise)
			conn.Close()
		}
		alive(t)
	})
	if !b.Running() {
		t.Error("the broker has ended")
	}
	if log := b.Log(); strings.Contains(log, "fault while") || strings.Contains(log, "panic") {
		t.Errorf("a fault in the log:\n%s", faultIn(log))
	}
}

// TestWrongLogins tells apart what may be told apart, which is nothing: a wrong password and an unknown user get the same answer, by
// every mechanism. No password, right or wrong, given by log-in or set by a tool, reaches the log at its finest, the audit topic or
// the data directory.
func TestWrongLogins(t *testing.T) {
	t.Parallel()
	b := harness.Start(t, "CHRONIK_LOG_LEVEL=debug")
	user, password := b.Admin(t)
	const set = "password-set-by-a-tool"
	addUser(t, b, "careful", set)
	for _, mechanism := range []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"} {
		var told []string
		for _, login := range [][2]string{{user, password + "x"}, {"who-is-that", password}} {
			out := tools.Run(t, topicCommand, "--bootstrap-server", b.Bootstrap(), "--command-config",
				b.Properties(t, mechanism, login[0], login[1]), "--list")
			if out.Exit == 0 {
				t.Errorf("%s: logged in with a wrong password or name", mechanism)
			}
			contains(t, out.Out+out.Err, "SaslAuthenticationException")
			told = append(told, out.Out)
		}
		if told[0] != told[1] {
			t.Errorf("%s: a wrong password is told\n%san unknown user\n%s", mechanism, told[0], told[1])
		}
	}
	audited := harness.Command(t, "", "kcat", slices.Concat(saslKcat(t, b, "PLAIN"),
		[]string{"-C", "-q", "-t", "__audit_log", "-o", "beginning", "-e"})...)
	contains(t, audited, "who-is-that", "careful")
	b.Stop(t)
	stored := []string{b.Log(), audited}
	err := filepath.WalkDir(filepath.Join(b.Dir, "data"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		raw, err := os.ReadFile(path)
		stored = append(stored, string(raw))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range stored {
		if strings.Contains(text, password) || strings.Contains(text, set) {
			t.Errorf("a password in what the broker keeps: %.200q", text)
		}
	}
}

func dialTLS(t *testing.T, b *harness.Broker) *tls.Conn {
	t.Helper()
	config := clientTLS(t, b, false)
	config.ServerName = "localhost"
	conn, err := tls.Dial("tcp", b.SASL, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func send(t *testing.T, conn net.Conn, data []byte) {
	t.Helper()
	if _, err := conn.Write(data); err != nil {
		t.Fatalf("write: %v", err)
	}
}

// closes reports whether the peer closes the connection without an answer.
func closes(conn net.Conn) bool {
	_ = conn.SetReadDeadline(time.Now().Add(closeTimeout))
	defer conn.Close()
	n, err := conn.Read(make([]byte, 16))
	return n == 0 && err != nil && !errors.Is(err, os.ErrDeadlineExceeded)
}

// frame is a whole request of an API, with an empty body as kmsg makes it.
func frame(key, version int16) []byte {
	q := kmsg.RequestForKey(key)
	q.SetVersion(version)
	body := q.AppendTo(nil)
	var head bytes.Buffer
	_ = binary.Write(&head, binary.BigEndian, []int16{key, version})
	_ = binary.Write(&head, binary.BigEndian, int32(7))
	_ = binary.Write(&head, binary.BigEndian, int16(-1))
	if q.IsFlexible() {
		head.WriteByte(0)
	}
	out := binary.BigEndian.AppendUint32(nil, uint32(head.Len()+len(body)))
	return append(append(out, head.Bytes()...), body...)
}
