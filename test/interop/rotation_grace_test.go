//go:build interop

package interop

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/wire"
	"github.com/chronik-stream/chronik/test/harness"
)

// TestRotationGrace changes the password of a user whose clients produce, one by franz-go and one by Java's: nothing fails in the grace,
// log-ins need the new password at once, and with the end of the grace, or with the user, the sessions end.
func TestRotationGrace(t *testing.T) {
	t.Parallel()
	const first, second, third = "kT8-vewo-2nuq", "Zwei-Orgeln-im-Mai", "Noch-ein-Anderes-7"
	b := harness.Start(t, "CHRONIK_CREDENTIAL_ROTATION_GRACE_MS=3600000", "CHRONIK_CONNECTIONS_MAX_REAUTH_MS=3600000")
	createTopic(t, b, "steady", 1)
	mustUserCommand(t, b, first+"\n", "add", "svc", "--password-file", "-")
	admin(t, b, aclCommand, "--add", "--allow-principal", "User:svc", "--producer", "--topic", "steady")

	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	live := franzClient(t, append(franzUser(t, b, "SCRAM-SHA-512", "svc", first), kgo.RecordRetries(0), kgo.DisableIdempotentWrite())...)
	produce := func() error {
		return live.ProduceSync(ctx, &kgo.Record{Topic: "steady", Value: []byte("kept")}).FirstErr()
	}
	if err := produce(); err != nil {
		t.Fatal(err)
	}
	plain, again := plainConn(t, b, "svc", first), plainConn(t, b, "svc", first)
	java := startJavaProducer(t, b, b.Properties(t, "SCRAM-SHA-512", "svc", first), "steady")
	mustUserCommand(t, b, second+"\n", "passwd", "svc", "--password-file", "-")
	for range 20 {
		if err := produce(); err != nil {
			t.Fatalf("in the grace: %v", err)
		}
	}
	apiVersions(t, plain)
	for password, in := range map[string]bool{first: false, second: true} {
		if got := logsIn(t, franzUser(t, b, "SCRAM-SHA-512", "svc", password)); got != in {
			t.Errorf("a log-in by %s password: %t", map[bool]string{true: "the new", false: "the old"}[in], got)
		}
	}
	if code := reauthenticate(t, again, "svc", first); code != wire.SASLAuthenticationFailed {
		t.Errorf("a re-authentication by the old password: %s", wire.CodeName(code))
	}
	if got := <-java; got.err != nil || !strings.Contains(got.out, fmt.Sprintf("%d records sent", javaRecords)) {
		t.Errorf("Java's producer: %v\n%s", got.err, got.out)
	}
	mustUserCommand(t, b, third+"\n", "passwd", "svc", "--password-file", "-")
	apiVersions(t, plain)
	mustUserCommand(t, b, "", "delete", "svc")
	if !closes(plain) {
		t.Error("a session goes on whose user is deleted")
	}
	if err := produce(); err == nil {
		t.Error("a deleted user produces")
	}
}

// reauthenticate logs in by PLAIN on a connection that has a session with an end (KIP-368).
func reauthenticate(t *testing.T, conn net.Conn, user, password string) (code int16) {
	t.Helper()
	handshake := kmsg.NewPtrSASLHandshakeRequest()
	handshake.Mechanism = "PLAIN"
	handshake.SetVersion(1)
	if !answers(conn, handshake) {
		t.Fatal("no answer to a handshake")
	}
	got, err := sayTo(conn, []byte("\x00"+user+"\x00"+password))
	if err != nil {
		t.Fatal(err)
	}
	return got.ErrorCode
}

const javaRecords = 600

type output struct {
	out string
	err error
}

// startJavaProducer has Apache Kafka's client produce for three seconds, and returns when it has begun to.
func startJavaProducer(t *testing.T, b *harness.Broker, properties, topic string) <-chan output {
	t.Helper()
	command := harness.JavaArgs(t, nil, producerPerf, "--topic", topic, "--num-records", fmt.Sprint(javaRecords), "--record-size", "10",
		"--throughput", "200", "--bootstrap-server", b.Bootstrap(), "--command-config", properties, "--command-property", "retries=0")
	before, done := endOf(t, b, topic), make(chan output, 1)
	go func() {
		out, err := harness.TryCommand(t, "", "java", command...)
		done <- output{out, err}
	}()
	for endOf(t, b, topic) == before {
		select {
		case got := <-done:
			t.Fatalf("Java's producer ended before it began: %v\n%s", got.err, got.out)
		case <-time.After(20 * time.Millisecond):
		}
	}
	return done
}

// endOf is the end of a topic's one partition.
func endOf(t *testing.T, b *harness.Broker, topic string) int64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	ends, err := kadm.NewClient(franzClient(t, franzSASL(t, b, "SCRAM-SHA-512")...)).ListEndOffsets(ctx, topic)
	if err != nil {
		t.Fatal(err)
	}
	o, found := ends.Lookup(topic, 0)
	if !found || o.Err != nil {
		t.Fatalf("no end of %s: %v", topic, o.Err)
	}
	return o.Offset
}

// TestRotationGraceEnds: a session by the old password ends with the grace, and one by the new password does not.
func TestRotationGraceEnds(t *testing.T) {
	t.Parallel()
	const first, second = "kT8-vewo-2nuq", "Zwei-Orgeln-im-Mai"
	b := harness.Start(t, "CHRONIK_CREDENTIAL_ROTATION_GRACE_MS=500")
	mustUserCommand(t, b, first+"\n", "add", "svc", "--password-file", "-")
	old := plainConn(t, b, "svc", first)
	mustUserCommand(t, b, second+"\n", "passwd", "svc", "--password-file", "-")
	renewed := plainConn(t, b, "svc", second)
	if !closes(old) {
		t.Error("a session by the old password outlives the grace")
	}
	apiVersions(t, renewed)
}
