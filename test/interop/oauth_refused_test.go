//go:build interop

package interop

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/test/harness"
)

// saslError is what a refused token is answered with (RFC 7628 section 3.2.2), publicFailure what ends every failed log-in.
const (
	saslError     = `{"status":"invalid_token"}`
	publicFailure = "Authentication failed: Invalid credentials"
	saslFailed    = 58
)

// badTokens are tokens that must open nothing, with what the audit event says of each.
func badTokens(t *testing.T, i, other *harness.Issuer) map[string]string {
	t.Helper()
	now := time.Now()
	good := i.Token(t, oauthService, nil)
	part := strings.Split(good, ".")
	signature, err := base64.RawURLEncoding.DecodeString(part[2])
	if err != nil {
		t.Fatal(err)
	}
	signature[0] ^= 1
	return map[string]string{
		"has expired":           i.Token(t, oauthService, map[string]any{"exp": now.Add(-time.Second).Unix()}),
		"not valid yet":         i.Token(t, oauthService, map[string]any{"nbf": now.Add(time.Hour).Unix()}),
		"another issuer":        i.Token(t, oauthService, map[string]any{"iss": "https://evil.example"}),
		"another audience":      i.Token(t, oauthService, map[string]any{"aud": "billing"}),
		`not allowed: "none"`:   encoded(`{"alg":"none"}`) + "." + part[1] + ".",
		`not allowed: "HS256"`:  signedByPublicKey(t, i, part[1]),
		"2 parts":               part[0] + "." + part[1],
		"part 3 of the token":   good[:len(good)-1],
		"signature is wrong":    part[0] + "." + part[1] + "." + base64.RawURLEncoding.EncodeToString(signature),
		"signature is wrong: 2": other.Token(t, oauthService, map[string]any{"iss": i.URL}),
		`"sub" is missing`:      i.Token(t, oauthService, map[string]any{"sub": nil}),
		"257 groups":            i.Token(t, oauthService, map[string]any{"groups": values("group", 257)}),
	}
}

