package handler

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"

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
// which is what a second administrator would approve.
func originOf(c *api.Call) meta.Origin {
	o := meta.Origin{
		EventID: rand.Text(), Host: c.Conn.Host.String(), Listener: c.Conn.Listener, ClientID: c.ClientID,
		API: kmsg.NameForKey(c.Key), Time: c.Received,
	}
	if c.Session != nil {
		o.Principal = c.Session.Principal.String()
	}
	digest := sha256.Sum256(c.Request.AppendTo(nil))
	o.Digest = hex.EncodeToString(digest[:])
	return o
}
