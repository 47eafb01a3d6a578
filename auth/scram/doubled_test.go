package scram

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"golang.org/x/crypto/pbkdf2"

	"github.com/chronik-stream/chronik/auth"
)

// proofOf is what a client that knows the password sends after the messages.
func proofOf(password string, c Credential, messages string) string {
	salted := pbkdf2.Key([]byte(password), c.Salt, c.Iterations, sha256.Size, sha256.New)
	clientKey := mac(SHA256, salted, "Client Key")
	stored := sha256.Sum256(clientKey)
	subtle.XORBytes(clientKey, clientKey, mac(SHA256, stored[:], messages))
	return base64.StdEncoding.EncodeToString(clientKey)
}

func TestTheDoubledNonceOfOldLibrdkafka(t *testing.T) {
	const nonce = "rOprNGfwEbeRWgbNEkqO"
	cases := map[string]struct {
		password, nonce, binding, user string
		want                           error
	}{
		"as it should be": {password: testPassword, nonce: nonce + nonce + testNonce, binding: "biws", user: "user"},
		"wrong password":  {password: "pen", nonce: nonce + nonce + testNonce, binding: "biws", user: "user", want: auth.ErrBadCredential},
		"another nonce":   {password: testPassword, nonce: "x" + nonce + testNonce, binding: "biws", user: "user", want: auth.ErrBadCredential},
		"tripled nonce":   {password: testPassword, nonce: nonce + nonce + nonce + testNonce, binding: "biws", user: "user", want: auth.ErrBadCredential},
		"server's alone":  {password: testPassword, nonce: testNonce, binding: "biws", user: "user", want: auth.ErrBadCredential},
		"another binding": {password: testPassword, nonce: nonce + nonce + testNonce, binding: "eSws", user: "user", want: auth.ErrBadCredential},
		"nobody":          {password: testPassword, nonce: nonce + nonce + testNonce, binding: "biws", user: "ghost", want: auth.ErrUnknownUser},
	}
	for name, c := range cases {
		m := rfcMechanism(t)
		credential, _ := m.find(c.user)
		e := m.Start()
		bare := "n=" + c.user + ",r=" + nonce
		first, _, err := e.Step(context.Background(), []byte("n,,"+bare))
		if err != nil {
			t.Fatal(err)
		}
		withoutProof := "c=" + c.binding + ",r=" + c.nonce
		final := withoutProof + ",p=" + proofOf(c.password, credential, strings.Join([]string{bare, string(first), withoutProof}, ","))
		answer, outcome, err := e.Step(context.Background(), []byte(final))
		if !errors.Is(err, c.want) || (c.want == nil) != (outcome != nil) {
			t.Errorf("%s: outcome %v, error %v, want %v", name, outcome, err, c.want)
		}
		if c.want == nil && !strings.HasPrefix(string(answer), "v=") {
			t.Errorf("%s: the server does not prove itself: %q", name, answer)
		}
	}
}
