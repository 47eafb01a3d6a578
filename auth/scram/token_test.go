package scram

import (
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	franz "github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/chronik-stream/chronik/auth"
)

const (
	tokenID     = "p0Vhyz6vSVCJxDpCo1pCQw"
	tokenSecret = "c2VjcmV0IG9mIHRoZSB0b2tlbg=="
)

var tokenEnd = time.UnixMilli(1_700_000_000_000)

// withTokens adds a token to a mechanism that knows the users "user" and, to be mistaken for it, one with the token's id.
func withTokens(t testing.TB, h Hash) *Mechanism {
	t.Helper()
	m := newMechanism(t, h, map[string]Credential{"user": derive(t, h, "a longer salt of a user", 4096), tokenID: derive(t, h, "a longer salt of another", 4096)})
	credential, err := Derive(tokenSecret, NewSalt(), DefaultIterations, h)
	if err != nil {
		t.Fatal(err)
	}
	known := Token{Owner: auth.User("owner"), Expires: tokenEnd, Credential: credential}
	m.tokens = func(id string) (Token, bool) { return known, id == tokenID }
	return m
}

func TestTokensLogInTheirOwner(t *testing.T) {
	for _, h := range []Hash{SHA256, SHA512} {
		outcome, err := franzOutcome(withTokens(t, h), franz.Auth{User: tokenID, Pass: tokenSecret, IsToken: true})
		if err != nil {
			t.Fatalf("%s: %v", h, err)
		}
		if outcome.Principal != auth.User("owner") || outcome.Token != tokenID || !outcome.Expires.Equal(tokenEnd) || !outcome.Holds() {
			t.Errorf("%s: %+v", h, outcome)
		}
	}
}

// TestTokensAreNoUsers: neither opens what the other does, whatever they are called.
func TestTokensAreNoUsers(t *testing.T) {
	m := withTokens(t, SHA512)
	outcome, err := franzOutcome(m, franz.Auth{User: tokenID, Pass: testPassword})
	if err != nil || outcome.Principal != auth.User(tokenID) || outcome.Token != "" || !outcome.Expires.IsZero() {
		t.Errorf("the user who is called like the token: %+v, %v", outcome, err)
	}
	for name, c := range map[string]struct {
		as   franz.Auth
		want error
	}{
		"a user's name as a token":            {franz.Auth{User: "user", Pass: testPassword, IsToken: true}, auth.ErrUnknownToken},
		"the owner's name as a token":         {franz.Auth{User: "owner", Pass: tokenSecret, IsToken: true}, auth.ErrUnknownToken},
		"a token as a user":                   {franz.Auth{User: tokenID, Pass: tokenSecret}, auth.ErrBadCredential},
		"a token with a password":             {franz.Auth{User: tokenID, Pass: testPassword, IsToken: true}, auth.ErrBadCredential},
		"a token that acts for its owner":     {franz.Auth{User: tokenID, Zid: "owner", Pass: tokenSecret, IsToken: true}, auth.ErrAuthzidNotAllowed},
		"an unknown token that acts for user": {franz.Auth{User: "x", Zid: "user", Pass: tokenSecret, IsToken: true}, auth.ErrAuthzidNotAllowed},
	} {
		if outcome, err := franzOutcome(m, c.as); outcome != nil || !errors.Is(err, c.want) {
			t.Errorf("%s: %+v, %v", name, outcome, err)
		}
	}
	m.tokens = nil
	if outcome, err := franzOutcome(m, franz.Auth{User: tokenID, Pass: tokenSecret, IsToken: true}); outcome != nil || !errors.Is(err, auth.ErrUnknownToken) {
		t.Errorf("without tokens: %+v, %v", outcome, err)
	}
}

