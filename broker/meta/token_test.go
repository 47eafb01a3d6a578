package meta_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
)

const (
	tokenDay   = int64(24 * 60 * 60 * 1000)
	tokenStart = int64(1_700_000_000_000)
)

func newToken(id, owner string, renewers ...string) meta.Token {
	return meta.Token{
		ID: id, Owner: owner, Requester: owner, Renewers: renewers, Issued: tokenStart, Expires: tokenStart + tokenDay,
		MaxTime: tokenStart + 7*tokenDay,
	}
}

func createToken(t meta.Token) *meta.CreateToken {
	return &meta.CreateToken{Origin: origin, Token: t, Most: 3, MostInAll: 5}
}

func (c *cluster) tokenIDs() []string {
	ids := []string{}
	c.img.Tokens(func(t *meta.Token) bool { ids = append(ids, t.ID); return true })
	return ids
}

func (c *cluster) tokensByExpiry() []string {
	ids := []string{}
	c.img.TokensByExpiry(func(t *meta.Token) bool { ids = append(ids, t.ID); return true })
	return ids
}

// mustFail applies a command whose one item fails with a code, and which changes no token.
func (c *cluster) mustFail(command meta.Command, code int16) {
	c.t.Helper()
	before := c.img
	delta, result := c.apply(command)
	if got := codes(result); len(got) != 1 || got[0] != code {
		c.t.Fatalf("%T is answered with %v, want %s", command, got, wire.CodeName(code))
	}
	if result.Token != nil || len(delta.TokensChanged) != 0 {
		c.t.Fatalf("%T was refused and changed %v", command, delta.TokensChanged)
	}
	before.Tokens(func(t *meta.Token) bool {
		if c.img.Token(t.ID) != t {
			c.t.Fatalf("%T was refused and changed token %s", command, t.ID)
		}
		return true
	})
}

func TestTokensAreCreatedOncePerID(t *testing.T) {
	c := newCluster(t)
	token := newToken("t1", "User:a", "User:r")
	delta, result := c.apply(createToken(token))
	if diff := cmp.Diff(&token, c.img.Token("t1")); diff != "" {
		t.Errorf("the image has another token: %s", diff)
	}
	if diff := cmp.Diff(&token, result.Token); diff != "" {
		t.Errorf("the answer has another token: %s", diff)
	}
	if diff := cmp.Diff([]string{"t1"}, delta.TokensChanged); diff != "" {
		t.Errorf("the delta names others: %s", diff)
	}
	c.mustFail(createToken(newToken("t1", "User:b")), wire.DuplicateResource)
}

func TestTokensOfAnOwnerAreBounded(t *testing.T) {
	c := newCluster(t)
	for _, id := range []string{"t1", "t2", "t3"} {
		c.mustApply(createToken(newToken(id, "User:a")))
	}
	c.mustFail(createToken(newToken("t4", "User:a")), wire.PolicyViolation)
	c.mustApply(createToken(newToken("t4", "User:ab"))) // whose name begins as the other's
	c.mustApply(&meta.ExpireToken{Origin: origin, ID: "t1", Principal: "User:a", Now: tokenStart, Period: -1})
	c.mustApply(createToken(newToken("t5", "User:a")))
}

func TestTokensInAllAreBounded(t *testing.T) {
	c := newCluster(t)
	for _, id := range []string{"t1", "t2", "t3", "t4", "t5"} {
		c.mustApply(createToken(newToken(id, "User:of "+id)))
	}
	c.mustFail(createToken(newToken("t6", "User:another")), wire.PolicyViolation)
}

func TestRenewalEndsAtTheLongestLife(t *testing.T) {
	c := newCluster(t)
	c.mustApply(createToken(newToken("t1", "User:a", "User:r")))
	for _, step := range []struct {
		by                string
		now, period, want int64
	}{
		{"User:a", tokenStart + 1, tokenDay, tokenStart + 1 + tokenDay},
		{"User:r", tokenStart + tokenDay, 1, tokenStart + tokenDay + 1}, // shorter than it was: what is asked for
		{"User:r", tokenStart + tokenDay, 9 * tokenDay, tokenStart + 7*tokenDay},
		{"User:r", tokenStart + tokenDay, 1<<63 - 1, tokenStart + 7*tokenDay},
	} {
		_, result := c.apply(&meta.RenewToken{Origin: origin, ID: "t1", Principal: step.by, Now: step.now, Period: step.period})
		if result.Token == nil || result.Token.Expires != step.want {
			t.Fatalf("renewed for %d at %d: %+v, want end %d", step.period, step.now, result.Token, step.want)
		}
		if got := c.img.Token("t1"); got.Expires != step.want || got.MaxTime != tokenStart+7*tokenDay {
			t.Fatalf("the image has %+v", got)
		}
	}
}

