package plain

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/chronik-stream/chronik/auth"
)

// only accepts one user with one password.
type only struct{ user, password string }

func (o only) Verify(_ context.Context, user, password string) error {
	if user != o.user {
		return auth.ErrUnknownUser
	}
	if password != o.password {
		return auth.ErrBadCredential
	}
	return nil
}

func newMechanism(t testing.TB) *Mechanism {
	t.Helper()
	m, err := New(Config{Verifier: only{"tim", "tanstaaftanstaaf"}})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestRFC4616 has the examples of RFC 4616 section 4, and what that RFC and Apache Kafka refuse.
func TestRFC4616(t *testing.T) {
	for _, c := range []struct {
		name, message string
		want          error
	}{
		{"example 1", "\x00tim\x00tanstaaftanstaaf", nil},
		{"own authzid", "tim\x00tim\x00tanstaaftanstaaf", nil},
		{"example 2: other authzid", "Ursel\x00tim\x00tanstaaftanstaaf", auth.ErrAuthzidNotAllowed}, // CVE-2017-12610
		{"authzid that begins as the user", "ti\x00tim\x00tanstaaftanstaaf", auth.ErrAuthzidNotAllowed},
		{"wrong password", "\x00tim\x00tanstaaf", auth.ErrBadCredential},
		{"unknown user", "\x00tom\x00tanstaaftanstaaf", auth.ErrUnknownUser},
		{"empty", "", auth.ErrMalformed},
		{"no separator", "tim", auth.ErrMalformed},
		{"one separator", "tim\x00tanstaaftanstaaf", auth.ErrMalformed},
		{"three separators", "\x00tim\x00tanstaaftanstaaf\x00", auth.ErrMalformed},
		{"no user", "\x00\x00tanstaaftanstaaf", auth.ErrMalformed},
		{"no password", "\x00tim\x00", auth.ErrMalformed},
		{"not UTF-8", "\x00tim\x00\xff", auth.ErrMalformed},
		{"long user", "\x00" + strings.Repeat("t", auth.MaxNameBytes+1) + "\x00p", auth.ErrMalformed},
		{"long password", "\x00tim\x00" + strings.Repeat("p", auth.MaxPasswordBytes+1), auth.ErrMalformed},
		{"long message", "\x00tim\x00" + strings.Repeat("p", auth.MaxPlainMessage), auth.ErrMalformed},
	} {
		e := newMechanism(t).Start()
		answer, outcome, err := e.Step(t.Context(), []byte(c.message))
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		if (outcome != nil) != (c.want == nil) || len(answer) != 0 {
			t.Errorf("%s: outcome %v, answer %q", c.name, outcome, answer)
		}
		if outcome != nil && outcome.Principal != auth.User("tim") {
			t.Errorf("%s: principal %s", c.name, outcome.Principal)
		}
		if err != nil && strings.Contains(err.Error(), "tanstaaf") {
			t.Errorf("%s: the error holds the password: %v", c.name, err)
		}
		if _, outcome, err := e.Step(t.Context(), []byte("\x00tim\x00tanstaaftanstaaf")); outcome != nil || !errors.Is(err, auth.ErrOutOfOrder) {
			t.Errorf("%s, second message: %v, %v", c.name, outcome, err)
		}
	}
}

func TestClaimed(t *testing.T) {
	e := newMechanism(t).Start()
	before := e.Claimed()
	_, _, err := e.Step(t.Context(), []byte("\x00mallory\x00x"))
	if before != "" || e.Claimed() != "mallory" || err == nil {
		t.Errorf("claimed %q, then %q; %v", before, e.Claimed(), err)
	}
}

func FuzzServer(f *testing.F) {
	f.Add([]byte("\x00tim\x00tanstaaftanstaaf"))
	f.Add([]byte("Ursel\x00tim\x00tanstaaftanstaaf"))
	f.Add([]byte("\x00\x00\x00"))
	m := newMechanism(f)
	f.Fuzz(func(t *testing.T, message []byte) {
		_, outcome, err := m.Start().Step(context.Background(), message)
		right := strings.TrimPrefix(string(message), "tim") == "\x00tim\x00tanstaaftanstaaf"
		if (outcome == nil) == (err == nil) || (outcome != nil) != right {
			t.Fatalf("%q: %v, %v", message, outcome, err)
		}
	})
}

// table is a Lookup that can change.
type table struct{ now atomic.Pointer[Credential] }

func (s *table) lookup(user string) (Credential, bool) {
	if user != "tim" {
		return Credential{}, false
	}
	return *s.now.Load(), true
}

func (s *table) set(t *testing.T, mechanism, password string) {
	t.Helper()
	c := Credential{Mechanism: mechanism, Salt: randomSalt(), Iterations: defaultIterations}
	var err error
	if c.StoredKey, err = storedKey(mechanism, password, c.Salt, c.Iterations); err != nil {
		t.Fatal(err)
	}
	s.now.Store(&c)
}

func newVerifier(t *testing.T, s *table) *StoredVerifier {
	t.Helper()
	v, err := NewStoredVerifier(StoredConfig{Lookup: s.lookup, Concurrent: 1})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestStoredVerifier(t *testing.T) {
	for _, mechanism := range []string{"SCRAM-SHA-256", "SCRAM-SHA-512"} {
		s := &table{}
		s.set(t, mechanism, "right")
		v := newVerifier(t, s)
		for range 2 { // the second right one is remembered
			expect(t, v, "tim", "wrong", auth.ErrBadCredential)
			expect(t, v, "tom", "right", auth.ErrUnknownUser)
			expect(t, v, "tim", "right", nil)
		}
		if v.remembered.Len() != 1 {
			t.Errorf("%d log-ins remembered, want only the right one", v.remembered.Len())
		}
	}
}

// TestRememberedLogInEndsWithItsCredential: a changed password and a deleted user take effect at once.
func TestRememberedLogInEndsWithItsCredential(t *testing.T) {
	s := &table{}
	s.set(t, "SCRAM-SHA-512", "old")
	v := newVerifier(t, s)
	expect(t, v, "tim", "old", nil)
	s.set(t, "SCRAM-SHA-512", "new")
	expect(t, v, "tim", "old", auth.ErrBadCredential)
	expect(t, v, "tim", "new", nil)
	v.lookup = func(string) (Credential, bool) { return Credential{}, false }
	expect(t, v, "tim", "new", auth.ErrUnknownUser)
}

func TestRememberedLogInTakesNoTurn(t *testing.T) {
	s := &table{}
	s.set(t, "SCRAM-SHA-512", "right")
	v := newVerifier(t, s)
	expect(t, v, "tim", "right", nil)
	v.turns <- struct{}{}
	expect(t, v, "tim", "right", nil)
}

func TestTurnsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &table{}
		s.set(t, "SCRAM-SHA-512", "right")
		v := newVerifier(t, s)
		v.turns <- struct{}{}
		expect(t, v, "tim", "right", ErrBusy)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := v.Verify(ctx, "tom", "right"); !errors.Is(err, context.Canceled) {
			t.Errorf("%v, want context.Canceled", err)
		}
		<-v.turns
		expect(t, v, "tim", "right", nil)
	})
}

