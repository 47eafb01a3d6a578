//go:build interop

package interop

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chronik-stream/chronik/test/harness"
)

// TestAPolicyLimitsHowManyTopicsAreCreated: a user creates as many topics as the shipped policy lets him, and no more after a restart; its
// reason is in the log, and another user does not feel it.
func TestAPolicyLimitsHowManyTopicsAreCreated(t *testing.T) {
	t.Parallel()
	const most = 3
	dir := t.TempDir()
	for name, content := range map[string]string{
		"p.rego": `package kafka.authz
import rego.v1
import data.chronik.creations
allow if count(creations.deny) == 0
reason := concat(", ", creations.deny) if count(creations.deny) > 0`,
		"data.json": fmt.Sprintf(`{"creations": {"limit": %d}}`, most),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b := harness.Start(t, "CHRONIK_AUTHORIZER_MODE=acl+opa", "CHRONIK_POLICIES_DIR="+dir)
	files := map[string]string{}
	for _, user := range []string{"eager", "calm"} {
		files[user] = addUser(t, b, user, user+"-secret-12")
		admin(t, b, aclCommand, "--add", "--allow-principal", "User:"+user, "--operation", "Create", "--operation", "Delete", "--operation", "Describe", "--topic", "*")
	}
	create := func(user, topic string) (done bool, said string) {
		out := tools.Run(t, topicCommand, "--bootstrap-server", b.Bootstrap(), "--command-config", files[user], "--create", "--topic", topic)
		return out.Exit == 0, out.Out + out.Err
	}
	for i := range most {
		if done, said := create("eager", fmt.Sprintf("eager-%d", i)); !done {
			t.Fatalf("topic %d of %d: %s", i, most, said)
		}
	}
	// A topic that goes has been created all the same.
	tools.Must(t, topicCommand, "--bootstrap-server", b.Bootstrap(), "--command-config", files["eager"], "--delete", "--topic", "eager-0")
	refused := func(topic string) {
		t.Helper()
		if done, said := create("eager", topic); done || !strings.Contains(said, "Authorization failed") {
			t.Errorf("one topic more: %s", said)
		}
	}
	refused("eager-more")
	logged(t, b, "denied by policy: more topics than may be created in an hour")
	if done, said := create("calm", "calm-0"); !done {
		t.Errorf("another user: %s", said)
	}
	b.Kill(t)
	b.Run(t)
	refused("eager-later")
}