func TestRefusedRenewals(t *testing.T) {
	c := newCluster(t)
	c.mustApply(createToken(newToken("t1", "User:a", "User:r")))
	renew := meta.RenewToken{Origin: origin, ID: "t1", Principal: "User:a", Now: tokenStart, Period: 1}
	for name, change := range map[string]struct {
		of   func(*meta.RenewToken)
		code int16
	}{
		"another id":                    {func(r *meta.RenewToken) { r.ID = "t2" }, wire.DelegationTokenNotFound},
		"a stranger":                    {func(r *meta.RenewToken) { r.Principal = "User:x" }, wire.DelegationTokenOwnerMismatch},
		"after its end":                 {func(r *meta.RenewToken) { r.Now = tokenStart + tokenDay + 1 }, wire.DelegationTokenExpired},
		"a stranger after its end":      {func(r *meta.RenewToken) { r.Principal, r.Now = "User:x", tokenStart+8*tokenDay }, wire.DelegationTokenExpired},
		"another type of the same name": {func(r *meta.RenewToken) { r.Principal = "Group:a" }, wire.DelegationTokenOwnerMismatch},
	} {
		t.Run(name, func(t *testing.T) {
			r := renew
			change.of(&r)
			(&cluster{t: t, img: c.img}).mustFail(&r, change.code)
		})
	}
	last := renew
	last.Now = tokenStart + tokenDay
	c.mustApply(&last) // the millisecond in which it expires
}

func TestExpireMovesTheEndOrRemoves(t *testing.T) {
	c := newCluster(t)
	c.mustApply(createToken(newToken("t1", "User:a", "User:r")))
	expire := func(by string, now, period int64) *meta.ExpireToken {
		return &meta.ExpireToken{Origin: origin, ID: "t1", Principal: by, Now: now, Period: period}
	}
	c.mustFail(expire("User:x", tokenStart, -1), wire.DelegationTokenOwnerMismatch)
	c.mustApply(expire("User:r", tokenStart, 5000))
	if got := c.img.Token("t1").Expires; got != tokenStart+5000 {
		t.Fatalf("it ends at %d", got)
	}
	c.mustFail(expire("User:x", tokenStart+5001, 0), wire.DelegationTokenOwnerMismatch)
	c.mustFail(expire("User:a", tokenStart+5001, 0), wire.DelegationTokenExpired)
	c.mustApply(expire("User:a", tokenStart+5001, -1)) // an expired one can be removed
	if got := c.tokenIDs(); len(got) != 0 {
		t.Fatalf("left are %v", got)
	}
	c.mustFail(expire("User:a", tokenStart, -1), wire.DelegationTokenNotFound)
}

func TestSweepRemovesWhatHasExpired(t *testing.T) {
	c := newCluster(t)
	for id, end := range map[string]int64{"late": 30, "soon": 10, "next": 20} {
		token := newToken(id, "User:a")
		token.Expires = tokenStart + end
		c.mustApply(createToken(token))
	}
	if diff := cmp.Diff([]string{"soon", "next", "late"}, c.tokensByExpiry()); diff != "" {
		t.Fatalf("by expiry: %s", diff)
	}
	sweep := func(now int64, most int) []string {
		c.t.Helper()
		c.mustApply(&meta.SweepTokens{Origin: origin, Now: tokenStart + now, Most: most})
		return c.tokensByExpiry()
	}
	if diff := cmp.Diff([]string{"soon", "next", "late"}, sweep(10, 9)); diff != "" {
		t.Fatalf("swept too early: %s", diff)
	}
	if diff := cmp.Diff([]string{"next", "late"}, sweep(31, 1)); diff != "" {
		t.Fatalf("swept more than was asked: %s", diff)
	}
	if diff := cmp.Diff([]string{"late"}, sweep(30, 9)); diff != "" {
		t.Fatalf("swept: %s", diff)
	}
	if diff := cmp.Diff([]string{}, sweep(31, 9)); diff != "" {
		t.Fatalf("swept: %s", diff)
	}
}

