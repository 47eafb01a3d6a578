package handler

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/limit"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
)

const hour = int64(60 * 60 * 1000)

func ownerResource(name string) authz.Resource {
	return authz.Resource{Type: authz.UserResource, Name: "User:" + name}
}

func expect(t *testing.T, what string, got, want int16) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %s, want %s", what, wire.CodeName(got), wire.CodeName(want))
	}
}

func TestWhoCreatesATokenOwnsIt(t *testing.T) {
	b := newTokenBroker(t)
	resp := b.mustCreate("alice", withRenewer("User", "scheduler"), withRenewer("User", "scheduler"))
	if !regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_-]{21}$`).MatchString(resp.TokenID) {
		t.Errorf("the id is %q", resp.TokenID)
	}
	m := hmac.New(sha512.New, []byte(tokenSecret))
	m.Write([]byte(resp.TokenID))
	if !bytes.Equal(resp.HMAC, m.Sum(nil)) {
		t.Errorf("the HMAC is %x", resp.HMAC)
	}
	if resp.PrincipalType != "User" || resp.PrincipalName != "alice" || resp.TokenRequesterPrincipalType != "User" || resp.TokenRequesterPrincipalName != "alice" {
		t.Errorf("owner and requester: %+v", resp)
	}
	if resp.IssueTimestamp != b.now || resp.ExpiryTimestamp != b.now+24*hour || resp.MaxTimestamp != b.now+7*24*hour {
		t.Errorf("times: %+v", resp)
	}
	want := &meta.Token{
		ID: resp.TokenID, Owner: "User:alice", Requester: "User:alice", Renewers: []string{"User:scheduler"},
		Issued: b.now, Expires: b.now + 24*hour, MaxTime: b.now + 7*24*hour,
	}
	if diff := cmp.Diff(want, b.log.Image().Token(resp.TokenID)); diff != "" {
		t.Errorf("in the metadata: %s", diff)
	}
}

func TestLifeOfATokenIsBounded(t *testing.T) {
	b := newTokenBroker(t)
	for life, want := range map[int64][2]int64{
		-1: {24 * hour, 7 * 24 * hour}, 0: {24 * hour, 7 * 24 * hour}, hour: {hour, hour}, 48 * hour: {24 * hour, 48 * hour},
		1 << 62: {24 * hour, 7 * 24 * hour},
	} {
		resp := b.mustCreate("alice", withLife(life))
		if got := [2]int64{resp.ExpiryTimestamp - b.now, resp.MaxTimestamp - b.now}; got != want {
			t.Errorf("a life of %d: ends after %d, at most %d", life, got[0], got[1])
		}
	}
	b.area.MaxLifetime, b.area.Expiry = 1<<63-1, 1<<63-1
	resp := b.mustCreate("alice")
	if resp.ExpiryTimestamp <= b.now || resp.MaxTimestamp < resp.ExpiryTimestamp {
		t.Errorf("the longest life: %+v", resp)
	}
}

func TestTokensForOthersTakeCreateTokens(t *testing.T) {
	b := newTokenBroker(t)
	resp := b.create("robot", forOwner("User", "alice"))
	expect(t, "without an ACL", resp.ErrorCode, wire.DelegationTokenAuthorizationFailed)
	if resp.PrincipalName != "alice" || resp.TokenRequesterPrincipalName != "robot" || resp.TokenID != "" || len(resp.HMAC) != 0 || resp.ExpiryTimestamp != -1 {
		t.Errorf("refused: %+v", resp)
	}
	if diff := cmp.Diff([]authz.Need{{Op: authz.CreateTokens, On: ownerResource("alice")}}, b.denials); diff != "" {
		t.Errorf("recorded: %s", diff)
	}
	b.allow("robot", authz.DescribeTokens, ownerResource("alice"))
	b.allow("robot", authz.CreateTokens, ownerResource("bob"))
	expect(t, "with other ACLs", b.create("robot", forOwner("User", "alice")).ErrorCode, wire.DelegationTokenAuthorizationFailed)
	resp = b.mustCreate("robot", forOwner("User", "bob"))
	if got := b.log.Image().Token(resp.TokenID); got.Owner != "User:bob" || got.Requester != "User:robot" || resp.PrincipalName != "bob" {
		t.Errorf("for bob: %+v, %+v", got, resp)
	}
	b.mustCreate("carol", forOwner("User", "carol"), withRenewer("User", "x")) // her own, by name
	b.mustCreate("carol", forOwner("User", ""))
	b.mustCreate("admin", forOwner("User", "dave"))
}

// TestTokenRequestsNeedAnIdentity: whatever is asked, before anything else is looked at.
func TestTokenRequestsNeedAnIdentity(t *testing.T) {
	b := newTokenBroker(t)
	secret := b.mustCreate("alice").HMAC
	for name, c := range map[string]struct {
		session auth.Session
		allowed bool
	}{
		"SASL_SSL":         {auth.Session{Protocol: "SASL_SSL"}, true},
		"SASL_PLAINTEXT":   {auth.Session{Protocol: "SASL_PLAINTEXT"}, true},
		"mTLS":             {auth.Session{Protocol: "SSL"}, true},
		"by a token":       {auth.Session{Protocol: "SASL_SSL", Token: "another"}, false},
		"PLAINTEXT":        {auth.Session{Protocol: "PLAINTEXT", Principal: auth.Anonymous()}, false},
		"one-way TLS":      {auth.Session{Protocol: "SSL", Principal: auth.Anonymous()}, false},
		"a PLAINTEXT user": {auth.Session{Protocol: "PLAINTEXT"}, false},
	} {
		b.session = c.session
		want := func(code int16) int16 {
			if !c.allowed {
				return wire.DelegationTokenRequestNotAllowed
			}
			return code
		}
		before := b.log.Image().TokenCount()
		expect(t, name+": create", b.create("alice").ErrorCode, want(wire.None))
		expect(t, name+": create for others", b.create("alice", forOwner("User", "bob")).ErrorCode, want(wire.DelegationTokenAuthorizationFailed))
		expect(t, name+": renew", b.renew("alice", secret, 1).ErrorCode, want(wire.None))
		expect(t, name+": expire", b.expire("alice", secret, hour).ErrorCode, want(wire.None))
		described := b.describe("alice")
		expect(t, name+": describe", described.ErrorCode, want(wire.None))
		if created := b.log.Image().TokenCount() != before; created != c.allowed || len(described.TokenDetails) > 0 != c.allowed {
			t.Errorf("%s: created: %v, described: %d", name, created, len(described.TokenDetails))
		}
	}
}

// TestATokenIsOfARequesterWhoStands: what was taken from him before is known, and does not come between.
func TestATokenIsOfARequesterWhoStands(t *testing.T) {
	b := newTokenBroker(t)
	credential := meta.ScramCredential{User: "alice", Mechanism: meta.ScramSHA256, Iterations: 4096}
	revoke := &meta.AlterConfigs{Resources: []meta.ResourceChange{{
		Key: meta.ResourceKey{Type: meta.UserConfig, Name: "User:alice"},
		Ops: []meta.ConfigOp{{Op: meta.SetConfig, Name: meta.RevokedBefore, Value: "1000"}},
	}}}
	for _, c := range []meta.Command{revoke, &meta.AlterScram{Upserts: []meta.ScramCredential{credential}}} {
		if _, err := b.log.Propose(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	b.mustCreate("alice")
	b.log.before = &meta.AlterScram{Deletes: []meta.ScramName{{User: "alice", Mechanism: meta.ScramSHA256}}}
	expect(t, "his password is deleted meanwhile", b.create("alice").ErrorCode, wire.DelegationTokenRequestNotAllowed)
	if n := b.log.Image().TokenCount(); n != 0 {
		t.Errorf("%d tokens are left", n)
	}
}

func TestWithoutASecretThereAreNoTokens(t *testing.T) {
	b := newTokenBroker(t)
	secret := b.mustCreate("alice").HMAC
	b.area.Keys = nil
	expect(t, "create", b.create("alice").ErrorCode, wire.DelegationTokenAuthDisabled)
	expect(t, "create for others", b.create("alice", forOwner("User", "bob")).ErrorCode, wire.DelegationTokenAuthorizationFailed)
	expect(t, "create with a bad renewer", b.create("alice", withRenewer("Group", "x")).ErrorCode, wire.InvalidPrincipalType)
	expect(t, "renew", b.renew("alice", secret, 1).ErrorCode, wire.DelegationTokenAuthDisabled)
	expect(t, "expire", b.expire("alice", secret, 1).ErrorCode, wire.DelegationTokenAuthDisabled)
	expect(t, "describe", b.describe("alice").ErrorCode, wire.DelegationTokenAuthDisabled)
	b.session = auth.Session{Protocol: "PLAINTEXT", Principal: auth.Anonymous()}
	expect(t, "over PLAINTEXT", b.describe("alice").ErrorCode, wire.DelegationTokenRequestNotAllowed)
}

func TestPrincipalsOfTokens(t *testing.T) {
	b := newTokenBroker(t)
	many := func(q *kmsg.CreateDelegationTokenRequest) {
		for i := range limit.TokenRenewers + 1 {
			withRenewer("User", fmt.Sprint(i))(q)
		}
	}
	long := func(q *kmsg.CreateDelegationTokenRequest) {
		for i := range limit.TokenRenewersBytes/limit.TokenPrincipalBytes + 1 {
			withRenewer("User", fmt.Sprintf("%0*d", limit.TokenPrincipalBytes, i))(q)
		}
	}
	for name, c := range map[string]struct {
		change func(*kmsg.CreateDelegationTokenRequest)
		want   int16
	}{
		"a renewer that is no user": {withRenewer("Group", "x"), wire.InvalidPrincipalType},
		"a renewer without a type":  {withRenewer("", "x"), wire.InvalidPrincipalType},
		"a renewer without a name":  {withRenewer("User", ""), wire.InvalidRequest},
		"a renewer with a long one": {withRenewer("User", strings.Repeat("x", limit.TokenPrincipalBytes+1)), wire.InvalidRequest},
		"a renewer of no text":      {withRenewer("User", "\xff"), wire.InvalidRequest},
		"many renewers":             {many, wire.PolicyViolation},
		"renewers of long names":    {long, wire.PolicyViolation},
		"an owner that is no user":  {forOwner("Group", "x"), wire.InvalidPrincipalType},
		"an owner without a type":   {forOwner("", "x"), wire.InvalidPrincipalType},
		"an owner of no text":       {forOwner("User", "\xff"), wire.InvalidRequest},
	} {
		expect(t, name, b.create("admin", c.change).ErrorCode, c.want)
	}
	if n := b.log.Image().TokenCount(); n != 0 {
		t.Errorf("%d tokens", n)
	}
}

func TestTokensPerOwnerAreBounded(t *testing.T) {
	b := newTokenBroker(t)
	for range limit.TokensPerOwner {
		b.mustCreate("alice")
	}
	expect(t, "one more", b.create("alice").ErrorCode, wire.PolicyViolation)
	b.mustCreate("bob")
}

func TestRenewAndExpire(t *testing.T) {
	b := newTokenBroker(t)
	created := b.mustCreate("alice", withRenewer("User", "scheduler"))
	secret := created.HMAC
	b.now += hour
	for name, c := range map[string]struct {
		who    string
		period int64
		want   int64
	}{
		"the owner": {"alice", 2 * hour, 2 * hour}, "by default": {"scheduler", -1, 24 * hour}, "zero": {"scheduler", 0, 24 * hour},
		"longer than allowed": {"scheduler", 99 * hour, 24 * hour},
	} {
		resp := b.renew(c.who, secret, c.period)
		if expect(t, name, resp.ErrorCode, wire.None); resp.ExpiryTimestamp != b.now+c.want {
			t.Errorf("%s: it ends after %d", name, resp.ExpiryTimestamp-b.now)
		}
	}
	wrong := bytes.Clone(secret)
	wrong[0] ^= 1
	expect(t, "another's", b.renew("bob", secret, 1).ErrorCode, wire.DelegationTokenOwnerMismatch)
	expect(t, "even a super user's", b.renew("admin", secret, 1).ErrorCode, wire.DelegationTokenOwnerMismatch)
	expect(t, "another secret", b.renew("alice", wrong, 1).ErrorCode, wire.DelegationTokenNotFound)
	expect(t, "no secret", b.expire("alice", nil, 1).ErrorCode, wire.DelegationTokenNotFound)
	expect(t, "another's to expire", b.expire("bob", secret, -1).ErrorCode, wire.DelegationTokenOwnerMismatch)

	shorter := b.expire("scheduler", secret, 5)
	if expect(t, "expire", shorter.ErrorCode, wire.None); shorter.ExpiryTimestamp != b.now+5 {
		t.Errorf("it ends after %d", shorter.ExpiryTimestamp-b.now)
	}
	b.now += 6
	expect(t, "renew what has expired", b.renew("alice", secret, 1).ErrorCode, wire.DelegationTokenExpired)
	expect(t, "expire what has expired", b.expire("alice", secret, 1).ErrorCode, wire.DelegationTokenExpired)
	gone := b.expire("alice", secret, -1)
	if expect(t, "remove what has expired", gone.ErrorCode, wire.None); gone.ExpiryTimestamp != b.now || b.log.Image().TokenCount() != 0 {
		t.Errorf("removed: %+v, %d are left", gone, b.log.Image().TokenCount())
	}
	expect(t, "what is gone", b.renew("alice", secret, 1).ErrorCode, wire.DelegationTokenNotFound)
}

func TestRenewalsEndWithTheLongestLife(t *testing.T) {
	b := newTokenBroker(t)
	created := b.mustCreate("alice", withLife(30*hour))
	b.now += 20 * hour
	if resp := b.renew("alice", created.HMAC, -1); resp.ExpiryTimestamp != created.MaxTimestamp {
		t.Errorf("renewed: %+v, at most %d", resp, created.MaxTimestamp)
	}
}

func TestWhoIsToldOfTokens(t *testing.T) {
	b := newTokenBroker(t)
	ofAlice := b.mustCreate("alice", withRenewer("User", "scheduler"))
	b.mustCreate("bob")
	b.mustCreate("admin", forOwner("User", "carol"))
	b.allow("auditor", authz.Describe, authz.Resource{Type: authz.DelegationToken, Name: ofAlice.TokenID})
	b.allow("manager", authz.DescribeTokens, ownerResource("bob"))
	b.allow("manager", authz.CreateTokens, ownerResource("carol")) // no right to be told
	b.allow("robot", authz.CreateTokens, ownerResource("dave"))
	b.mustCreate("robot", forOwner("User", "dave"))
	for name, c := range map[string]struct {
		who    string
		owners []string
		want   []string
	}{
		"his own":                            {"alice", nil, []string{"alice"}},
		"what he may renew":                  {"scheduler", nil, []string{"alice"}},
		"by an ACL on the token":             {"auditor", nil, []string{"alice"}},
		"by an ACL on the owner":             {"manager", nil, []string{"bob"}},
		"all of them":                        {"admin", nil, []string{"alice", "bob", "carol", "dave"}},
		"what he has requested":              {"robot", nil, []string{"dave"}},
		"nobody's":                           {"mallory", nil, []string{}},
		"of owners, some of whom are others": {"alice", []string{"User:alice", "User:bob"}, []string{"alice"}},
		"of others":                          {"alice", []string{"User:bob"}, []string{}},
		"of whom may renew":                  {"admin", []string{"User:scheduler"}, []string{"alice"}},
		"of whom has requested":              {"admin", []string{"User:admin"}, []string{"carol"}},
		"of another type":                    {"admin", []string{"Group:alice"}, []string{}},
		"of some owners":                     {"admin", []string{"User:carol", "User:bob", "User:bob"}, []string{"bob", "carol"}},
	} {
		resp := b.describe(c.who, c.owners...)
		expect(t, name, resp.ErrorCode, wire.None)
		if diff := cmp.Diff(c.want, described(resp)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if len(b.denials) != 0 {
		t.Errorf("what is filtered is no event: %v", b.denials)
	}
	q := kmsg.NewPtrDescribeDelegationTokenRequest()
	q.Owners = []kmsg.DescribeDelegationTokenRequestOwner{}
	if resp := askToken[*kmsg.DescribeDelegationTokenResponse](b, "admin", -1, q); resp.ErrorCode != wire.None || len(resp.TokenDetails) != 0 {
		t.Errorf("of an empty list: %+v", resp)
	}
}

func TestWhatIsToldOfAToken(t *testing.T) {
	b := newTokenBroker(t)
	created := b.mustCreate("admin", forOwner("User", "a:lice"), withRenewer("User", "r1"), withRenewer("User", "r2"))
	for version := int16(1); version <= 3; version++ {
		resp := askToken[*kmsg.DescribeDelegationTokenResponse](b, "a:lice", version, kmsg.NewPtrDescribeDelegationTokenRequest())
		want := kmsg.DescribeDelegationTokenResponseTokenDetail{
			PrincipalType: "User", PrincipalName: "a:lice", TokenRequesterPrincipalType: "User", TokenRequesterPrincipalName: "admin",
			IssueTimestamp: created.IssueTimestamp, ExpiryTimestamp: created.ExpiryTimestamp, MaxTimestamp: created.MaxTimestamp,
			TokenID: created.TokenID, HMAC: created.HMAC,
			Renewers: []kmsg.DescribeDelegationTokenResponseTokenDetailRenewer{{PrincipalType: "User", PrincipalName: "r1"}, {PrincipalType: "User", PrincipalName: "r2"}},
		}
		if version < 3 {
			want.TokenRequesterPrincipalType, want.TokenRequesterPrincipalName = "", ""
		}
		if diff := cmp.Diff([]kmsg.DescribeDelegationTokenResponseTokenDetail{want}, resp.TokenDetails, cmp.AllowUnexported(kmsg.Tags{})); diff != "" {
			t.Errorf("version %d: %s", version, diff)
		}
	}
	b.now = created.ExpiryTimestamp
	if got := b.describe("a:lice"); len(got.TokenDetails) != 1 {
		t.Errorf("in its last millisecond: %+v", got)
	}
	b.now++
	if got := b.describe("a:lice"); got.ErrorCode != wire.None || len(got.TokenDetails) != 0 {
		t.Errorf("an expired one: %+v", got)
	}
}

func TestAmbiguousProposalsOfTokensTimeOut(t *testing.T) {
	b := newTokenBroker(t)
	created := b.mustCreate("alice")
	b.log.err = wire.Errorf(wire.RequestTimedOut, "unknown outcome")
	resp := b.create("alice")
	if expect(t, "create", resp.ErrorCode, wire.RequestTimedOut); resp.TokenID != "" || len(resp.HMAC) != 0 {
		t.Errorf("there may be no token: %+v", resp)
	}
	expect(t, "renew", b.renew("alice", created.HMAC, 1).ErrorCode, wire.RequestTimedOut)
	expect(t, "expire", b.expire("alice", created.HMAC, 1).ErrorCode, wire.RequestTimedOut)
}

// TestSecretsOfTokensAreInNoLog: neither the metadata, nor a snapshot of it, nor what is recorded of requests holds one.
func TestSecretsOfTokensAreInNoLog(t *testing.T) {
	b := newTokenBroker(t)
	created := b.mustCreate("alice")
	b.renew("alice", created.HMAC, 1)
	b.expire("alice", created.HMAC, 5)
	b.expire("bob", created.HMAC, 5)
	var out bytes.Buffer
	if err := b.log.Image().WriteSnapshot(&out); err != nil {
		t.Fatal(err)
	}
	b.log.Image().PendingAudit(func(r *meta.AuditRecord) bool { fmt.Fprintf(&out, "%+v", r); return true })
	fmt.Fprintf(&out, "%+v", b.log.Image().Token(created.TokenID))
	for _, form := range []string{string(created.HMAC), hex.EncodeToString(created.HMAC), base64Of(created.HMAC), tokenSecret} {
		if strings.Contains(out.String(), form) {
			t.Errorf("%q is in it", form)
		}
	}
	// A digest of the secret would be something to compare secrets with.
	digests := map[string]bool{}
	b.log.Image().PendingAudit(func(r *meta.AuditRecord) bool {
		if r.Action == "ExpireDelegationToken" {
			digests[r.Origin.Digest] = true
		}
		return true
	})
	q := kmsg.NewPtrExpireDelegationTokenRequest()
	q.Version, q.ExpiryPeriodMillis = 2, 5
	if want := digestOf(q.AppendTo(nil)); len(digests) != 1 || !digests[want] {
		t.Errorf("the digests are %v, want %s, which is without a secret", digests, want)
	}
}

func base64Of(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

func digestOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
