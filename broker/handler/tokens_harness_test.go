package handler

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/auth/token"
	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/authz/acl"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
)

// tokenBroker is the area of delegation tokens over metadata without a log, with ACLs and a clock that stands.
type tokenBroker struct {
	t        *testing.T
	log      *securityLog
	area     *Tokens
	acls     *acl.Authorizer
	bindings []authz.Binding
	now      int64
	// session is that of whoever asks, but for his name.
	session auth.Session
	denials []authz.Need
}

const tokenSecret = "a secret of sixteen bytes or more"

func newTokenBroker(t *testing.T) *tokenBroker {
	t.Helper()
	keys, err := token.NewKeyring(tokenSecret)
	if err != nil {
		t.Fatal(err)
	}
	b := &tokenBroker{
		t: t, log: &securityLog{Store: meta.NewStore()}, acls: acl.New(acl.Config{SuperUsers: []auth.Principal{auth.User("admin")}}),
		now: 1_700_000_000_000, session: auth.Session{Protocol: "SASL_SSL", Method: "SCRAM-SHA-512", Host: netip.MustParseAddr("10.0.0.1")},
	}
	b.acls.Load(1, nil)
	b.log.Subscribe(func(_, next *meta.Image, d meta.Delta) {
		for _, id := range d.TokensChanged {
			if keys.Remove(id); next.Token(id) != nil {
				keys.Add(id)
			}
		}
	})
	b.area = &Tokens{
		Metadata: b.log, Keys: keys, MaxLifetime: 7 * 24 * time.Hour, Expiry: 24 * time.Hour,
		Clock: func() time.Time { return time.UnixMilli(b.now) },
	}
	return b
}

func (b *tokenBroker) allow(who string, op authz.Operation, on authz.Resource) {
	b.bindings = append(b.bindings, authz.Binding{
		Type: on.Type, Name: on.Name, Pattern: authz.Literal, Principal: "User:" + who, Host: "*", Operation: op, Permission: authz.Allow,
	})
	b.acls.Load(b.acls.Epoch()+1, b.bindings)
}

// askToken sends a request of a user through its row, both ways as bytes.
func askToken[R kmsg.Response](b *tokenBroker, who string, version int16, q kmsg.Request) R {
	b.t.Helper()
	rows := b.area.Rows()
	row := &rows[slices.IndexFunc(rows, func(r api.Row) bool { return r.Key == q.Key() })]
	if version < 0 {
		version = row.Max
	}
	q.SetVersion(version)
	body := q.AppendTo(nil)
	if _, _, err := wire.DecodeBody(q.Key(), version, body, &wire.Bounds{PerByte: 100, Base: 1 << 20, Most: 1 << 20, Elements: 1000, Tags: 1, ClientID: 100}); err != nil {
		b.t.Fatalf("%T: %v", q, err)
	}
	session := b.session
	if session.Principal.IsZero() {
		session.Principal = auth.User(who)
	}
	c := &api.Call{
		Conn: api.Conn{Listener: "SASL_SSL", Host: session.Host}, Key: q.Key(), API: row.Name, Version: version, Request: q, Received: time.UnixMilli(b.now),
		Session: &session,
	}
	c.Resolved = row.Resolve(c)
	granted, refused := authz.Grant(b.acls.Pin(), c.Subject(), row.Needs(c))
	c.Granted = granted
	granted.Denials(func(n authz.Need, _ authz.Decision) bool { b.denials = append(b.denials, n); return true })
	if refused != nil {
		return overTheWire(b.t, row.Refuse(c, wire.DelegationTokenAuthorizationFailed)).(R)
	}
	return overTheWire(b.t, row.Handle(b.t.Context(), c).Response).(R)
}

func (b *tokenBroker) create(who string, change ...func(*kmsg.CreateDelegationTokenRequest)) *kmsg.CreateDelegationTokenResponse {
	b.t.Helper()
	q := kmsg.NewPtrCreateDelegationTokenRequest()
	q.MaxLifetimeMillis = -1
	for _, f := range change {
		f(q)
	}
	return askToken[*kmsg.CreateDelegationTokenResponse](b, who, -1, q)
}

func (b *tokenBroker) mustCreate(who string, change ...func(*kmsg.CreateDelegationTokenRequest)) *kmsg.CreateDelegationTokenResponse {
	b.t.Helper()
	resp := b.create(who, change...)
	if resp.ErrorCode != wire.None {
		b.t.Fatalf("create as %s: %s", who, wire.CodeName(resp.ErrorCode))
	}
	return resp
}

func forOwner(kind, name string) func(*kmsg.CreateDelegationTokenRequest) {
	return func(q *kmsg.CreateDelegationTokenRequest) { q.OwnerPrincipalType, q.OwnerPrincipalName = &kind, &name }
}

func withRenewer(kind, name string) func(*kmsg.CreateDelegationTokenRequest) {
	return func(q *kmsg.CreateDelegationTokenRequest) {
		q.Renewers = append(q.Renewers, kmsg.CreateDelegationTokenRequestRenewer{PrincipalType: kind, PrincipalName: name})
	}
}

func withLife(ms int64) func(*kmsg.CreateDelegationTokenRequest) {
	return func(q *kmsg.CreateDelegationTokenRequest) { q.MaxLifetimeMillis = ms }
}

func (b *tokenBroker) renew(who string, hmac []byte, period int64) *kmsg.RenewDelegationTokenResponse {
	b.t.Helper()
	q := kmsg.NewPtrRenewDelegationTokenRequest()
	q.HMAC, q.RenewTimeMillis = hmac, period
	return askToken[*kmsg.RenewDelegationTokenResponse](b, who, -1, q)
}

func (b *tokenBroker) expire(who string, hmac []byte, period int64) *kmsg.ExpireDelegationTokenResponse {
	b.t.Helper()
	q := kmsg.NewPtrExpireDelegationTokenRequest()
	q.HMAC, q.ExpiryPeriodMillis = hmac, period
	return askToken[*kmsg.ExpireDelegationTokenResponse](b, who, -1, q)
}

func (b *tokenBroker) describe(who string, owners ...string) *kmsg.DescribeDelegationTokenResponse {
	b.t.Helper()
	q := kmsg.NewPtrDescribeDelegationTokenRequest()
	for _, o := range owners {
		p, err := auth.ParsePrincipal(o)
		if err != nil {
			b.t.Fatal(err)
		}
		q.Owners = append(q.Owners, kmsg.DescribeDelegationTokenRequestOwner{PrincipalType: p.Type, PrincipalName: p.Name})
	}
	return askToken[*kmsg.DescribeDelegationTokenResponse](b, who, -1, q)
}

// described are the owners of the tokens that a description tells of, in order.
func described(resp *kmsg.DescribeDelegationTokenResponse) []string {
	owners := []string{}
	for _, d := range resp.TokenDetails {
		owners = append(owners, d.PrincipalName)
	}
	slices.Sort(owners)
	return owners
}