func encoded(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// signedByPublicKey takes the issuer's public key for the secret of a HMAC.
func signedByPublicKey(t *testing.T, i *harness.Issuer, payload string) string {
	t.Helper()
	public, id := i.PublicKey()
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	signed := encoded(fmt.Sprintf(`{"alg":"HS256","kid":%q}`, id)) + "." + payload
	mac := hmac.New(sha256.New, der)
	mac.Write([]byte(signed))
	return signed + "." + encoded(string(mac.Sum(nil)))
}

// TestBadTokensOpenNothing shows each bad token to a listener: the client is told no more than that it is not valid, the auditor why, and
// nothing that the broker writes holds a token.
func TestBadTokensOpenNothing(t *testing.T) {
	t.Parallel()
	b := startTokenBroker(t, "CHRONIK_LOG_LEVEL=debug", "CHRONIK_LOGIN_FAILURES_DELAY_MAX_MS=100")
	other := harness.StartIssuer(t, nil)
	bad := badTokens(t, b.issuer, other)
	for name, token := range bad {
		conn := dialTLS(t, b.Broker)
		if got := present(t, conn, "", token); got.ErrorCode != 0 || string(got.SASLAuthBytes) != saslError {
			t.Errorf("%s: first told %d, %q", name, got.ErrorCode, got.SASLAuthBytes)
		}
		got := authenticateBy(t, conn, []byte{1})
		if got.ErrorCode != saslFailed || got.ErrorMessage == nil || *got.ErrorMessage != publicFailure || len(got.SASLAuthBytes) != 0 {
			t.Errorf("%s: then told %+v", name, got)
		}
		if !closes(conn) {
			t.Errorf("%s: the connection goes on", name)
		}
	}
	good := b.issuer.Token(t, oauthService, nil)
	for name, sent := range map[string]string{"another's name": "a=admin", "no name": "b=admin"} {
		conn := dialTLS(t, b.Broker)
		if got := present(t, conn, sent, good); got.ErrorCode != saslFailed || len(got.SASLAuthBytes) != 0 {
			t.Errorf("%s: told %+v", name, got)
		}
	}
	conn := dialTLS(t, b.Broker)
	if got := present(t, conn, "a="+oauthService, good); got.ErrorCode != 0 || len(got.SASLAuthBytes) != 0 || got.SessionLifetimeMillis < 3_500_000 || got.SessionLifetimeMillis > 3_600_000 {
		t.Errorf("a good token: told %+v", got)
	}
	auditedTokens(t, b, bad, good)
}

// auditedTokens holds the audit log to one failure for each bad token, and to the good one's groups.
func auditedTokens(t *testing.T, b tokenBroker, bad map[string]string, good string) {
	t.Helper()
	refused := len(bad) + 2
	audited, failures, grouped := "", 0, 0
	for deadline := time.Now().Add(time.Minute); failures < refused && time.Now().Before(deadline); {
		audited = harness.Command(t, "", "kcat", slices.Concat(saslKcat(t, b.Broker, "PLAIN"),
			[]string{"-C", "-q", "-t", "__audit_log", "-o", "beginning", "-e"})...)
		failures, grouped = tokenLogIns(t, audited)
	}
	if failures != refused || grouped != 1 {
		t.Errorf("%d failed log-ins and %d with the group are audited, want %d and 1", failures, grouped, refused)
	}
	for name := range bad {
		cause, _, _ := strings.Cut(name, ": 2")
		if quoted, err := json.Marshal(cause); err != nil || !strings.Contains(audited, strings.Trim(string(quoted), `"`)) {
			t.Errorf("no event says %q", cause)
		}
	}
	written := audited + b.Log()
	bad["good"] = good
	for name, token := range bad {
		for _, secret := range strings.Split(token, ".")[1:] {
			if secret != "" && strings.Contains(written, secret) {
				t.Errorf("a log holds the token %q", name)
			}
		}
	}
}

// tokenLogIns counts, in lines of events, the log-ins by token that failed, and those that brought the group.
func tokenLogIns(t *testing.T, events string) (failures, grouped int) {
	t.Helper()
	for line := range strings.Lines(events) {
		var e struct {
			Protocol string `json:"auth_protocol"`
			Activity int    `json:"activity_id"`
			Status   int    `json:"status_id"`
			User     struct {
				Groups []struct {
					Name string `json:"name"`
				} `json:"groups"`
			} `json:"user"`
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		switch {
		case e.Protocol != "OAUTHBEARER" || e.Activity != 1:
		case e.Status == 2:
			failures++
		case len(e.User.Groups) == 1 && e.User.Groups[0].Name == oauthGroup:
			grouped++
		}
	}
	return failures, grouped
}

// present logs in by a token and returns the answer.
func present(t *testing.T, conn net.Conn, authzid, token string) *kmsg.SASLAuthenticateResponse {
	t.Helper()
	handshake := kmsg.NewPtrSASLHandshakeRequest()
	handshake.Mechanism = "OAUTHBEARER"
	handshake.SetVersion(1)
	if !answers(conn, handshake) {
		t.Fatal("no answer to the handshake")
	}
	return authenticateBy(t, conn, []byte("n,"+authzid+",\x01auth=Bearer "+token+"\x01\x01"))
}

func authenticateBy(t *testing.T, conn net.Conn, message []byte) *kmsg.SASLAuthenticateResponse {
	t.Helper()
	q := kmsg.NewPtrSASLAuthenticateRequest()
	q.SetVersion(1)
	q.SASLAuthBytes = message
	body, err := exchange(conn, q)
	if err != nil {
		t.Fatal(err)
	}
	resp := kmsg.NewPtrSASLAuthenticateResponse()
	resp.SetVersion(1)
	if err := resp.ReadFrom(body); err != nil {
		t.Fatal(err)
	}
	return resp
}
