package audit

import (
	"strconv"
	"unicode/utf8"

	"github.com/chronik-stream/chronik/auth"
)

// Client is who an event is about, and where he came in.
type Client struct {
	// Principal is the authenticated identity; nobody where there is none.
	Principal auth.Principal
	// Host is the client's address in text form.
	Host string
	// Listener is the name of the listener.
	Listener string
	// Protocol is PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL.
	Protocol string
	// ClientID is what the client calls itself; it proves nothing.
	ClientID string
	// Session is what the log-in established, nil where nobody has logged in. Of denials and accesses it is recorded, so that they can be
	// decided anew by other rules.
	Session *auth.Session
	// Connection is the connection's number within this run of the broker.
	Connection uint64
}

// cutMark ends a text that was cut.
const cutMark = "…"

// unknownName stands where OCSF requires a name and there is none.
const unknownName = "unknown"

// The kinds of users of OCSF that are used: an identity that was only claimed is of unknown kind.
const (
	userClaimed = 0
	userProven  = 1
)

func user(p auth.Principal) *userObject {
	if p.IsZero() {
		return &userObject{Name: unknownName, TypeID: userClaimed}
	}
	return &userObject{Name: clip(p.Name), UID: clip(p.String()), TypeID: userProven}
}

// session is the connection's identity over all runs of the broker.
func (c Client) session(run string) *sessionObject {
	return &sessionObject{UID: run + "-" + strconv.FormatUint(c.Connection, 10)}
}

func (c Client) actor(run string) *actorObject {
	return &actorObject{User: user(c.Principal), Session: c.session(run), AppName: clip(c.ClientID)}
}

// describe adds to a decision what rules may look at beside the principal and the host.
func (c Client) describe(d *document) {
	s := c.Session
	if s == nil {
		return
	}
	d.Actor.User.Groups = groups(s.Groups)
	d.Certificate = certificate(s.Certificate)
	u := d.Unmapped
	u.Method, u.Protocol, u.Token, u.Proven = clip(s.Method), s.Protocol, clip(s.Token), clip(s.Proven)
	u.TLS = encryption(s.Encryption)
}

func groups(names []string) (out []nameObject) {
	for _, name := range names {
		out = append(out, nameObject{Name: clip(name)})
	}
	return out
}

// source is the client's end. OCSF requires something in it, so an event without an address comes from the broker itself.
func source(host string) *endpoint {
	if host == "" {
		return &endpoint{Name: productName}
	}
	return &endpoint{IP: clip(host)}
}

func destination(listener string) *endpoint {
	return &endpoint{Name: clip(listener), Service: serviceName}
}

// clip cuts a text that is too long to keep, never within a character.
func clip(s string) string { return cutTo(s, maxText) }

func cutTo(s string, most int) string {
	if len(s) <= most {
		return s
	}
	cut := most
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + cutMark
}
