package gssapi

import (
	"errors"
	"testing"
	"time"

	krb "github.com/jcmturner/gokrb5/v8/gssapi"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
)

// TestSessionEndsWithTheTicket: at its end and the skew, but not at once where that is now; or never.
func TestSessionEndsWithTheTicket(t *testing.T) {
	const skew = 2 * time.Minute
	for name, test := range map[string]struct {
		ticket   time.Time
		outlives bool
		want     time.Time
	}{
		"an hour":        {ticket: noon.Add(time.Hour), want: noon.Add(time.Hour + skew)},
		"over":           {ticket: noon.Add(-time.Minute), want: noon.Add(time.Minute)},
		"hardly taken":   {ticket: noon.Add(-skew), want: noon.Add(shortestSession)},
		"outlived":       {ticket: noon.Add(time.Hour), outlives: true},
		"outlived, over": {ticket: noon.Add(-skew), outlives: true},
	} {
		m := newMechanism(t, func(c *Config) { c.Skew, c.OutliveTickets = skew, test.outlives })
		c := client{flags: flagsOfFranz, ticketPart: func(p *messages.EncTicketPart) { p.EndTime = test.ticket }}
		outcome, err := c.logIn(t, m)
		if err != nil || !outcome.Expires.Equal(test.want) {
			t.Errorf("%s: %+v, %v; want the end %s", name, outcome, err, test.want)
		}
	}
}

// TestOneTicketUntilItsEnd renews a session by one ticket, as late as Java's client does at the earliest, until the ticket is refused:
// never sooner than the second that the server insists on, nor before the ticket's end.
func TestOneTicketUntilItsEnd(t *testing.T) {
	const skew, interval = 5 * time.Second, time.Second
	now, end := noon, noon.Add(time.Hour)
	m := newMechanism(t, func(c *Config) { c.Skew, c.Clock = skew, func() time.Time { return now } })
	c := client{
		flags: flagsOfJava, subkey: true,
		ticketPart:    func(p *messages.EncTicketPart) { p.EndTime = end },
		authenticator: func(a *types.Authenticator) { a.CTime = now.Truncate(time.Second) },
	}
	renewals := 0
	for ; renewals < 20; renewals++ {
		outcome, err := c.logIn(t, m)
		if errors.Is(err, ErrExpired) {
			break
		}
		if err != nil {
			t.Fatalf("renewal %d, %s before the end: %v", renewals, end.Sub(now), err)
		}
		pause := outcome.Expires.Sub(now) * 85 / 100
		if pause < interval {
			t.Fatalf("renewal %d: the next one comes after %s", renewals, pause)
		}
		now = now.Add(pause)
	}
	if renewals < 4 || !now.After(end.Add(skew)) {
		t.Errorf("refused after %d renewals, %s after the ticket's end", renewals, now.Sub(end))
	}
}

// TestALogInThatIsHeldOpen: whoever shows his ticket in time and takes the last step long after its end gets no session by it.
func TestALogInThatIsHeldOpen(t *testing.T) {
	now, end := noon, noon.Add(time.Second)
	m := newMechanism(t, func(c *Config) { c.Skew, c.Clock = time.Second, func() time.Time { return now } })
	c := client{
		flags:      flagsOfFranz,
		ticketPart: func(p *messages.EncTicketPart) { p.EndTime = end },
		choice:     func(*krb.WrapToken) { now = now.Add(10 * time.Minute) },
	}
	outcome, err := c.logIn(t, m)
	if err != nil || outcome.Expires.After(now) {
		t.Errorf("%+v, %v; the session may not last after %s", outcome, err, now)
	}
}
