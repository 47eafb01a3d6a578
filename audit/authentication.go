package audit

import (
	"log/slog"
	"strings"
	"time"

	"github.com/chronik-stream/chronik/auth"
)

// Authentication is the end of one log-in (OCSF 3002, Logon). The zero value is a failure.
type Authentication struct {
	Client Client
	// Succeeded says how it ended.
	Succeeded bool
	// Method is the SASL mechanism, "mTLS", "NONE", or "" where none was chosen.
	Method string
	// Claimed is the identity that a failed log-in claimed, not proven.
	Claimed string
	// Cause is why it failed, for the auditor; the client is not told.
	Cause string
	// Renewed says that the session follows another on the same connection (KIP-368), or was to.
	Renewed bool
	// Proven is the name that the client has proved to have where rules have made the principal of it, such as a Kerberos name; else "".
	Proven string
	// Groups are those that the log-in brought.
	Groups []string
	// Encryption is what the TLS handshake came to, nil without TLS.
	Encryption *auth.Encryption
	// Token is the id of the delegation token that the client logged in by, "" without one.
	Token string
	// Expires is when the session ends by itself; the zero time means never.
	Expires time.Time
	// Certificate is the verified one that the client showed, nil for none.
	Certificate *auth.Certificate
}

var _ Event = Authentication{}

func (a Authentication) document(run string) document {
	d := of(classAuthentication, activityLogon, severityInformational)
	d.ActivityName = "Logon"
	d.StatusID = statusSuccess
	d.User = user(a.Client.Principal)
	d.User.Groups = groups(a.Groups)
	d.Session = a.Client.session(run)
	d.Actor = &actorObject{AppName: clip(a.Client.ClientID), Session: d.Session}
	if !a.Expires.IsZero() {
		d.Session.Expiration = a.Expires.UnixMilli()
	}
	if !a.Succeeded {
		d.SeverityID, d.StatusID, d.StatusDetail = severityMedium, statusFailure, clip(a.Cause)
		d.User = &userObject{Name: clip(a.Claimed), TypeID: userClaimed}
		if a.Claimed == "" {
			d.User.Name = unknownName
		}
	}
	a.describe(&d)
	d.Certificate = certificate(a.Certificate)
	if a.Renewed || a.Proven != "" || a.Token != "" || a.Encryption != nil {
		d.Unmapped = &unmapped{Renewed: a.Renewed, Proven: clip(a.Proven), Token: clip(a.Token), TLS: encryption(a.Encryption)}
	}
	return d
}

// describe says how the log-in was done.
func (a Authentication) describe(d *document) {
	const logonTypeNetwork = 3
	d.AuthProtocol, d.ProtocolID = protocol(a.Method)
	d.LogonTypeID = logonTypeNetwork
	cleartext, remote := (a.Method == "PLAIN" || a.Method == "OAUTHBEARER") && strings.HasSuffix(a.Client.Protocol, "PLAINTEXT"), true
	d.IsCleartext, d.IsRemote = &cleartext, &remote
	d.Service = &nameObject{Name: serviceName}
	d.Source, d.Destination = source(a.Client.Host), destination(a.Client.Listener)
}

// protocol is a method in the words of OCSF's auth_protocol_id.
func protocol(method string) (string, int) {
	const kerberos, oauth, pap, other = 2, 6, 7, 99
	switch method {
	case "":
		return "", 0
	case "PLAIN":
		return method, pap
	case "GSSAPI":
		return method, kerberos
	case "OAUTHBEARER":
		return method, oauth
	default:
		return clip(method), other
	}
}

func (a Authentication) kind() string { return "authentication" }

func (a Authentication) provoked() bool { return !a.Succeeded }

func (a Authentication) who() subject { return a.Client.subject() }

func (a Authentication) attrs() []slog.Attr {
	if !a.Succeeded {
		return []slog.Attr{
			slog.String("outcome", "failure"), slog.String("claimed", clip(a.Claimed)), slog.String("method", clip(a.Method)),
			slog.String("host", clip(a.Client.Host)), slog.String("listener", a.Client.Listener), slog.String("cause", clip(a.Cause)),
		}
	}
	attrs := []slog.Attr{
		slog.String("outcome", "success"), slog.String("principal", clip(a.Client.Principal.String())),
		slog.String("method", clip(a.Method)), slog.String("host", clip(a.Client.Host)), slog.String("listener", a.Client.Listener),
	}
	if a.Token != "" {
		attrs = append(attrs, slog.String("delegation_token", clip(a.Token)))
	}
	return attrs
}

// Logoff is the end of a connection that had a session (OCSF 3002, Logoff).
type Logoff struct {
	Client Client
	// Method is how the session had been authenticated.
	Method string
	// Established is when the session began.
	Established time.Time
	// Ended is when the connection was closed.
	Ended time.Time
	// Reason is why.
	Reason string
}

var _ Event = Logoff{}

func (l Logoff) document(run string) document {
	d := of(classAuthentication, activityLogoff, severityInformational)
	d.ActivityName = "Logoff"
	d.StatusID, d.StatusDetail = statusSuccess, clip(l.Reason)
	d.User = user(l.Client.Principal)
	d.Session = l.Client.session(run)
	if !l.Established.IsZero() {
		d.Session.Created = l.Established.UnixMilli()
		d.Duration = max(0, l.Ended.Sub(l.Established).Milliseconds())
	}
	Authentication{Client: l.Client, Method: l.Method}.describe(&d)
	return d
}

func (l Logoff) kind() string { return "logoff" }

func (l Logoff) provoked() bool { return false }

func (l Logoff) who() subject { return l.Client.subject() }

func (l Logoff) attrs() []slog.Attr {
	return []slog.Attr{
		slog.String("principal", clip(l.Client.Principal.String())), slog.String("host", clip(l.Client.Host)),
		slog.String("listener", l.Client.Listener), slog.String("reason", clip(l.Reason)),
	}
}
