package oauth

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/chronik-stream/chronik/auth"
)

func contextThatHasEnded() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx, cancel
}

// message is a client's first message.
func message(authzid, token string) []byte {
	if authzid != "" {
		authzid = "a=" + authzid
	}
	return []byte("n," + authzid + ",\x01auth=Bearer " + token + "\x01\x01")
}

func TestExchange(t *testing.T) {
	key := newSigningKey(t, "k", jose.ES256)
	m, err := New(configOf(fileKeys(t, keySetOf(t, key))))
	if err != nil {
		t.Fatal(err)
	}
	good := key.sign(t, goodClaims(nil), nil)
	for name, sent := range map[string][]byte{"without authorization id": message("", good), "with one": message(testSubject, good)} {
		e := m.Start()
		answer, outcome, err := e.Step(t.Context(), sent)
		if err != nil || len(answer) != 0 || answer == nil || outcome == nil || outcome.Principal != auth.User(testSubject) ||
			len(outcome.Groups) != 2 || time.Until(outcome.Expires) < 50*time.Minute || e.Claimed() != testSubject {
			t.Fatalf("%s: %q, %+v, %v", name, answer, outcome, err)
		}
		if _, outcome, err := e.Step(t.Context(), sent); !errors.Is(err, auth.ErrOutOfOrder) || outcome != nil {
			t.Errorf("%s: the same message again: %v", name, err)
		}
	}
	answer, outcome, err := m.Start().Step(t.Context(), message("admin", good))
	if !errors.Is(err, auth.ErrAuthzidNotAllowed) || answer != nil || outcome != nil {
		t.Errorf("another's authorization id: %q, %+v, %v", answer, outcome, err)
	}
}

// TestRefusals holds what a client is told of a token that is not valid, and that no error tells the token.
func TestRefusals(t *testing.T) {
	key := newSigningKey(t, "k", jose.ES256)
	m, err := New(configOf(fileKeys(t, keySetOf(t, key))))
	if err != nil {
		t.Fatal(err)
	}
	const challenge = `{"status":"invalid_token"}`
	for name, test := range map[string]struct{ token, challenge, claimed string }{
		"expired":       {key.sign(t, goodClaims(map[string]any{"exp": 1}), nil), challenge, testSubject},
		"unsigned":      {encode(`{"alg":"none"}`) + "." + encode(toJSON(t, goodClaims(nil))) + ".", challenge, testSubject},
		"no JWT":        {"opaque", challenge, ""},
		"nothing to do": {key.sign(t, goodClaims(map[string]any{"sub": 7}), nil), challenge, ""},
		"unknown key":   {newSigningKey(t, "unknown", jose.ES256).sign(t, goodClaims(nil), nil), "", testSubject},
	} {
		ctx, cancel := contextThatHasEnded()
		defer cancel()
		e := m.Start()
		answer, outcome, err := e.Step(ctx, message("", test.token))
		if err == nil || outcome != nil || string(answer) != test.challenge || e.Claimed() != test.claimed {
			t.Errorf("%s: %q, %+v, %v, claimed %q", name, answer, outcome, err, e.Claimed())
			continue
		}
		for _, secret := range strings.Split(test.token, ".") {
			if secret != "" && strings.Contains(err.Error(), secret) {
				t.Errorf("%s: the error tells the token: %v", name, err)
			}
		}
	}
	u, err := NewUnsecured(UnsecuredConfig{GroupsClaim: "groups", RequiredScope: []string{"a", "b"}})
	if err != nil {
		t.Fatal(err)
	}
	answer, _, err := u.Start().Step(t.Context(), message("", unsecured(t, goodClaims(nil))))
	if want := `{"status":"insufficient_scope","scope":"[a b]"}`; err == nil || string(answer) != want {
		t.Errorf("a scope is missing: %s, %v", answer, err)
	}
	if u.Keys() != nil {
		t.Error("unsigned tokens have keys")
	}
}

func FuzzToken(f *testing.F) {
	key := newSigningKey(f, "k", jose.EdDSA)
	v := newTestValidator(f, configOf(fileKeys(f, keySetOf(f, key))))
	u, err := NewUnsecuredValidator(UnsecuredConfig{GroupsClaim: "groups"})
	if err != nil {
		f.Fatal(err)
	}
	good := key.sign(f, goodClaims(nil), nil)
	part := strings.Split(good, ".")
	f.Add(`{"alg":"EdDSA","kid":"k"}`, toJSON(f, goodClaims(nil)), part[2])
	f.Add(`{"alg":"none"}`, `{"sub":"x","exp":4e9}`, "")
	f.Add(`{"alg":"HS256","kid":"k","crit":["b64"],"jwk":{}}`, `{"aud":[null],"groups":[["x"]]}`, "AA")
	ctx, cancel := contextThatHasEnded()
	f.Cleanup(cancel)
	f.Fuzz(func(t *testing.T, header, payload, signature string) {
		text := encode(header) + "." + encode(payload) + "." + signature
		if id, err := v.Validate(ctx, text); err == nil && (encode(payload) != part[1] || signature != part[2]) {
			t.Errorf("%s: not signed by the issuer, and taken: %+v", text, id)
		}
		id, err := u.Validate(ctx, text)
		if err == nil && (checkName(id.Subject, auth.MaxNameBytes) != nil || id.Expires.IsZero() || len(id.Groups) > auth.MaxGroups) {
			t.Errorf("%s: %+v", text, id)
		}
	})
}

func FuzzKeySet(f *testing.F) {
	f.Add([]byte(keySetOf(f, newSigningKey(f, "k", jose.ES256), newSigningKey(f, "r", jose.RS256))))
	f.Add([]byte(`{"keys":[{"kty":"RSA","n":"","e":""},{"kty":"EC","crv":"P-256","x":"AA","y":"AA"},{"kty":"OKP","crv":"Ed25519","x":"AA"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		set, err := parseKeySet(text)
		if err != nil {
			return
		}
		for _, k := range set.keys {
			if len(k.verifies) == 0 || k.public == nil || len(k.id) > maxKeyID {
				t.Errorf("%s: %+v", text, k)
			}
		}
	})
}