func TestTokensGoWithTheirOwner(t *testing.T) {
	c := newCluster(t)
	for _, m := range []meta.ScramMechanism{meta.ScramSHA256, meta.ScramSHA512} {
		c.mustApply(&meta.AlterScram{Origin: origin, Upserts: []meta.ScramCredential{credential("a", m)}})
	}
	c.mustApply(createToken(newToken("t1", "User:a")))
	c.mustApply(createToken(newToken("t2", "User:b", "User:a")))
	remove := func(m meta.ScramMechanism) []string {
		c.mustApply(&meta.AlterScram{Origin: origin, Deletes: []meta.ScramName{{User: "a", Mechanism: m}}})
		return c.tokenIDs()
	}
	if diff := cmp.Diff([]string{"t1", "t2"}, remove(meta.ScramSHA256)); diff != "" {
		t.Fatalf("the user has another credential: %s", diff)
	}
	if diff := cmp.Diff([]string{"t2"}, remove(meta.ScramSHA512)); diff != "" {
		t.Fatalf("the user is gone: %s", diff)
	}
}

// TestRevocationTakesWhatIsKnown: the tokens that a revoked principal owns, has requested or may renew, since he may have their secrets.
func TestRevocationTakesWhatIsKnown(t *testing.T) {
	c := newCluster(t)
	requested, others := newToken("requested", "User:b"), newToken("others", "User:b")
	requested.Requester = "User:a"
	for _, token := range []meta.Token{newToken("owned", "User:a"), requested, newToken("renewed", "User:b", "User:r", "User:a"), others} {
		c.mustApply(createToken(token))
	}
	delta := c.mustApply(revocation("User:a", "1000"))
	if diff := cmp.Diff([]string{"others"}, c.tokenIDs()); diff != "" {
		t.Errorf("left are others: %s", diff)
	}
	if diff := cmp.Diff([]string{"owned", "renewed", "requested"}, delta.TokensChanged); diff != "" {
		t.Errorf("removed are others: %s", diff)
	}
	if events := c.audit(); events[len(events)-1].Action != "RemoveDelegationToken" {
		t.Errorf("the last event is %+v", events[len(events)-1])
	}
}

// TestSnapshotsKeepTokens: by id, by owner and by expiry.
func TestSnapshotsKeepTokens(t *testing.T) {
	c := newCluster(t)
	c.mustApply(createToken(newToken("t1", "User:a", "User:r")))
	c.mustApply(createToken(newToken("t2", "User:a")))
	c.mustApply(&meta.RenewToken{Origin: origin, ID: "t1", Principal: "User:r", Now: tokenStart, Period: 2 * tokenDay})
	img, err := meta.ReadSnapshot(bytes.NewReader(snapshotOf(t, c.img)))
	if err != nil {
		t.Fatal(err)
	}
	read := &cluster{t: t, img: img}
	if diff := cmp.Diff(c.img.Token("t1"), img.Token("t1")); diff != "" {
		t.Errorf("token: %s", diff)
	}
	if diff := cmp.Diff([]string{"t2", "t1"}, read.tokensByExpiry()); diff != "" {
		t.Errorf("by expiry: %s", diff)
	}
	var owned []string
	img.TokensOf("User:a", func(token *meta.Token) bool { owned = append(owned, token.ID); return true })
	if diff := cmp.Diff([]string{"t1", "t2"}, owned); diff != "" {
		t.Errorf("by owner: %s", diff)
	}
}

func TestChangesOfTokensAreAudited(t *testing.T) {
	c := newCluster(t)
	c.mustApply(createToken(newToken("t1", "User:a", "User:r")))
	c.mustApply(&meta.RenewToken{Origin: origin, ID: "t1", Principal: "User:r", Now: tokenStart, Period: 1})
	c.apply(&meta.RenewToken{Origin: origin, ID: "t1", Principal: "User:x", Now: tokenStart, Period: 1})
	c.mustApply(&meta.SweepTokens{Origin: origin, Now: tokenStart + tokenDay, Most: 1})
	events := c.audit()
	if len(events) != 4 {
		t.Fatalf("%d events: %+v", len(events), events)
	}
	for i, want := range []struct {
		outcome       int16
		before, after string
	}{
		{wire.None, "", "1700086400000"},
		{wire.None, "1700086400000", "1700000000001"},
		{wire.DelegationTokenOwnerMismatch, "", ""},
		{wire.None, "1700000000001", ""},
	} {
		e := events[i]
		if e.ResourceType != "DELEGATION_TOKEN" || e.Resource != "t1" || e.Outcome != want.outcome {
			t.Errorf("event %d: %+v", i, e)
		}
		if e.Before["expires"] != want.before || e.After["expires"] != want.after {
			t.Errorf("event %d: from %v to %v", i, e.Before, e.After)
		}
	}
	if e := events[0]; e.After["owner"] != "User:a" || e.After["renewers"] != "User:r" || !strings.HasPrefix(e.After["issued"], "17") {
		t.Errorf("created: %v", e.After)
	}
}
