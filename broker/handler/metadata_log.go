package handler

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/meta"
)

// MetadataLog is the metadata as handlers use it.
type MetadataLog interface {
	// Image is the newest image.
	Image() *meta.Image
	// Propose returns when the command is committed and applied here. An outcome that is not known is an error with the
	// code REQUEST_TIMED_OUT.
	Propose(ctx context.Context, c meta.Command) (meta.Result, error)
}

// originOf says who asked, for the audit record that the change carries. The digest is of the request as it would be encoded,
// which is what a second administrator would approve, less what is secret in it.
func originOf(c *api.Call) meta.Origin {
	o := meta.Origin{
		EventID: rand.Text(), Host: c.Conn.Host.String(), Listener: c.Conn.Listener, ClientID: c.ClientID,
		API: c.API, Time: c.Received,
	}
	if c.Session != nil {
		o.Principal = c.Session.Principal.String()
	}
	digest := sha256.Sum256(withoutSecrets(c.Request).AppendTo(nil))
	o.Digest = hex.EncodeToString(digest[:])
	return o
}

// withoutSecrets is a request less the secrets in it. Salt and iterations are told to whoever tries to log in, so that a digest of
// the salted password, in an audit log that others read, would be something to try passwords on.
func withoutSecrets(q kmsg.Request) kmsg.Request {
	switch q := q.(type) {
	case *kmsg.AlterUserSCRAMCredentialsRequest:
		bare := *q
		bare.Upsertions = slices.Clone(q.Upsertions)
		for i := range bare.Upsertions {
			bare.Upsertions[i].SaltedPassword = nil
		}
		return &bare
	case *kmsg.RenewDelegationTokenRequest:
		bare := *q
		bare.HMAC = nil
		return &bare
	case *kmsg.ExpireDelegationTokenRequest:
		bare := *q
		bare.HMAC = nil
		return &bare
	default:
		return q
	}
}
