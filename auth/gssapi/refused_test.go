package gssapi

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/jcmturner/gofork/encoding/asn1"
	krb "github.com/jcmturner/gokrb5/v8/gssapi"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"

	"github.com/chronik-stream/chronik/auth"
)

// TestRefused changes one thing of a good log-in at a time.
func TestRefused(t *testing.T) {
	part := func(change func(*messages.EncTicketPart)) client {
		return client{flags: flagsOfFranz, ticketPart: change}
	}
	ticket := func(change func(*messages.Ticket)) client { return client{flags: flagsOfFranz, ticket: change} }
	proof := func(change func(*types.Authenticator)) client {
		return client{flags: flagsOfCyrus, subkey: true, authenticator: change}
	}
	request := func(change func(*messages.APReq)) client { return client{flags: flagsOfFranz, request: change} }
	choice := func(change func(*krb.WrapToken)) client {
		return client{flags: flagsOfCyrus, subkey: true, choice: change}
	}
	const skew = 5 * time.Minute
	m := newMechanism(t, nil)
	for name, test := range map[string]struct {
		client client
		want   error
	}{
		"another service":     {ticket(func(t *messages.Ticket) { t.SName.NameString[0] = "HTTP" }), ErrService},
		"service without end": {ticket(func(t *messages.Ticket) { t.SName.NameString = nil }), ErrService},
		"another host":        {ticket(func(t *messages.Ticket) { t.SName.NameString[1] = "elsewhere" }), ErrNoKey},
		"another realm":       {ticket(func(t *messages.Ticket) { t.Realm = "OTHER" }), ErrNoKey},
		"another key version": {ticket(func(t *messages.Ticket) { t.EncPart.KVNO = 3 }), ErrNoKey},
		"negative version":    {ticket(func(t *messages.Ticket) { t.EncPart.KVNO = -1 }), ErrNoKey},
		"ticket version":      {ticket(func(t *messages.Ticket) { t.TktVNO = 4 }), auth.ErrMalformed},
		"RC4":                 {client{enctype: 23, flags: flagsOfFranz}, ErrEnctype},
		"RC4 session key":     {part(func(p *messages.EncTicketPart) { p.Key.KeyType, p.Key.KeyValue = 23, p.Key.KeyValue[:16] }), ErrEnctype},
		"other session key":   {part(func(p *messages.EncTicketPart) { p.Key = types.EncryptionKey{KeyType: 17, KeyValue: make([]byte, 16)} }), nil},

		"expired":               {part(func(p *messages.EncTicketPart) { p.EndTime = noon.Add(-skew - time.Second) }), ErrExpired},
		"hardly expired":        {part(func(p *messages.EncTicketPart) { p.EndTime = noon.Add(-skew) }), nil},
		"not yet":               {part(func(p *messages.EncTicketPart) { p.StartTime = noon.Add(skew + time.Second) }), ErrNotYetValid},
		"almost":                {part(func(p *messages.EncTicketPart) { p.StartTime = noon.Add(skew) }), nil},
		"not yet, no start":     {part(func(p *messages.EncTicketPart) { p.StartTime, p.AuthTime = time.Time{}, noon.Add(skew+time.Second) }), ErrNotYetValid},
		"invalid":               {part(func(p *messages.EncTicketPart) { types.SetFlag(&p.Flags, 7) }), ErrNotYetValid},
		"no flags at all":       {part(func(p *messages.EncTicketPart) { p.Flags = asn1.BitString{} }), nil},
		"realm of stranger":     {part(func(p *messages.EncTicketPart) { p.CRealm = "OTHER" }), auth.ErrBadCredential},
		"empty name":            {part(func(p *messages.EncTicketPart) { p.CName.NameString = nil }), auth.ErrMalformed},
		"empty component":       {part(func(p *messages.EncTicketPart) { p.CName.NameString = []string{"alice", ""} }), auth.ErrMalformed},
		"slash in component":    {part(func(p *messages.EncTicketPart) { p.CName.NameString = []string{"alice/admin"} }), auth.ErrMalformed},
		"at in component":       {part(func(p *messages.EncTicketPart) { p.CName.NameString = []string{"alice@" + realm} }), auth.ErrMalformed},
		"NUL in component":      {part(func(p *messages.EncTicketPart) { p.CName.NameString = []string{"alice\x00"} }), auth.ErrMalformed},
		"at in realm":           {part(func(p *messages.EncTicketPart) { p.CRealm = "X@" + realm }), auth.ErrMalformed},
		"anonymous":             {part(func(p *messages.EncTicketPart) { types.SetFlag(&p.Flags, ticketAnonymous) }), ErrAnonymous},
		"anonymous by its name": {client{flags: flagsOfFranz, principal: []string{"WELLKNOWN", "ANONYMOUS"}}, ErrAnonymous},
		"three components":      {client{flags: flagsOfFranz, principal: []string{"a", "b", "c"}}, ErrNoRule},
		"no rule": {client{flags: flagsOfFranz, ticketPart: func(p *messages.EncTicketPart) {
			p.CRealm = "OTHER"
			types.SetFlag(&p.Flags, ticketTransitedChecked)
		}, authenticator: func(a *types.Authenticator) { a.CRealm = "OTHER" }}, ErrNoRule},

		"another client":       {proof(func(a *types.Authenticator) { a.CName.NameString = []string{"bob"} }), auth.ErrBadCredential},
		"another client realm": {proof(func(a *types.Authenticator) { a.CRealm = "OTHER" }), auth.ErrBadCredential},
		"late":                 {proof(func(a *types.Authenticator) { a.CTime = noon.Add(-skew - time.Second) }), ErrSkew},
		"early":                {proof(func(a *types.Authenticator) { a.CTime = noon.Add(skew) }), ErrSkew},
		"microseconds":         {proof(func(a *types.Authenticator) { a.Cusec = 1e6 }), auth.ErrMalformed},
		"negative time":        {proof(func(a *types.Authenticator) { a.Cusec = -1 }), auth.ErrMalformed},
		"authenticator of 4":   {proof(func(a *types.Authenticator) { a.AVNO = 4 }), auth.ErrMalformed},
		"no checksum":          {proof(func(a *types.Authenticator) { a.Cksum = types.Checksum{} }), auth.ErrMalformed},
		"other checksum":       {proof(func(a *types.Authenticator) { a.Cksum.CksumType = 16 }), auth.ErrMalformed},
		"short checksum":       {proof(func(a *types.Authenticator) { a.Cksum.Checksum = a.Cksum.Checksum[:23] }), auth.ErrMalformed},
		"delegated":            {proof(func(a *types.Authenticator) { a.Cksum.Checksum = append(a.Cksum.Checksum, 1, 0, 2, 0, 9, 9) }), nil},
		"long bindings":        {proof(func(a *types.Authenticator) { a.Cksum.Checksum[0] = 17 }), auth.ErrMalformed},
		"RC4 subkey":           {proof(func(a *types.Authenticator) { a.SubKey = types.EncryptionKey{KeyType: 23, KeyValue: make([]byte, 16)} }), ErrEnctype},
		"empty subkey":         {proof(func(a *types.Authenticator) { a.SubKey = types.EncryptionKey{KeyType: 18} }), ErrEnctype},
		"user to user":         {request(func(r *messages.APReq) { types.SetFlag(&r.APOptions, optionSessionKey) }), auth.ErrMalformed},
		"request version":      {request(func(r *messages.APReq) { r.PVNO = 4 }), auth.ErrMalformed},
		"other proof type":     {request(func(r *messages.APReq) { r.EncryptedAuthenticator.EType = 17 }), ErrEnctype},
		"changed proof":        {request(func(r *messages.APReq) { r.EncryptedAuthenticator.Cipher[20] ^= 1 }), auth.ErrBadCredential},
		"changed ticket":       {request(func(r *messages.APReq) { r.Ticket.EncPart.Cipher[20] ^= 1 }), auth.ErrBadCredential},
		"empty ticket":         {request(func(r *messages.APReq) { r.Ticket.EncPart.Cipher = nil }), auth.ErrMalformed},
		"ticket of 11":         {request(func(r *messages.APReq) { r.Ticket.EncPart.Cipher = make([]byte, 11) }), auth.ErrMalformed},
		"ticket of 28":         {request(func(r *messages.APReq) { r.Ticket.EncPart.Cipher = make([]byte, 28) }), auth.ErrMalformed},
		"proof of 11":          {request(func(r *messages.APReq) { r.EncryptedAuthenticator.Cipher = make([]byte, 11) }), auth.ErrMalformed},
		"any version":          {ticket(func(t *messages.Ticket) { t.EncPart.KVNO = 0 }), nil},

		"layer with integrity": {choice(func(w *krb.WrapToken) { w.Payload[0] = 2 }), auth.ErrMalformed},
		"short choice":         {choice(func(w *krb.WrapToken) { w.Payload = w.Payload[:3] }), auth.ErrMalformed},
		"size":                 {choice(func(w *krb.WrapToken) { w.Payload[1] = 1 }), nil},
		"authorization id":     {choice(func(w *krb.WrapToken) { w.Payload = append(w.Payload, "bob"...) }), auth.ErrAuthzidNotAllowed},
		"another's id":         {choice(func(w *krb.WrapToken) { w.Payload = append(w.Payload, "bob@"+realm...) }), auth.ErrAuthzidNotAllowed},
		"service as a user":    {choice(func(w *krb.WrapToken) { w.Payload = append(w.Payload, "kafka"...) }), auth.ErrAuthzidNotAllowed},
		"id that is no text":   {choice(func(w *krb.WrapToken) { w.Payload = append(w.Payload, 0xff) }), auth.ErrMalformed},
		"sealed":               {choice(func(w *krb.WrapToken) { w.Flags |= 2 }), auth.ErrMalformed},
		"from the acceptor":    {choice(func(w *krb.WrapToken) { w.Flags |= 1 }), auth.ErrMalformed},
		"without the subkey":   {choice(func(w *krb.WrapToken) { w.Flags = 0 }), auth.ErrMalformed},
		"out of sequence":      {choice(func(w *krb.WrapToken) { w.SndSeqNum++ }), auth.ErrMalformed},
		"wrong signature":      {choice(func(w *krb.WrapToken) { w.CheckSum = make([]byte, w.EC) }), auth.ErrBadCredential},
		"long checksum":        {choice(func(w *krb.WrapToken) { w.EC++ }), auth.ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			outcome, err := test.client.logIn(t, m)
			if test.want == nil {
				if err != nil || outcome.Principal != auth.User("alice") {
					t.Errorf("%v, %v", outcome, err)
				}
				return
			}
			if !errors.Is(err, test.want) {
				t.Errorf("%v, want %v", err, test.want)
			}
			undecided := errors.Is(test.want, auth.ErrUndecided)
			if errors.Is(err, auth.ErrUndecided) != undecided {
				t.Errorf("undecided: %v", err)
			}
		})
	}
}

