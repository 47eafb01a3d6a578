package handler

import (
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/broker/limit"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
)

// TestTokensChangeAtAPace: a principal who renews a token again and again makes so many entries and audit events, and no more; others go on.
func TestTokensChangeAtAPace(t *testing.T) {
	b := newTokenBroker(t)
	hmac := b.mustCreate("alice").HMAC
	const left = 20 // of the changes at once; to make them all takes the test a minute of deriving secrets
	for range limit.TokenChanges - 1 - left {
		b.area.pace.take(auth.User("alice"), b.area.Clock())
	}
	refused := 0
	b.area.Refused = func() { refused++ }
	renewed := 0
	renew := func(times int) {
		for range times {
			switch code := b.renew("alice", hmac, 0).ErrorCode; code {
			case wire.None:
				renewed++
			case wire.ThrottlingQuotaExceeded:
			default:
				t.Fatalf("code %d", code)
			}
		}
	}
	renew(3 * left)
	if renewed != left || refused != 2*left {
		t.Errorf("%d renewals at once, and %d refused", renewed, refused)
	}
	b.now += 2000
	renew(3 * left)
	if renewed != left+2*limit.TokenChangesPerSecond {
		t.Errorf("%d renewals two seconds later", renewed)
	}
	if code := b.create("alice").ErrorCode; code != wire.ThrottlingQuotaExceeded {
		t.Errorf("a new token: code %d", code)
	}
	if code := b.expire("alice", hmac, -1).ErrorCode; code != wire.ThrottlingQuotaExceeded {
		t.Errorf("the end of a token: code %d", code)
	}
	b.mustCreate("bob")
	events := 0
	b.log.Image().PendingAudit(func(r *meta.AuditRecord) bool {
		if r.Origin.Principal == "User:alice" {
			events++
		}
		return true
	})
	if events != renewed+1 {
		t.Errorf("%d audit events of %d renewals", events, renewed)
	}
	if code := askToken[*kmsg.DescribeDelegationTokenResponse](b, "alice", 3, kmsg.NewPtrDescribeDelegationTokenRequest()).ErrorCode; code != wire.None {
		t.Errorf("a look at tokens: code %d", code)
	}
}

// TestThePaceOfTokensIsRememberedForSoMany: who finds no room has a share of one pace.
func TestThePaceOfTokensIsRememberedForSoMany(t *testing.T) {
	var p tokenPace
	now := time.Unix(1_700_000_000, 0)
	allowed := 0
	for i := range limit.TokenChangers + 2*limit.TokenChanges {
		if p.take(auth.User(fmt.Sprint(i)), now) {
			allowed++
		}
	}
	if allowed != limit.TokenChangers+limit.TokenChanges || len(p.paid) != limit.TokenChangers+1 {
		t.Errorf("%d changes by %d principals", allowed, len(p.paid))
	}
	if !p.take(auth.User("late"), now.Add(time.Hour)) || len(p.paid) != 1 {
		t.Errorf("an hour later %d are remembered", len(p.paid))
	}
}
