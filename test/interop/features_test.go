//go:build interop

package interop

import (
	"regexp"
	"strings"
	"testing"

	"github.com/chronik-stream/chronik/test/harness"
)

// level reads the finalized level of a feature from what kafka-features describes.
func level(t *testing.T, b *harness.Broker, feature string) string {
	t.Helper()
	out := admin(t, b, featureCommand, "describe")
	match := regexp.MustCompile(`(?m)^Feature: ` + regexp.QuoteMeta(feature) + `\s.*FinalizedVersionLevel: (\d+)`).FindStringSubmatch(out)
	if match == nil {
		t.Fatalf("%s is not described:\n%s", feature, out)
	}
	return match[1]
}

func wantLevels(t *testing.T, b *harness.Broker, when, group, transaction string) {
	t.Helper()
	if g, x := level(t, b, "group.version"), level(t, b, "transaction.version"); g != group || x != transaction {
		t.Errorf("%s: group.version=%s, transaction.version=%s, want %s and %s", when, g, x, group, transaction)
	}
}

// TestFeatureTool runs kafka-features in its forms: levels change as it says, all or none, survive kill -9, and are recorded.
func TestFeatureTool(t *testing.T) {
	t.Parallel()
	b := harness.Start(t)
	const group, transaction = "group.version", "transaction.version"
	wantLevels(t, b, "at first", "1", "2")
	admin(t, b, featureCommand, "disable", "--feature", group, "--feature", transaction)
	wantLevels(t, b, "after both were turned off", "0", "0")
	contains(t, admin(t, b, featureCommand, "upgrade", "--feature", group+"=1", "--feature", transaction+"=2"),
		"group.version was upgraded to 1.", "transaction.version was upgraded to 2.")
	wantLevels(t, b, "after an upgrade", "1", "2")
	contains(t, admin(t, b, featureCommand, "downgrade", "--feature", transaction+"=1", "--dry-run"), "transaction.version can be downgraded to 1.")
	wantLevels(t, b, "after a dry run", "1", "2")
	admin(t, b, featureCommand, "downgrade", "--feature", transaction+"=1")
	wantLevels(t, b, "after a downgrade", "1", "1")
	fails(t, b, "only supports versions 0-2", featureCommand, "upgrade", "--feature", transaction+"=3")
	fails(t, b, "does not support this feature", featureCommand, "upgrade", "--feature", transaction+"=2", "--feature", "no.such.feature=1")
	wantLevels(t, b, "after refusals", "1", "1")
	contains(t, admin(t, b, featureCommand, "disable", "--feature", transaction, "--unsafe"), "transaction.version was disabled.")
	wantLevels(t, b, "after it was turned off", "1", "0")
	b.Kill(t)
	b.Run(t)
	wantLevels(t, b, "after kill -9", "1", "0")

	file := addUser(t, b, "operator", "operator-secret")
	as := func(args ...string) harness.Output {
		return tools.Run(t, featureCommand, append([]string{"--bootstrap-server", b.Bootstrap(), "--command-config", file}, args...)...)
	}
	if out := as("upgrade", "--feature", transaction+"=2"); out.Exit == 0 || !strings.Contains(out.Out+out.Err, "Cluster authorization failed.") {
		t.Errorf("without the right to ALTER the cluster: exit %d\n%s%s", out.Exit, out.Out, out.Err)
	}
	admin(t, b, aclCommand, "--add", "--allow-principal", "User:operator", "--operation", "Alter", "--cluster")
	if out := as("upgrade", "--feature", transaction+"=2"); out.Exit != 0 {
		t.Errorf("with the right: exit %d\n%s%s", out.Exit, out.Out, out.Err)
	}
	wantLevels(t, b, "after the operator's upgrade", "1", "2")
}