// TestRotatedChoice: MIT and Java may rotate the part after a token's header.
func TestRotatedChoice(t *testing.T) {
	m := newMechanism(t, nil)
	for _, count := range []byte{1, 12, 28, 255} {
		c := client{enctype: 18, principal: []string{"alice"}, flags: flagsOfFranz}
		x := m.Start()
		offer, _, err := x.Step(t.Context(), c.initial(t))
		if err != nil {
			t.Fatal(err)
		}
		token := c.answerOffer(t, offer)
		body := token[krb.HdrLen:]
		n := int(count) % len(body)
		copy(body, append(bytes.Clone(body[len(body)-n:]), body[:len(body)-n]...))
		token[7] = count
		if _, outcome, err := x.Step(t.Context(), token); err != nil || outcome == nil {
			t.Errorf("rotated by %d: %v", count, err)
		}
	}
}

func TestMalformedTokens(t *testing.T) {
	m := newMechanism(t, nil)
	c := client{enctype: 18, principal: []string{"alice"}, flags: flagsOfFranz}
	good := c.initial(t)
	for name, token := range map[string][]byte{
		"nothing":            {},
		"one octet":          {0x60},
		"cut off":            good[:len(good)-1],
		"octets after it":    append(bytes.Clone(good), 0),
		"octets inside":      wrapToken(append(must(c.apReq(t).Marshal()), 0), tokenAPReq),
		"an AP-REP":          wrapToken(must(c.apReq(t).Marshal()), tokenAPRep),
		"SPNEGO":             append([]byte{0x60, 0x08, 0x06, 0x06}, "\x2b\x06\x01\x05\x05\x02"...),
		"indefinite length":  {0x60, 0x80, 0x00, 0x00},
		"length of 2^32":     {0x60, 0x84, 0xff, 0xff, 0xff, 0xff, 0x06},
		"an AP-REQ alone":    must(c.apReq(t).Marshal()),
		"no Kerberos at all": []byte("\x00alice\x00secret"),
	} {
		if answer, _, err := m.Start().Step(t.Context(), token); !errors.Is(err, auth.ErrMalformed) || answer != nil {
			t.Errorf("%s: %x, %v", name, answer, err)
		}
	}
	for n := range good {
		if _, _, err := m.Start().Step(t.Context(), good[:n]); err == nil || errors.Is(err, errFault) {
			t.Errorf("cut off after %d octets: %v", n, err)
		}
	}
}

