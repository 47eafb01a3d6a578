package adopt

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chronik-stream/chronik/broker/limit"
	"github.com/chronik-stream/chronik/broker/meta"
)

// tokenFor is a token of alice that is good when the test imports.
func tokenFor(id string, change func(*meta.Token)) *meta.Token {
	now := testTime.UnixMilli()
	t := &meta.Token{ID: id, Owner: "User:alice", Requester: "User:alice", Renewers: []string{"User:scheduler"}, Issued: now - 10, MaxTime: now + 20, Expires: now + 10}
	if change != nil {
		change(t)
	}
	return t
}

func tokenRecord(t *meta.Token) []byte {
	e := recordOf(delegationToken, 0).text(t.Owner).text(t.Requester).uvarint(uint64(len(t.Renewers)) + 1)
	for _, r := range t.Renewers {
		e = e.text(r)
	}
	return e.int64(t.Issued).int64(t.MaxTime).int64(t.Expires).text(t.ID).end()
}

// TestTokensAreImported: those that are good, as they are; an import that is run again brings none twice.
func TestTokensAreImported(t *testing.T) {
	w := newWorld(t, 1)
	w.source(kafkaDir, plainSpecs()...)
	revokedAt := func(ms int64) meta.ResourceChange {
		return meta.ResourceChange{
			Key: meta.ResourceKey{Type: meta.UserConfig, Name: fmt.Sprint("User:revoked at ", ms)},
			Ops: []meta.ConfigOp{{Op: meta.SetConfig, Name: meta.RevokedBefore, Value: fmt.Sprint(ms)}},
		}
	}
	early, late := testTime.UnixMilli()-11, testTime.UnixMilli()-10
	w.apply(&meta.AlterConfigs{Resources: []meta.ResourceChange{revokedAt(early), revokedAt(late)}})
	requester := func(at int64) func(*meta.Token) {
		return func(t *meta.Token) { t.Requester = fmt.Sprint("User:revoked at ", at) }
	}
	good := []*meta.Token{tokenFor("a", nil), tokenFor("b", requester(early)), tokenFor("c", func(t *meta.Token) { t.Renewers = nil })}
	bad := []*meta.Token{
		tokenFor("over", func(t *meta.Token) { t.Expires = testTime.UnixMilli() - 1 }),
		tokenFor("of a group", func(t *meta.Token) { t.Renewers = append(t.Renewers, "Group:g") }),
		tokenFor("", nil), tokenFor("renewed by many", func(t *meta.Token) { t.Renewers = slices.Repeat(t.Renewers, limit.TokenRenewers+1) }),
		tokenFor("stolen", requester(late)),
	}
	var records [][]byte
	for _, token := range append(slices.Clone(good), bad...) {
		records = append(records, tokenRecord(token))
	}
	w.metadata(records, plainSpecs()...)
	w.refuse = func(c meta.Command) bool { _, last := c.(*meta.AdoptTopics); return last }
	if _, err := w.run(Request{}); err == nil || w.store.Image().TokenCount() != len(good) {
		t.Fatalf("an import that ends before its last step: %v, %d tokens", err, w.store.Image().TokenCount())
	}
	w.refuse = nil
	report, err := w.run(Request{})
	if err != nil || !report.Imported {
		t.Fatalf("%+v, %v", report, err)
	}
	var got []*meta.Token
	w.store.Image().Tokens(func(t *meta.Token) bool { got = append(got, t); return true })
	if diff := cmp.Diff(good, got); diff != "" {
		t.Error(diff)
	}
	for reason, n := range map[string]int{overAlready: 1, outOfBounds: 3, knownRevoked: 1} {
		if line := fmt.Sprintf("%d delegation token(s): %s", n, reason); !slices.Contains(report.LeftOut, line) {
			t.Errorf("%q is not in %q", line, report.LeftOut)
		}
	}
}

func TestTokensThatAreNotImported(t *testing.T) {
	for name, c := range map[string]struct {
		world   func(*world)
		request Request
		left    string
	}{
		"no secret": {func(w *world) { w.noTokens = true }, Request{}, noSecret},
		"left out":  {func(*world) {}, Request{Without: []Part{Tokens}}, ""},
	} {
		w := newWorld(t, 1)
		w.source(kafkaDir, plainSpecs()...)
		w.metadata([][]byte{tokenRecord(tokenFor("a", nil))}, plainSpecs()...)
		c.world(w)
		report, err := w.run(c.request)
		if err != nil || w.store.Image().TokenCount() != 0 || report.Tokens != 0 {
			t.Errorf("%s: %+v, %v", name, report, err)
		}
		if listed := strings.Contains(strings.Join(report.LeftOut, "\n"), "delegation token"); listed != (c.left != "") {
			t.Errorf("%s: left out are %q", name, report.LeftOut)
		}
	}
}

// TestTokensAreBounded: one owner has so many and no more, those included that are here.
func TestTokensAreBounded(t *testing.T) {
	w := newWorld(t, 1)
	w.source(kafkaDir, plainSpecs()...)
	own := tokenFor("here", func(t *meta.Token) {
		t.MaxTime, t.Expires = t.MaxTime+time.Hour.Milliseconds(), t.Expires+time.Hour.Milliseconds()
	})
	w.apply(&meta.CreateToken{Token: *own, Most: limit.TokensPerOwner, MostInAll: limit.Tokens})
	var records [][]byte
	for n := range limit.TokensPerOwner {
		records = append(records, tokenRecord(tokenFor(fmt.Sprint("token ", n), nil)))
	}
	w.metadata(records, plainSpecs()...)
	report, err := w.run(Request{})
	if err != nil || report.Tokens != limit.TokensPerOwner-1 || w.store.Image().TokenCount() != limit.TokensPerOwner {
		t.Errorf("%d tokens, %d in all: %v", report.Tokens, w.store.Image().TokenCount(), err)
	}
	if line := "1 delegation token(s): " + tooManyTokens; !slices.Contains(report.LeftOut, line) {
		t.Errorf("left out are %q", report.LeftOut)
	}
}