// TestUnknownUserCostsADerivation: of the kind that most users have, so that the time that it takes does not tell.
func TestUnknownUserCostsADerivation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mechanism, iterations := "", 0
		v, err := NewStoredVerifier(StoredConfig{
			Lookup: (&table{}).lookup, Concurrent: 1, Usual: func() (string, int) { return mechanism, iterations },
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			mechanism  string
			iterations int
			want       Credential
		}{
			{"SCRAM-SHA-256", 8192, Credential{Mechanism: "SCRAM-SHA-256", Iterations: 8192}},
			{"", 0, Credential{Mechanism: defaultMechanism, Iterations: defaultIterations}},
			{"PLAIN", 8192, Credential{Mechanism: defaultMechanism, Iterations: defaultIterations}},
		} {
			mechanism, iterations = c.mechanism, c.iterations
			if got := v.fake(); got.Mechanism != c.want.Mechanism || got.Iterations != c.want.Iterations || len(got.Salt) == 0 {
				t.Errorf("%+v: %+v", c, got)
			}
		}
		expect(t, v, "tom", "x", auth.ErrUnknownUser)
		v.turns <- struct{}{}
		expect(t, v, "tom", "x", ErrBusy) // it waits for its turn at deriving
	})
}

func TestUnusableCredential(t *testing.T) {
	s := &table{}
	s.now.Store(&Credential{Mechanism: "SCRAM-SHA-1", Salt: []byte("s"), Iterations: 4096, StoredKey: make([]byte, 20)})
	expect(t, newVerifier(t, s), "tim", "x", ErrUnusable)
}