// TestOutOfOrder: what is over stays over.
func TestOutOfOrder(t *testing.T) {
	m := newMechanism(t, nil)
	c := client{enctype: 20, principal: []string{"alice"}, flags: flagsOfCyrus, subkey: true}
	x := m.Start()
	if _, _, err := x.Step(t.Context(), c.initial(t)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := x.Step(t.Context(), []byte{1}); !errors.Is(err, auth.ErrOutOfOrder) {
		t.Errorf("a message after the AP-REP: %v", err)
	}
	for range 2 {
		if _, _, err := x.Step(t.Context(), nil); !errors.Is(err, auth.ErrOutOfOrder) {
			t.Errorf("after a failure: %v", err)
		}
	}
	x = m.Start()
	if x.Claimed() != "" {
		t.Errorf("claimed before all: %q", x.Claimed())
	}
	again := client{enctype: 20, principal: []string{"alice"}, flags: flagsOfFranz}
	offer, _, err := x.Step(t.Context(), again.initial(t))
	if err != nil {
		t.Fatal(err)
	}
	token := again.answerOffer(t, offer)
	if _, outcome, err := x.Step(t.Context(), token); outcome == nil {
		t.Fatal(err)
	}
	if _, _, err := x.Step(t.Context(), token); !errors.Is(err, auth.ErrOutOfOrder) {
		t.Errorf("after the end: %v", err)
	}
}

// TestClaimedName: a failed log-in is recorded with the name in the ticket, which the KDC has vouched for.
func TestClaimedName(t *testing.T) {
	c := client{
		enctype: 18, principal: []string{"alice", "admin"}, flags: flagsOfFranz,
		authenticator: func(a *types.Authenticator) { a.CTime = noon.Add(time.Hour) },
	}
	x := newMechanism(t, nil).Start()
	if _, _, err := x.Step(t.Context(), c.initial(t)); !errors.Is(err, ErrSkew) || x.Claimed() != "alice/admin@"+realm {
		t.Errorf("%q, %v", x.Claimed(), err)
	}
}

// TestSHA2Only: with FIPS 140-3 the encryption types with SHA-1 are refused before they are used.
func TestSHA2Only(t *testing.T) {
	m := newMechanism(t, func(c *Config) { c.SHA2Only = true })
	for enctype, want := range map[int32]error{17: ErrEnctype, 18: ErrEnctype, 19: nil, 20: nil} {
		c := client{enctype: enctype, flags: flagsOfCyrus, subkey: true}
		if _, err := c.logIn(t, m); !errors.Is(err, want) {
			t.Errorf("%d: %v, want %v", enctype, err, want)
		}
	}
}

// TestFromAnotherRealm: with a KDC's word for the way, and a rule for the name.
func TestFromAnotherRealm(t *testing.T) {
	c := client{flags: flagsOfFranz, ticketPart: func(p *messages.EncTicketPart) {
		p.CRealm = "OTHER"
		types.SetFlag(&p.Flags, ticketTransitedChecked)
	}, authenticator: func(a *types.Authenticator) { a.CRealm = "OTHER" }}
	m := newMechanism(t, func(c *Config) { c.Rules = []string{"DEFAULT", "RULE:[1:$1-of-$0]/L"} })
	x := m.Start()
	c.enctype, c.principal = 18, []string{"alice"}
	offer, _, err := x.Step(t.Context(), c.initial(t))
	if err != nil {
		t.Fatal(err)
	}
	_, outcome, err := x.Step(t.Context(), c.answerOffer(t, offer))
	if err != nil || outcome.Principal != auth.User("alice-of-other") {
		t.Errorf("%v, %v", outcome, err)
	}
}
