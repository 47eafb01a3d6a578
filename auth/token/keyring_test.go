package token_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chronik-stream/chronik/auth/scram"
	"github.com/chronik-stream/chronik/auth/token"
)

const secret = "a secret of at least sixteen bytes"

func newKeyring(t *testing.T, secret string) *token.Keyring {
	t.Helper()
	r, err := token.NewKeyring(secret, scram.SHA256, scram.SHA512)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestHMACIsKafkas: HMAC-SHA-512 of the id, keyed with the text of delegation.token.secret.key.
func TestHMACIsKafkas(t *testing.T) {
	m := hmac.New(sha512.New, []byte(secret))
	m.Write([]byte("p0Vhyz6vSVCJxDpCo1pCQw"))
	if got := newKeyring(t, secret).HMAC("p0Vhyz6vSVCJxDpCo1pCQw"); !hmac.Equal(got, m.Sum(nil)) {
		t.Errorf("%x", got)
	}
}

func TestKeyringFindsTokensByHMAC(t *testing.T) {
	r := newKeyring(t, secret)
	r.Add("a")
	r.Add("b")
	r.Add("a")
	for _, id := range []string{"a", "b"} {
		if got, found := r.Find(r.HMAC(id)); !found || got != id {
			t.Errorf("%s is found as %q, %v", id, got, found)
		}
	}
	wrong := r.HMAC("a")
	wrong[63] ^= 1
	for name, h := range map[string][]byte{"a flipped bit": wrong, "nothing": nil, "the start": r.HMAC("a")[:32], "an unknown token's": r.HMAC("c")} {
		if got, found := r.Find(h); found {
			t.Errorf("%s finds %q", name, got)
		}
	}
	r.Remove("a")
	if got, found := r.Find(r.HMAC("a")); found {
		t.Errorf("a removed token is found as %q", got)
	}
	if _, found := r.Credential("a", scram.SHA256); found {
		t.Error("a removed token has a credential")
	}
}

// TestCredentialIsThatOfTheHMAC: its password is the HMAC in base64, and it is the same in every process that has the secret.
func TestCredentialIsThatOfTheHMAC(t *testing.T) {
	form := regexp.MustCompile(`^[0-9a-z]{20,26}$`)
	for _, h := range []scram.Hash{scram.SHA256, scram.SHA512} {
		r, again, other := newKeyring(t, secret), newKeyring(t, secret), newKeyring(t, secret+".")
		for _, ring := range []*token.Keyring{r, again, other} {
			ring.Add("a")
			ring.Add("b")
		}
		got, found := r.Credential("a", h)
		want, err := scram.Derive(base64.StdEncoding.EncodeToString(r.HMAC("a")), got.Salt, 4096, h)
		if err != nil || !found {
			t.Fatal(found, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", h, diff)
		}
		same, _ := again.Credential("a", h)
		if diff := cmp.Diff(got, same); diff != "" {
			t.Errorf("%s: another process with this secret: %s", h, diff)
		}
		if !form.Match(got.Salt) {
			t.Errorf("%s: salt %q has not the form of a user's", h, got.Salt)
		}
		for name, o := range map[string]func() (scram.Credential, bool){
			"another token": func() (scram.Credential, bool) { return r.Credential("b", h) }, "another secret": func() (scram.Credential, bool) { return other.Credential("a", h) },
			"another mechanism": func() (scram.Credential, bool) { return r.Credential("a", scram.SHA256+scram.SHA512-h) },
		} {
			if c, found := o(); !found || string(c.Salt) == string(got.Salt) || string(c.StoredKey) == string(got.StoredKey) {
				t.Errorf("%s: %s has the same", h, name)
			}
		}
	}
}

func TestOnlyEnabledMechanismsHaveCredentials(t *testing.T) {
	r, err := token.NewKeyring(secret, scram.SHA512)
	if err != nil {
		t.Fatal(err)
	}
	r.Add("a")
	if _, found := r.Credential("a", scram.SHA256); found {
		t.Error("there is one for SCRAM-SHA-256")
	}
}

func TestShortSecretsAreRefused(t *testing.T) {
	short := strings.Repeat("x", token.MinSecretBytes-1)
	_, err := token.NewKeyring(short)
	if !errors.Is(err, token.ErrBadSecret) || strings.Contains(err.Error(), short) {
		t.Errorf("%v", err)
	}
}

// TestRunDerivesWhileTokensComeAndGo: whoever asks meanwhile gets the same.
func TestRunDerivesWhileTokensComeAndGo(t *testing.T) {
	r := newKeyring(t, secret)
	ctx, cancel := context.WithCancel(t.Context())
	var running, asking sync.WaitGroup
	running.Go(func() { r.Run(ctx) })
	for i := range 4 {
		asking.Go(func() {
			id := fmt.Sprint("token ", i%2)
			r.Add(id)
			first, found := r.Credential(id, scram.SHA512)
			second, _ := r.Credential(id, scram.SHA512)
			if !found || cmp.Diff(first, second) != "" {
				t.Errorf("%s: %v, then %v", id, first, second)
			}
		})
	}
	asking.Wait()
	for i := range 2 {
		r.Remove(fmt.Sprint("token ", i))
	}
	cancel()
	running.Wait()
}
