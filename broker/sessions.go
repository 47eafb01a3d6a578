package broker

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/broker/httpd"
	"github.com/chronik-stream/chronik/broker/server"
)

// SessionsPath is where a running broker tells of its sessions, as JSON of Sessions.
const SessionsPath = "/v1/sessions"

// Sessions are those of one broker at one time.
type Sessions struct {
	Time     time.Time `json:"time"`
	Sessions []Session `json:"sessions"`
}

// Session is what is known of a connection that has logged in.
type Session struct {
	Connection uint64   `json:"connection"`
	Listener   string   `json:"listener"`
	Protocol   string   `json:"protocol"`
	Host       string   `json:"host"`
	Principal  string   `json:"principal"`
	Groups     []string `json:"groups,omitempty"`
	// Mechanism is the SASL mechanism, mTLS, or NONE.
	Mechanism       string `json:"mechanism"`
	ScramIterations int    `json:"scramIterations,omitempty"`
	// DelegationToken is the id of the token that the client has logged in by.
	DelegationToken string    `json:"delegationToken,omitempty"`
	Established     time.Time `json:"established"`
	// Expires is when the session ends by itself; absent where it does not.
	Expires time.Time `json:"expires,omitzero"`
	// TLS is absent on listeners without it, Certificate where the client has shown none.
	TLS             *auth.Encryption    `json:"tls,omitempty"`
	Certificate     *SessionCertificate `json:"certificate,omitempty"`
	SoftwareName    string              `json:"softwareName,omitempty"`
	SoftwareVersion string              `json:"softwareVersion,omitempty"`
}

// SessionCertificate is the certificate that a client has shown.
type SessionCertificate struct {
	Subject     string    `json:"subject"`
	Issuer      string    `json:"issuer"`
	Serial      string    `json:"serial"`
	Fingerprint string    `json:"sha256"`
	NotAfter    time.Time `json:"notAfter"`
}

func sessionOf(l *server.LiveSession) Session {
	s := l.Session
	out := Session{
		Connection: l.Conn.ID, Listener: s.Listener, Protocol: s.Protocol, Host: s.Host.String(), Principal: s.Principal.String(),
		Groups: s.Groups, Mechanism: s.Method, ScramIterations: s.Iterations, DelegationToken: s.Token,
		Established: s.Established.UTC(), Expires: s.Expires, TLS: s.Encryption,
		SoftwareName: l.SoftwareName, SoftwareVersion: l.SoftwareVersion,
	}
	if c := s.Certificate; c != nil {
		out.Certificate = &SessionCertificate{Subject: c.Subject, Issuer: c.Issuer, Serial: c.Serial, Fingerprint: c.Fingerprint, NotAfter: c.NotAfter}
	}
	return out
}

// sessionsRoute tells of the sessions, the oldest connection first.
func (b *Broker) sessionsRoute() httpd.Route {
	return httpd.Route{Method: http.MethodGet, Path: SessionsPath, Gate: httpd.Loopback, Handler: http.HandlerFunc(
		func(w http.ResponseWriter, _ *http.Request) {
			live := b.server.Sessions()
			answer := Sessions{Time: b.options.Clock().UTC(), Sessions: make([]Session, 0, len(live))}
			for i := range live {
				answer.Sessions = append(answer.Sessions, sessionOf(&live[i]))
			}
			slices.SortFunc(answer.Sessions, func(a, b Session) int { return cmp.Compare(a.Connection, b.Connection) })
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(answer) // a client that has gone needs no answer
		},
	)}
}
