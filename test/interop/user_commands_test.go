//go:build interop

package interop

import (
	"context"
	"crypto/tls"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chronik-stream/chronik/test/harness"
)

// userCommand runs chronik user as the administrator, with a line on standard input.
func userCommand(t *testing.T, b *harness.Broker, stdin string, args ...string) (string, error) {
	t.Helper()
	args = append([]string{"user"}, args...)
	return harness.TryCommand(t, stdin, harness.Binary(t), append(args, "--bootstrap-server", b.Bootstrap(), "--command-config", b.ClientProperties())...)
}

func mustUserCommand(t *testing.T, b *harness.Broker, stdin string, args ...string) string {
	t.Helper()
	out, err := userCommand(t, b, stdin, args...)
	if err != nil {
		t.Fatalf("chronik user %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// logsIn reports whether a client with these options gets in, once.
func logsIn(t *testing.T, opts []kgo.Opt) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	c, err := kgo.NewClient(append(opts, kgo.RequestRetries(0))...)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.Ping(ctx) == nil
}

// TestUserCommands makes a user, changes his password, deletes him, and revokes one who has a certificate instead.
func TestUserCommands(t *testing.T) {
	t.Parallel()
	const first, second = "kT8-vewo-2nuq", "Zwei-Orgeln-im-Mai"
	b := harness.Start(t)
	for name, weak := range map[string]string{"short": "elevenchars", "common": "Password2026!!", "own name": "alice-alice-alice"} {
		if out, err := userCommand(t, b, weak+"\n", "add", "alice", "--password-file", "-"); err == nil || strings.Contains(out, weak) {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
	out := mustUserCommand(t, b, first+"\n", "add", "alice", "--password-file", "-", "--mechanism", "SCRAM-SHA-256,SCRAM-SHA-512", "--iterations", "8192")
	out += mustUserCommand(t, b, "", "list") + mustUserCommand(t, b, "", "show", "alice")
	contains(t, out, "alice", "SCRAM-SHA-256, 8192 iterations", "SCRAM-SHA-512, 8192 iterations", "admin")
	if out, err := userCommand(t, b, second+"\n", "add", "alice", "--password-file", "-"); err == nil || !strings.Contains(out, "exists") {
		t.Errorf("a second user of the name: %v\n%s", err, out)
	}
	for _, mechanism := range []string{"SCRAM-SHA-256", "SCRAM-SHA-512", "PLAIN"} {
		if !logsIn(t, franzUser(t, b, mechanism, "alice", first)) {
			t.Errorf("%s: alice does not get in", mechanism)
		}
	}

	open := plainConn(t, b, "alice", first)
	out = mustUserCommand(t, b, second+"\n", "passwd", "alice", "--password-file", "-")
	contains(t, out, "SCRAM-SHA-256, 8192 iterations", "SCRAM-SHA-512, 8192 iterations")
	if !closes(open) {
		t.Error("a connection by the old password goes on")
	}
	if logsIn(t, franzUser(t, b, "SCRAM-SHA-256", "alice", first)) || !logsIn(t, franzUser(t, b, "SCRAM-SHA-256", "alice", second)) {
		t.Error("the password is not the new one")
	}

	open = plainConn(t, b, "alice", second)
	contains(t, mustUserCommand(t, b, "", "delete", "alice"), "2 password(s) of alice deleted")
	if !closes(open) || logsIn(t, franzUser(t, b, "SCRAM-SHA-512", "alice", second)) {
		t.Error("a deleted user stays")
	}
	if out, err := userCommand(t, b, "", "delete", "alice"); err == nil || !strings.Contains(out, "no SCRAM credential") {
		t.Errorf("nobody is deleted: %v\n%s", err, out)
	}
	if strings.Contains(b.Log(), first) || strings.Contains(b.Log(), second) {
		t.Error("a password is in the broker's log")
	}
}

// TestOwnPassword: who changes his own password changes it for each mechanism, though his session ends with the one that he came by.
func TestOwnPassword(t *testing.T) {
	t.Parallel()
	const first, second = "kT8-vewo-2nuq", "Zwei-Orgeln-im-Mai"
	b := harness.Start(t, "CHRONIK_SUPER_USERS=User:admin;User:scram-sha-256;User:scram-sha-512;User:plain")
	for _, mechanism := range []string{"SCRAM-SHA-256", "SCRAM-SHA-512", "PLAIN"} {
		name := strings.ToLower(mechanism)
		mustUserCommand(t, b, first+"\n", "add", name, "--password-file", "-", "--mechanism", "SCRAM-SHA-256,SCRAM-SHA-512")
		harness.Command(t, second+"\n", harness.Binary(t), "user", "passwd", name, "--password-file", "-", "--bootstrap-server", b.Bootstrap(),
			"--command-config", b.Properties(t, mechanism, name, first))
		for _, by := range []string{"SCRAM-SHA-256", "SCRAM-SHA-512", "PLAIN"} {
			if !logsIn(t, franzUser(t, b, by, name, second)) {
				t.Errorf("%s: the new password does not hold for %s", mechanism, by)
			}
		}
	}
}

// TestUserRevoke: whoever has a certificate is out when the command returns, and does not come back with it, after a restart
// neither.
func TestUserRevoke(t *testing.T) {
	t.Parallel()
	const principal = "CN=chronik-client"
	b := harness.Start(t)
	opts := []kgo.Opt{kgo.SeedBrokers(b.BootstrapTLS()), kgo.DialTLSConfig(clientTLS(t, b, true)), kgo.ClientID("client")}
	if !logsIn(t, opts) {
		t.Fatal("the certificate is not let in")
	}
	config := clientTLS(t, b, true)
	config.ServerName = "localhost"
	open, err := tls.Dial("tcp", b.TLS, config)
	if err != nil {
		t.Fatal(err)
	}
	apiVersions(t, open)
	out := mustUserCommand(t, b, "", "revoke", principal)
	contains(t, out, "0 password(s)", "User:"+principal)
	if !closes(open) {
		t.Error("a session by a certificate goes on")
	}
	if logsIn(t, opts) {
		t.Error("a certificate from before is let in")
	}
	contains(t, mustUserCommand(t, b, "", "show", principal), "revoked: tickets, tokens and certificates from before")
	contains(t, mustUserCommand(t, b, "", "list"), "User:"+principal+"  revoked")
	b.Kill(t)
	b.Run(t)
	if logsIn(t, opts) {
		t.Error("the revocation has not survived")
	}
	user, password := b.Admin(t)
	if !logsIn(t, franzUser(t, b, "SCRAM-SHA-512", user, password)) {
		t.Error("somebody else is kept out")
	}
}

// TestUnlock: a lock-out ends when an administrator lifts it, and the audit log says who did.
func TestUnlock(t *testing.T) {
	t.Parallel()
	const password = "kT8-vewo-2nuq"
	b := harness.Start(t, "CHRONIK_LOGIN_LOCKOUT_ATTEMPTS=2", "CHRONIK_LOGIN_LOCKOUT_SCOPE=user")
	mustUserCommand(t, b, password+"\n", "add", "alice", "--password-file", "-")
	alice := franzUser(t, b, "SCRAM-SHA-512", "alice", password)
	for range 2 {
		if logsIn(t, franzUser(t, b, "SCRAM-SHA-512", "alice", "wrong")) {
			t.Fatal("a wrong password is taken")
		}
	}
	if logsIn(t, alice) {
		t.Fatal("alice is not locked out")
	}
	contains(t, httpGet(t, b, "/metrics"), "chronik_login_locked 1")
	contains(t, mustUserCommand(t, b, "", "unlock", "alice"), "No lock-out keeps alice out")
	if !logsIn(t, alice) {
		t.Error("alice does not get in")
	}
	contains(t, httpGet(t, b, "/metrics"), "chronik_login_locked 0")
	logged(t, b, `msg="lock-outs after failed log-ins are lifted" user=alice locks=1`, "resource=User:alice")
	if out := mustUserCommand(t, b, "", "list"); strings.Contains(out, "User:alice") {
		t.Errorf("who was unlocked is listed as revoked:\n%s", out)
	}
}

// TestOwnRevocation: who revokes himself is without a password when the command ends, though his session ends on the way; so is who
// deletes himself.
func TestOwnRevocation(t *testing.T) {
	t.Parallel()
	const password = "kT8-vewo-2nuq"
	b := harness.Start(t, "CHRONIK_SUPER_USERS=User:admin;User:scram-sha-256;User:scram-sha-512;User:plain")
	for _, command := range []string{"revoke", "delete"} {
		for _, mechanism := range []string{"SCRAM-SHA-256", "SCRAM-SHA-512", "PLAIN"} {
			name := strings.ToLower(mechanism)
			mustUserCommand(t, b, password+"\n", "add", name, "--password-file", "-", "--mechanism", "SCRAM-SHA-256,SCRAM-SHA-512")
			out := harness.Command(t, "", harness.Binary(t), "user", command, name, "--bootstrap-server", b.Bootstrap(),
				"--command-config", b.Properties(t, mechanism, name, password))
			contains(t, out, "2 password(s) of "+name+" deleted")
			out = mustUserCommand(t, b, "", "show", name)
			contains(t, out, "no password")
			if revoked := strings.Contains(out, "revoked"); revoked != (command == "revoke") {
				t.Errorf("%s %s:\n%s", command, name, out)
			}
			mustUserCommand(t, b, "", "reinstate", name)
			if out := mustUserCommand(t, b, "", "show", name); strings.Contains(out, "revoked") {
				t.Errorf("%s is still revoked:\n%s", name, out)
			}
		}
	}
}
