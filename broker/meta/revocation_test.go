package meta_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/chronik-stream/chronik/broker/meta"
)

func revocation(principal, ms string) *meta.AlterConfigs {
	return &meta.AlterConfigs{Origin: origin, Resources: []meta.ResourceChange{{
		Key: meta.ResourceKey{Type: meta.UserConfig, Name: principal},
		Ops: []meta.ConfigOp{{Op: meta.SetConfig, Name: meta.RevokedBefore, Value: ms}},
	}}}
}

// TestRevocationTakesTheTokens: those of the principal, in the same command, and no others; it is in snapshots.
func TestRevocationTakesTheTokens(t *testing.T) {
	c := newCluster(t)
	c.mustApply(createToken(newToken("a", "User:alice")))
	c.mustApply(createToken(newToken("b", "User:bob", "User:carol")))
	delta := c.mustApply(revocation("User:alice", "2000"))
	if ids := c.tokenIDs(); len(ids) != 1 || ids[0] != "b" || len(delta.TokensChanged) != 1 {
		t.Errorf("left are %v; changed %d", ids, len(delta.TokensChanged))
	}
	c.mustApply(createToken(newToken("c", "User:alice")))
	c.mustApply(revocation("User:alice", "1000")) // earlier: it gives back, and takes nothing
	if ids := c.tokenIDs(); len(ids) != 2 {
		t.Errorf("left are %v", ids)
	}
	read, err := meta.ReadSnapshot(bytes.NewReader(snapshotOf(t, c.img)))
	if err != nil {
		t.Fatal(err)
	}
	for principal, want := range map[string]time.Time{"User:alice": time.UnixMilli(1000), "User:bob": {}} {
		if got := read.RevokedBefore(principal); !got.Equal(want) {
			t.Errorf("%s was revoked before %s", principal, got)
		}
	}
}
