package broker

import (
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"github.com/chronik-stream/chronik/auth/guard"
	"github.com/chronik-stream/chronik/broker/meta"
)

// TestLiftedLockouts: those of the user that the metadata log names end, and no others.
func TestLiftedLockouts(t *testing.T) {
	g, err := guard.New(guard.Config{Attempts: 1, Lockout: time.Hour, Scope: guard.User})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1_900_000_000, 0)
	for _, user := range []string{"alice", "bob"} {
		g.Attempt(user, netip.Addr{}, now).Failed(now)
	}
	_, delta, result := meta.NewImage().Apply(1, &meta.AlterConfigs{Resources: []meta.ResourceChange{{
		Key: meta.ResourceKey{Type: meta.UserConfig, Name: "User:alice"},
		Ops: []meta.ConfigOp{{Op: meta.SetConfig, Name: meta.LoginLocked, Value: "false"}},
	}}})
	if result.Items[0].Code != 0 {
		t.Fatalf("%+v", result.Items)
	}
	liftLockouts(g, slog.New(slog.DiscardHandler))(nil, nil, delta)
	for user, want := range map[string]guard.Verdict{"alice": guard.Admitted, "bob": guard.RefusedLocked} {
		if got := g.Attempt(user, netip.Addr{}, now).Ask(now).Verdict; got != want {
			t.Errorf("%s: verdict %d, want %d", user, got, want)
		}
	}
}
