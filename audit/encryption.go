package audit

import "github.com/chronik-stream/chronik/auth"

// tlsObject has the fields of OCSF's tls object that are known, and what it has no field for; Authentication has no tls attribute.
type tlsObject struct {
	Version     string `json:"version"`
	Cipher      string `json:"cipher"`
	Group       string `json:"group,omitempty"`
	PostQuantum bool   `json:"post_quantum"`
}

// encryption describes what a handshake came to, nil for none.
func encryption(e *auth.Encryption) *tlsObject {
	if e == nil {
		return nil
	}
	return &tlsObject{Version: e.Version, Cipher: e.Suite, Group: e.Group, PostQuantum: e.PostQuantum}
}
