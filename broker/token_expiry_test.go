package broker

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/broker/meta"
)

// tokenLog is metadata without a log.
type tokenLog struct {
	*meta.Store
	index uint64
	err   error
}

func (l *tokenLog) Propose(_ context.Context, c meta.Command) (meta.Result, error) {
	if l.err != nil {
		return meta.Result{}, l.err
	}
	data, err := meta.Encode(c)
	if err != nil {
		return meta.Result{}, err
	}
	l.index++
	result, err := l.Apply(l.index, data)
	if err != nil {
		return meta.Result{}, err
	}
	return result.(meta.Result), nil
}

// expiring is what ends tokens, with a clock that stands and sessions by tokens "a" and "b", by password and by a token that is unknown.
type expiring struct {
	*tokenExpiry
	t    *testing.T
	log  *tokenLog
	open openSessions
	now  int64
}

func newExpiring(t *testing.T) *expiring {
	e := &expiring{t: t, log: &tokenLog{Store: meta.NewStore()}, now: 1000, open: openSessions{
		"a": {Principal: auth.User("o"), Token: "a"}, "b": {Principal: auth.User("o"), Token: "b"}, "password": {Principal: auth.User("o")},
	}}
	e.tokenExpiry = &tokenExpiry{
		log: e.log, isLeader: func() bool { return true }, sessions: e.open, interval: time.Hour,
		clock: func() time.Time { return time.UnixMilli(e.now) }, logger: slog.New(slog.DiscardHandler),
	}
	e.log.Subscribe(e.Follow)
	for _, id := range []string{"a", "b"} {
		e.do(&meta.CreateToken{Token: meta.Token{ID: id, Owner: "User:o", Expires: 2000, MaxTime: 9000}, Most: 9, MostInAll: 9})
	}
	return e
}

func (e *expiring) do(c meta.Command) {
	e.t.Helper()
	if result, err := e.log.Propose(e.t.Context(), c); err != nil || result.Items[0].Code != 0 {
		e.t.Fatalf("%T: %+v, %v", c, result, err)
	}
}

// at looks at a time which tokens have expired.
func (e *expiring) at(now int64) {
	e.now = now
	e.endExpired()
}

func (e *expiring) left(when string, want ...string) {
	e.t.Helper()
	for _, name := range want {
		if e.open[name] == nil {
			e.t.Errorf("%s: the session by %s has ended", when, name)
		}
	}
	if len(e.open) != len(want) {
		e.t.Errorf("%s: left are %v, want %v", when, e.open, want)
	}
}

func TestSessionsEndWithTheirTokens(t *testing.T) {
	e := newExpiring(t)
	e.do(&meta.RenewToken{ID: "b", Principal: "User:o", Now: 1500, Period: 1500})
	e.at(1999)
	e.at(2000)
	e.left("in the last millisecond", "a", "b", "password")
	e.at(2001)
	e.left("when one has expired", "b", "password")
	e.at(3000)
	e.left("in the other's last millisecond", "b", "password")
	e.at(9500)
	e.left("when both have", "password")
}

// TestATokenWhoseEndWasMovedBack: its end was moved to a time that had been looked at when that was applied.
func TestATokenWhoseEndWasMovedBack(t *testing.T) {
	e := newExpiring(t)
	e.at(1800)
	e.do(&meta.ExpireToken{ID: "a", Principal: "User:o", Now: 1700, Period: 0})
	e.at(1801)
	e.left("after its end was moved", "b", "password")
}

func TestClockThatIsSetBack(t *testing.T) {
	e := newExpiring(t)
	e.at(1900)
	e.at(1000)
	e.left("before", "a", "b", "password")
	e.at(2001)
	e.left("after", "password")
}

func TestSessionsOfRemovedTokensEndAtOnce(t *testing.T) {
	e := newExpiring(t)
	e.do(&meta.ExpireToken{ID: "a", Principal: "User:o", Now: 1700, Period: -1})
	e.left("when one is removed", "b", "password")
	e.do(&meta.AlterConfigs{Resources: []meta.ResourceChange{{
		Key: meta.ResourceKey{Type: meta.UserConfig, Name: "User:o"}, Ops: []meta.ConfigOp{{Op: meta.SetConfig, Name: meta.RevokedBefore, Value: "1000"}},
	}}})
	e.left("when its owner is revoked", "password")
}

// TestChangedPasswordsLeaveTokens: as in Apache Kafka, a token is another credential than the password of its owner.
func TestChangedPasswordsLeaveTokens(t *testing.T) {
	e := newExpiring(t)
	for _, s := range e.open {
		s.Method = "SCRAM-SHA-512"
	}
	e.log.Subscribe(newRevocation(e.open, nil, 0, nil).Follow)
	credential := meta.ScramCredential{User: "o", Mechanism: meta.ScramSHA512, Salt: []byte("one"), StoredKey: make([]byte, 64), ServerKey: make([]byte, 64), Iterations: 4096}
	e.do(&meta.AlterScram{Upserts: []meta.ScramCredential{credential}})
	e.left("when the password is changed", "a", "b")
	e.do(&meta.AlterScram{Deletes: []meta.ScramName{{User: "o", Mechanism: meta.ScramSHA512}}})
	e.left("when the user is deleted")
}

func TestExpiredTokensAreSwept(t *testing.T) {
	e := newExpiring(t)
	e.now = 2000
	before := e.log.index
	e.sweep(t.Context())
	if e.log.index != before {
		t.Error("there was nothing to sweep, and it was proposed")
	}
	e.do(&meta.RenewToken{ID: "b", Principal: "User:o", Now: 1500, Period: 1500})
	e.now = 2001
	e.sweep(t.Context())
	if img := e.log.Image(); img.Token("a") != nil || img.Token("b") == nil {
		t.Error("swept is not what has expired")
	}
	e.now = 9999
	e.isLeader = func() bool { return false }
	e.sweep(t.Context())
	if e.log.Image().TokenCount() != 1 {
		t.Error("another is the controller")
	}
	e.isLeader, e.log.err = func() bool { return true }, context.DeadlineExceeded
	e.sweep(t.Context())
	if e.log.err = nil; e.log.Image().TokenCount() != 1 {
		t.Error("the proposal failed")
	}
	e.sweep(t.Context())
	if e.log.Image().TokenCount() != 0 {
		t.Error("it was not tried again")
	}
}