// TestUnknownTokenLooksLikeAKnownOne compares what a client sees of both, and of users with these names.
func TestUnknownTokenLooksLikeAKnownOne(t *testing.T) {
	m := withTokens(t, SHA512)
	form := regexp.MustCompile(`^r=abc[A-Za-z0-9+/]{32},s=[A-Za-z0-9+/]{32,36}={0,2},i=4096$`)
	salts := map[string]string{}
	for _, first := range []string{"n=" + tokenID + ",r=abc,tokenauth=true", "n=unknown,r=abc,tokenauth=true", "n=unknown,r=abc"} {
		e := m.Start()
		answer, _, err := e.Step(t.Context(), []byte("n,,"+first))
		if err != nil || !form.Match(answer) {
			t.Fatalf("%s: first %q, %v", first, answer, err)
		}
		salts[field(t, answer, "s")] = first
		final := "c=biws,r=" + field(t, answer, "r") + ",p=" + strings.Repeat("A", 86) + "=="
		answer, outcome, err := e.Step(t.Context(), []byte(final))
		if answer != nil || outcome != nil || err == nil {
			t.Errorf("%s: final %q, %v, %v", first, answer, outcome, err)
		}
	}
	if len(salts) != 3 {
		t.Errorf("what is no token is shown the salt of a user: %v", salts)
	}
	again, _, err := m.Start().Step(t.Context(), []byte("n,,n=unknown,r=abc,tokenauth=TRUE"))
	if err != nil || salts[field(t, again, "s")] != "n=unknown,r=abc,tokenauth=true" {
		t.Errorf("the salt of an unknown token changed: %q, %v", again, err)
	}
}

// TestUnknownTokensAreShownTheIterationsOfTokens: and not those of unknown users.
func TestUnknownTokensAreShownTheIterationsOfTokens(t *testing.T) {
	m := withTokens(t, SHA256)
	m.iterations = func() int { return 8192 }
	for first, want := range map[string]string{"n,,n=x,r=abc": "8192", "n,,n=x,r=abc,tokenauth=true": "4096"} {
		if answer, _, err := m.Start().Step(t.Context(), []byte(first)); err != nil || field(t, answer, "i") != want {
			t.Errorf("%s: %q, %v", first, answer, err)
		}
	}
}

func TestUnusableTokenIsShownAsUnknown(t *testing.T) {
	m := withTokens(t, SHA512)
	m.tokens = withTokens(t, SHA256).tokens
	if outcome, err := franzOutcome(m, franz.Auth{User: tokenID, Pass: tokenSecret, IsToken: true}); outcome != nil || !errors.Is(err, ErrBadCredential) {
		t.Errorf("a credential for another hash: %+v, %v", outcome, err)
	}
}

// TestTokenHoldsUntilItIsGone: a log-in that began with a token proves nothing once that has expired or been removed.
func TestTokenHoldsUntilItIsGone(t *testing.T) {
	m := withTokens(t, SHA256)
	outcome, err := franzOutcome(m, franz.Auth{User: tokenID, Pass: tokenSecret, IsToken: true})
	if err != nil {
		t.Fatal(err)
	}
	m.tokens = func(string) (Token, bool) { return Token{}, false }
	if outcome.Holds() {
		t.Error("it holds although the token is gone")
	}
}

// TestClaimedTellsTokensFromUsers: what a failed log-in claimed is recorded by it.
func TestClaimedTellsTokensFromUsers(t *testing.T) {
	for first, want := range map[string]string{"n,,n=x,r=abc": "x", "n,,n=x,r=abc,tokenauth=true": "delegation token x", "n,,n=,r=abc,tokenauth=true": ""} {
		e := withTokens(t, SHA256).Start()
		_, _, _ = e.Step(t.Context(), []byte(first))
		if got := e.Claimed(); got != want {
			t.Errorf("%s claims %q", first, got)
		}
	}
}

// TestTokensAreNotGuessed: nobody is held back, or locked out, for a secret that is random and long, whoever knows the token's id.
func TestTokensAreNotGuessed(t *testing.T) {
	for message, want := range map[string]string{
		"n,,n=" + tokenID + ",r=nonce":                tokenID,
		"n,,n=" + tokenID + ",r=nonce,tokenauth=true": "",
	} {
		e, ok := withTokens(t, SHA256).Start().(auth.Foreteller)
		if !ok {
			t.Fatal("nobody can tell whose proof comes")
		}
		if _, _, err := e.Step(t.Context(), []byte(message)); err != nil {
			t.Fatal(err)
		}
		if got := e.Foretell(nil); got != want {
			t.Errorf("%s: the proof is of %q, want %q", message, got, want)
		}
	}
}
