package meta_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
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
	create := createToken(newToken("c", "User:alice"))
	create.Standing = c.img.Standing("User:alice")
	c.mustApply(create)
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

// TestNoTokenComesAfterItsRequesterHasGone: a request that was under way when he was revoked, or when his last password was deleted,
// makes none.
func TestNoTokenComesAfterItsRequesterHasGone(t *testing.T) {
	password := func(user string, m meta.ScramMechanism) *meta.AlterScram {
		return &meta.AlterScram{Origin: origin, Upserts: []meta.ScramCredential{{User: user, Mechanism: m, Iterations: 4096}}}
	}
	deletion := func(user string, m meta.ScramMechanism) *meta.AlterScram {
		return &meta.AlterScram{Origin: origin, Deletes: []meta.ScramName{{User: user, Mechanism: m}}}
	}
	for name, o := range map[string]struct {
		before, after []meta.Command
		refused       bool
	}{
		"nothing":                    {nil, nil, false},
		"revoked":                    {nil, []meta.Command{revocation("User:alice", "2000")}, true},
		"revoked before":             {[]meta.Command{revocation("User:alice", "2000")}, nil, false},
		"revoked again":              {[]meta.Command{revocation("User:alice", "2000")}, []meta.Command{revocation("User:alice", "2001")}, true},
		"another is revoked":         {nil, []meta.Command{revocation("User:bob", "2000")}, false},
		"deleted":                    {[]meta.Command{password("alice", meta.ScramSHA256)}, []meta.Command{deletion("alice", meta.ScramSHA256)}, true},
		"one of two is deleted":      {[]meta.Command{password("alice", meta.ScramSHA256), password("alice", meta.ScramSHA512)}, []meta.Command{deletion("alice", meta.ScramSHA256)}, false},
		"changed":                    {[]meta.Command{password("alice", meta.ScramSHA256)}, []meta.Command{password("alice", meta.ScramSHA256)}, false},
		"the owner's is deleted":     {[]meta.Command{password("etl", meta.ScramSHA256)}, []meta.Command{deletion("etl", meta.ScramSHA256)}, false},
		"a password comes meanwhile": {nil, []meta.Command{password("alice", meta.ScramSHA256)}, false},
	} {
		c := newCluster(t)
		for _, command := range o.before {
			c.mustApply(command)
		}
		token := newToken("t", "User:etl")
		token.Requester = "User:alice"
		create := createToken(token)
		create.Standing = c.img.Standing("User:alice")
		for _, command := range o.after {
			c.mustApply(command)
		}
		_, result := c.apply(create)
		want := wire.None
		if o.refused {
			want = wire.DelegationTokenRequestNotAllowed
		}
		if got := codes(result); len(got) != 1 || got[0] != want || o.refused != (c.img.Token("t") == nil) {
			t.Errorf("%s: %v, token %v", name, got, c.img.Token("t"))
		}
	}
}

// TestRevocationsAreBounded: one more is refused with what to do, a known principal is revoked again, and who is taken back makes room.
func TestRevocationsAreBounded(t *testing.T) {
	c := newCluster(t)
	bounded := func(principal, ms string) meta.Result {
		command := revocation(principal, ms)
		command.MostPrincipals = 2
		_, result := c.apply(command)
		return result
	}
	back := revocation("User:a", "")
	back.Resources[0].Ops[0].Op = meta.DeleteConfig
	for _, step := range []struct {
		result meta.Result
		want   int16
	}{
		{bounded("User:a", "1"), wire.None},
		{bounded("User:b", "1"), wire.None},
		{bounded("User:c", "1"), wire.PolicyViolation},
		{bounded("User:a", "2"), wire.None},
	} {
		if got := codes(step.result); len(got) != 1 || got[0] != step.want {
			t.Errorf("%+v", step.result.Items)
		}
	}
	read, err := meta.ReadSnapshot(bytes.NewReader(snapshotOf(t, c.img)))
	if err != nil {
		t.Fatal(err)
	}
	c.img = read
	if got := codes(bounded("User:c", "1")); got[0] != wire.PolicyViolation {
		t.Errorf("from a snapshot: %v", got)
	}
	c.mustApply(back)
	if got := codes(bounded("User:c", "1")); got[0] != wire.None {
		t.Errorf("after one was taken back: %v", got)
	}
}

// TestUnlockingKeepsNothing: the image is as before, but for the record of who did it.
func TestUnlockingKeepsNothing(t *testing.T) {
	c := newCluster(t)
	c.mustApply(revocation("User:alice", "2000"))
	unlock := &meta.AlterConfigs{Origin: origin, Resources: []meta.ResourceChange{{
		Key: meta.ResourceKey{Type: meta.UserConfig, Name: "User:alice"},
		Ops: []meta.ConfigOp{{Op: meta.SetConfig, Name: meta.LoginLocked, Value: "false"}},
	}}}
	delta := c.mustApply(unlock)
	if len(delta.Unlocked) != 1 || delta.Unlocked[0] != "User:alice" {
		t.Errorf("unlocked: %v", delta.Unlocked)
	}
	config := c.img.Config(meta.ResourceKey{Type: meta.UserConfig, Name: "User:alice"})
	if len(config) != 1 || config[meta.RevokedBefore] != "2000" {
		t.Errorf("kept: %v", config)
	}
	events := c.audit()
	last := events[len(events)-1]
	if last.ResourceType != "USER" || last.Resource != "User:alice" || last.After[meta.LoginLocked] != "false" || len(last.Before) != 0 {
		t.Errorf("recorded: %+v", last)
	}
}
