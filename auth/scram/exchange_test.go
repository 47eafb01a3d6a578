package scram

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	franz "github.com/twmb/franz-go/pkg/sasl/scram"
	xdg "github.com/xdg-go/scram"

	"github.com/chronik-stream/chronik/auth"
)

const (
	testPassword = "pencil"
	testNonce    = `%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0` // the server's part in RFC 7677 section 3
)

var fakeKey = []byte("0123456789abcdef0123456789abcdef")

func newMechanism(t testing.TB, h Hash, users map[string]Credential) *Mechanism {
	t.Helper()
	m, err := New(Config{
		Hash: h, FakeSaltKey: fakeKey,
		Lookup: func(user string) (Credential, bool) { c, ok := users[user]; return c, ok },
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func derive(t testing.TB, h Hash, salt string, iterations int) Credential {
	t.Helper()
	c, err := Derive(testPassword, []byte(salt), iterations, h)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func rfcMechanism(t testing.TB) *Mechanism {
	t.Helper()
	salt := "\x5b\x6d\x99\x68\x9d\x12\x35\x8e\xec\xa0\x4b\x14\x12\x36\xfa\x81"
	m := newMechanism(t, SHA256, map[string]Credential{"user": derive(t, SHA256, salt, 4096)})
	m.nonce = func() string { return testNonce }
	return m
}

const (
	rfcFirst       = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
	rfcServerFirst = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
	rfcFinal       = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
	rfcServerFinal = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
)

// TestRFC7677 replays the exchange of RFC 7677 section 3.
func TestRFC7677(t *testing.T) {
	e := rfcMechanism(t).Start()
	answer, outcome, err := e.Step(t.Context(), []byte(rfcFirst))
	if string(answer) != rfcServerFirst || outcome != nil || err != nil {
		t.Fatalf("first: %q, %v, %v", answer, outcome, err)
	}
	if e.Claimed() != "user" {
		t.Errorf("claimed %q", e.Claimed())
	}
	answer, outcome, err = e.Step(t.Context(), []byte(rfcFinal))
	if string(answer) != rfcServerFinal || err != nil {
		t.Fatalf("final: %q, %v", answer, err)
	}
	if outcome == nil || outcome.Principal != auth.User("user") || !outcome.Expires.IsZero() || outcome.Iterations != 4096 {
		t.Errorf("outcome %+v", outcome)
	}
	if _, outcome, err = e.Step(t.Context(), []byte(rfcFinal)); !errors.Is(err, auth.ErrOutOfOrder) || outcome != nil {
		t.Errorf("third message: %v, %v", outcome, err)
	}
}

func TestClientsLogIn(t *testing.T) {
	const user = "a,b=c"
	for _, h := range []Hash{SHA256, SHA512} {
		users := map[string]Credential{user: derive(t, h, "abcdefghijklmnopqr", 8192)}
		for name, login := range map[string]func(*Mechanism, string, string) error{"xdg": xdgLogin, "franz-go": franzLogin} {
			m := newMechanism(t, h, users)
			if err := login(m, user, testPassword); err != nil {
				t.Errorf("%s %s: %v", h, name, err)
			}
			if err := login(m, user, "wrong"); !errors.Is(err, auth.ErrBadCredential) {
				t.Errorf("%s %s, wrong password: %v", h, name, err)
			}
			if err := login(m, "nobody", testPassword); !errors.Is(err, auth.ErrUnknownUser) {
				t.Errorf("%s %s, unknown user: %v", h, name, err)
			}
		}
	}
}

// TestUnknownUserLooksLikeAKnownOne compares what a client sees of both.
func TestUnknownUserLooksLikeAKnownOne(t *testing.T) {
	users := map[string]Credential{"known": derive(t, SHA512, string(NewSalt()), DefaultIterations)}
	m, again := newMechanism(t, SHA512, users), newMechanism(t, SHA512, users)
	form := regexp.MustCompile(`^r=abc[A-Za-z0-9+/]{32},s=[A-Za-z0-9+/]{32,36}={0,2},i=4096$`)
	for _, user := range []string{"known", "unknown"} {
		e := m.Start()
		answer, _, err := e.Step(t.Context(), []byte("n,,n="+user+",r=abc"))
		if err != nil || !form.Match(answer) {
			t.Errorf("%s: first %q, %v", user, answer, err)
		}
		final := "c=biws,r=" + field(t, answer, "r") + ",p=" + strings.Repeat("A", 86) + "=="
		answer, outcome, err := e.Step(t.Context(), []byte(final))
		if answer != nil || outcome != nil || err == nil {
			t.Errorf("%s: final %q, %v, %v", user, answer, outcome, err)
		}
	}
	if a, b := saltOf(t, m, "unknown"), saltOf(t, again, "unknown"); a != b {
		t.Errorf("salt of an unknown user changed: %s, %s", a, b)
	}
	if a, b := saltOf(t, m, "unknown"), saltOf(t, m, "unknown2"); a == b {
		t.Error("two unknown users have one salt")
	}
	if a, b := saltOf(t, m, "unknown"), saltOf(t, newMechanism(t, SHA256, nil), "unknown"); a == b {
		t.Error("two mechanisms have one salt")
	}
}

func TestUnusableCredentialIsShownAsUnknown(t *testing.T) {
	weak := derive(t, SHA256, "a salt of 16 bytes or more", 4096)
	weak.Iterations = 1
	other := derive(t, SHA512, "a salt of 16 bytes or more", 4096)
	m := newMechanism(t, SHA256, map[string]Credential{"weak": weak, "other": other})
	for _, user := range []string{"weak", "other"} {
		if err := xdgLogin(m, user, testPassword); !errors.Is(err, ErrBadCredential) {
			t.Errorf("%s: %v, want ErrBadCredential", user, err)
		}
	}
}

func TestFirstMessageRefused(t *testing.T) {
	for name, message := range map[string]string{
		"empty":               "",
		"too long":            "n,,n=user,r=" + strings.Repeat("r", auth.MaxScramMessage),
		"not UTF-8":           "n,,n=\xff\xfe,r=abc",
		"no parts":            "n",
		"three parts":         "n,,n=user",
		"channel binding":     "p=tls-exporter,,n=user,r=abc",
		"no binding flag":     ",,n=user,r=abc",
		"mandatory extension": "n,,m=x,n=user,r=abc",
		"no name":             "n,,n=,r=abc",
		"bad escape":          "n,,n=a=2Db,r=abc",
		"NUL in name":         "n,,n=a\x00b,r=abc",
		"long name":           "n,,n=" + strings.Repeat("u", auth.MaxNameBytes+1) + ",r=abc",
		"no nonce":            "n,,n=user,r=",
		"other field":         "n,,n=user,x=abc",
		"space in nonce":      "n,,n=user,r=a c",
		"long nonce":          "n,,n=user,r=" + strings.Repeat("r", auth.MaxScramNonce+1),
		"perhaps a token":     "n,,n=user,r=abc,tokenauth=yes",
		"a token, and not":    "n,,n=user,r=abc,tokenauth=true,tokenauth=false",
		"authzid form":        "n,b=user,n=user,r=abc",
	} {
		answer, outcome, err := rfcMechanism(t).Start().Step(t.Context(), []byte(message))
		if answer != nil || outcome != nil || !errors.Is(err, auth.ErrMalformed) {
			t.Errorf("%s: %q, %v, %v", name, answer, outcome, err)
		}
	}
}

// TestAuthorizationID is CVE-2017-12610: nobody acts for somebody else.
func TestAuthorizationID(t *testing.T) {
	m := rfcMechanism(t)
	if _, _, err := m.Start().Step(t.Context(), []byte("n,a=admin,n=user,r=abc")); !errors.Is(err, auth.ErrAuthzidNotAllowed) {
		t.Errorf("other authzid: %v", err)
	}
	if _, _, err := m.Start().Step(t.Context(), []byte("n,a=admin,n=nobody,r=abc")); !errors.Is(err, auth.ErrAuthzidNotAllowed) {
		t.Errorf("other authzid of an unknown user: %v", err)
	}
	for _, first := range []string{"n,a=user,n=user,r=abc", "y,,n=user,r=abc", "n,,n=user,r=abc,tokenauth=false,x=y"} {
		if _, _, err := m.Start().Step(t.Context(), []byte(first)); err != nil {
			t.Errorf("%s: %v", first, err)
		}
	}
}

func TestFinalMessageRefused(t *testing.T) {
	for name, change := range map[string][2]string{
		"client's part of the nonce only": {testNonce, ""}, // CVE-2024-56128
		"other nonce":                     {"r=rOpr", "r=xOpr"},
		"other gs2 header":                {"c=biws", "c=eSws"},
		"header not base64":               {"c=biws", "c=!!!!"},
		"other proof":                     {"p=dHzb", "p=eHzb"},
		"short proof":                     {"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=", "p=dHzb"},
		"no proof":                        {",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=", ""},
		"extension in front of the proof": {",p=", ",x=y,p="},
	} {
		e := rfcMechanism(t).Start()
		if _, _, err := e.Step(t.Context(), []byte(rfcFirst)); err != nil {
			t.Fatal(err)
		}
		message := strings.Replace(rfcFinal, change[0], change[1], 1)
		answer, outcome, err := e.Step(t.Context(), []byte(message))
		if answer != nil || outcome != nil || !errors.Is(err, auth.ErrBadCredential) {
			t.Errorf("%s: %q, %v, %v", name, answer, outcome, err)
		}
		if _, outcome, err := e.Step(t.Context(), []byte(rfcFinal)); outcome != nil || !errors.Is(err, auth.ErrOutOfOrder) {
			t.Errorf("%s, then the right message: %v, %v", name, outcome, err)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	lookup := func(string) (Credential, bool) { return Credential{}, false }
	for name, cfg := range map[string]Config{
		"no hash":   {Lookup: lookup, FakeSaltKey: fakeKey},
		"no lookup": {Hash: SHA256, FakeSaltKey: fakeKey},
		"short key": {Hash: SHA256, Lookup: lookup, FakeSaltKey: fakeKey[:15]},
	} {
		if _, err := New(cfg); !errors.Is(err, ErrBadConfig) {
			t.Errorf("%s: %v, want ErrBadConfig", name, err)
		}
	}
}

// TestFakeIterationsFollow: unknown users are shown what most users have now, and never what no credential may have.
func TestFakeIterationsFollow(t *testing.T) {
	now := 0
	m, err := New(Config{
		Hash: SHA256, FakeSaltKey: fakeKey, FakeIterations: func() int { return now },
		Lookup: func(string) (Credential, bool) { return Credential{}, false },
	})
	if err != nil {
		t.Fatal(err)
	}
	for told, want := range map[int]int{0: DefaultIterations, 8192: 8192, MaxIterations + 1: DefaultIterations} {
		now = told
		answer, _, err := m.Start().Step(t.Context(), []byte("n,,n=nobody,r=abc"))
		if err != nil || !strings.HasSuffix(string(answer), fmt.Sprint(",i=", want)) {
			t.Errorf("told %d: %q, %v", told, answer, err)
		}
	}
}

// FuzzServer sends two arbitrary messages: nothing but the one right proof ends in success.
func FuzzServer(f *testing.F) {
	f.Add([]byte(rfcFirst), []byte(rfcFinal))
	f.Add([]byte("y,a=user,n=us=2Cer,r=abc,tokenauth=true"), []byte("c=eSws,r=abc,p="))
	f.Add([]byte("n,,n="+tokenID+",r=abc,tokenauth=true"), []byte("c=biws,r=abc"+testNonce+",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="))
	f.Add([]byte("p=tls-unique,,n=,r="), []byte(",,,"))
	m := rfcMechanism(f)
	m.tokens = withTokens(f, SHA256).tokens
	f.Fuzz(func(t *testing.T, first, final []byte) {
		e := m.Start()
		answer, outcome, err := e.Step(context.Background(), first)
		if outcome != nil || (err == nil) != (answer != nil) {
			t.Fatalf("first %q: %q, %v, %v", first, answer, outcome, err)
		}
		_, outcome, err = e.Step(context.Background(), final)
		if (outcome == nil) == (err == nil) {
			t.Fatalf("final %q: %v, %v", final, outcome, err)
		}
		plain := strings.NewReplacer("\r", "", "\n", "").Replace(string(final)) // base64 may hold line breaks
		right := string(first) == rfcFirst && strings.HasPrefix(plain, rfcFinal[:len(rfcFinal)-2])
		if outcome != nil && !right {
			t.Fatalf("%q, %q logged in", first, final)
		}
	})
}

func xdgLogin(m *Mechanism, user, password string) error {
	client, err := m.generator.NewClientUnprepped(user, password, "")
	if err != nil {
		return err
	}
	conversation := client.NewConversation()
	e := m.Start()
	var challenge string
	for range 2 {
		message, err := conversation.Step(challenge)
		if err != nil {
			return err
		}
		answer, outcome, err := e.Step(context.Background(), []byte(message))
		if err != nil {
			return err
		}
		challenge = string(answer)
		if outcome != nil {
			return finish(conversation, challenge, outcome, user)
		}
	}
	return errors.New("no outcome after two messages")
}

func finish(conversation *xdg.ClientConversation, last string, outcome *auth.Outcome, user string) error {
	if _, err := conversation.Step(last); err != nil || !conversation.Valid() {
		return fmt.Errorf("the client does not believe the server: %w", err)
	}
	if outcome.Principal != auth.User(user) {
		return fmt.Errorf("principal %s", outcome.Principal)
	}
	return nil
}

func franzLogin(m *Mechanism, user, password string) error {
	_, err := franzOutcome(m, franz.Auth{User: user, Pass: password})
	return err
}

func franzOutcome(m *Mechanism, as franz.Auth) (*auth.Outcome, error) {
	client := as.AsSha256Mechanism()
	if m.hash == SHA512 {
		client = as.AsSha512Mechanism()
	}
	session, message, err := client.Authenticate(context.Background(), "")
	if err != nil {
		return nil, err
	}
	e := m.Start()
	for {
		answer, outcome, err := e.Step(context.Background(), message)
		if err != nil {
			return nil, err
		}
		var done bool
		if done, message, err = session.Challenge(answer); done || err != nil {
			return outcome, err
		}
	}
}

func saltOf(t *testing.T, m *Mechanism, user string) string {
	t.Helper()
	answer, _, err := m.Start().Step(t.Context(), []byte("n,,n="+user+",r=abc"))
	if err != nil {
		t.Fatal(err)
	}
	return field(t, answer, "s")
}

func field(t *testing.T, message []byte, name string) string {
	t.Helper()
	for part := range strings.SplitSeq(string(message), ",") {
		if value, found := strings.CutPrefix(part, name+"="); found {
			return value
		}
	}
	t.Fatalf("no %s in %q", name, message)
	return ""
}

// TestCredentialHoldsUntilItIsChanged: a log-in that began with a credential proves nothing once that is another one.
func TestCredentialHoldsUntilItIsChanged(t *testing.T) {
	m := rfcMechanism(t)
	users := map[string]Credential{"user": derive(t, SHA256, "another salt of 16", 4096)}
	stored := m.lookup
	for name, c := range map[string]struct {
		lookup func(string) (Credential, bool)
		want   bool
	}{
		"the same": {stored, true},
		"deleted":  {func(string) (Credential, bool) { return Credential{}, false }, false},
		"changed":  {func(user string) (Credential, bool) { c, ok := users[user]; return c, ok }, false},
	} {
		m.lookup = stored
		e := m.Start()
		if _, _, err := e.Step(t.Context(), []byte(rfcFirst)); err != nil {
			t.Fatal(err)
		}
		_, outcome, err := e.Step(t.Context(), []byte(rfcFinal))
		if err != nil {
			t.Fatal(err)
		}
		if m.lookup = c.lookup; outcome.Holds() != c.want {
			t.Errorf("%s: it holds: %v", name, !c.want)
		}
	}
}