func TestReadUsers(t *testing.T) {
	salt := []byte("0123456789abcdef")
	stored, err := storedKey("SCRAM-SHA-256", "hashed one", salt, 4096)
	if err != nil {
		t.Fatal(err)
	}
	hashed := fmt.Sprintf("SCRAM-SHA-256$4096:%s$%s:", base64.StdEncoding.EncodeToString(salt), base64.StdEncoding.EncodeToString(stored))
	users, err := ReadUsers(strings.NewReader("# users\ntim=${HOME} secret\nbob : b=b\nann="+hashed+"\n"), nil)
	if err != nil || users.Len() != 3 {
		t.Fatalf("%v, %v", users, err)
	}
	v, err := NewStoredVerifier(StoredConfig{Lookup: users.Lookup})
	if err != nil {
		t.Fatal(err)
	}
	expect(t, v, "tim", "${HOME} secret", nil)
	expect(t, v, "bob", "b=b", nil)
	expect(t, v, "ann", "hashed one", nil)
	expect(t, v, "ann", hashed, auth.ErrBadCredential)
	expect(t, v, "joe", "b=b", auth.ErrUnknownUser)
}

func TestReadUsersRefuses(t *testing.T) {
	many := &strings.Builder{}
	for i := range maxClearUsers + 1 {
		fmt.Fprintf(many, "u%d=geheim\n", i)
	}
	for name, text := range map[string]string{
		"no password":     "tim=",
		"no user":         "=geheim",
		"no value":        "tim",
		"bad escape":      `tim=geheim\u12`,
		"hash form":       "tim=SCRAM-SHA-256$geheim",
		"hash name":       "tim=SCRAM-SHA-1$4096:MTIz$MTIz:MTIz",
		"hash length":     "tim=SCRAM-SHA-256$4096:MTIz$MTIz:MTIz",
		"hash iterations": "tim=SCRAM-SHA-256$1:MTIz$" + base64.StdEncoding.EncodeToString(make([]byte, 32)) + ":",
		"too many":        many.String(),
		"too large":       strings.Repeat("#", maxFileBytes+1),
	} {
		users, err := ReadUsers(strings.NewReader(text), nil)
		if users != nil || err == nil || !errors.Is(err, ErrBadUserFile) {
			t.Errorf("%s: %v, %v", name, users, err)
			continue
		}
		if strings.Contains(err.Error(), "geheim") {
			t.Errorf("%s: the error holds a password: %v", name, err)
		}
	}
}

// TestUsersFileIsHeldToARule: passwords in clear are, hashed ones can not be, and the error names the first user who breaks it.
func TestUsersFileIsHeldToARule(t *testing.T) {
	const hashed = "SCRAM-SHA-256$4096:YSBzYWx0IG9mIDE2IGJ5dGVzIG9yIG1vcmU=$"
	key := base64.StdEncoding.EncodeToString(make([]byte, 32))
	text := "tim=hush\nann=" + hashed + key + ":" + key + "\n"
	asked := ""
	if _, err := ReadUsers(strings.NewReader(text), func(user, _ string) error { asked += user; return nil }); err != nil || asked != "tim" {
		t.Errorf("asked about %q: %v", asked, err)
	}
	weak := errors.New("weak")
	_, err := ReadUsers(strings.NewReader(text+"bob=hush\ncarol=hush\n"), func(string, string) error { return weak })
	if !errors.Is(err, weak) || !errors.Is(err, ErrBadUserFile) || !strings.Contains(err.Error(), "tim") || strings.Contains(err.Error(), "hush") {
		t.Errorf("%v", err)
	}
}

func TestConfigRefused(t *testing.T) {
	if _, err := New(Config{}); !errors.Is(err, ErrBadConfig) {
		t.Errorf("no verifier: %v", err)
	}
	lookup := (&table{}).lookup
	for name, cfg := range map[string]StoredConfig{
		"no lookup": {},
		"turns":     {Lookup: lookup, Concurrent: -1},
	} {
		if _, err := NewStoredVerifier(cfg); !errors.Is(err, ErrBadConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func expect(t *testing.T, v Verifier, user, password string, want error) {
	t.Helper()
	if err := v.Verify(t.Context(), user, password); !errors.Is(err, want) {
		t.Errorf("verify %s/%s: %v, want %v", user, password, err, want)
	}
}

// TestPasswordHoldsUntilItIsChanged: a log-in proves nothing once the password is another one.
func TestPasswordHoldsUntilItIsChanged(t *testing.T) {
	s := &table{}
	s.set(t, "SCRAM-SHA-512", "right")
	m, err := New(Config{Verifier: newVerifier(t, s)})
	if err != nil {
		t.Fatal(err)
	}
	_, outcome, err := m.Start().Step(t.Context(), []byte("\x00tim\x00right"))
	if err != nil || !outcome.Holds() {
		t.Fatalf("a right password: %v", err)
	}
	if s.set(t, "SCRAM-SHA-512", "new"); outcome.Holds() {
		t.Error("the old password holds")
	}
}
