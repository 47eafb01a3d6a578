//go:build interop

package interop

import (
	"testing"

	"github.com/chronik-stream/chronik/test/harness"
)

// TestRevokedUsersAreOut has connections of users open, one with a fetch that waits, whose passwords are then changed or deleted: they end
// with the change. The administrator who changes his own password is told that it is done.
func TestRevokedUsersAreOut(t *testing.T) {
	t.Parallel()
	b := harness.Start(t)
	createTopic(t, b, secretTopic, 1)
	for _, user := range []string{"deleted", "changed", "untouched"} {
		addUser(t, b, user, user+"-secret")
	}
	deleted, changed, untouched := plainConn(t, b, "deleted", "deleted-secret"), plainConn(t, b, "changed", "changed-secret"), plainConn(t, b, "untouched", "untouched-secret")
	reader, password := b.Admin(t)
	waiting := plainConn(t, b, reader, password)
	fetch := fetchOf(topicID(t, b, secretTopic))
	fetch.MaxWaitMillis, fetch.SessionEpoch = 600_000, -1
	fetch.SetVersion(13)
	send(t, waiting, request(fetch))

	admin(t, b, configCommand, "--alter", "--entity-type", "users", "--entity-name", "deleted", "--delete-config", "SCRAM-SHA-512")
	if !closes(deleted) {
		t.Error("a deleted user's connection goes on")
	}
	addUser(t, b, "changed", "another-secret")
	if !closes(changed) {
		t.Error("a connection by the old password goes on")
	}
	apiVersions(t, untouched)
	admin(t, b, configCommand, "--alter", "--entity-type", "users", "--entity-name", reader,
		"--add-config", "SCRAM-SHA-512=[iterations=4096,password=new-secret]")
	if !closes(waiting) {
		t.Error("a fetch by the old password waits on")
	}
}
