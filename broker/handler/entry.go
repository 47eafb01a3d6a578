package handler

import (
	"github.com/chronik-stream/chronik/broker/api"
)

// entryFrame caps the requests of the three APIs that anyone may send, in bytes. The largest honest one carries a Kerberos
// token of 64 KiB.
const entryFrame = 96 << 10

// Entry answers the three APIs that come before the log-in: ApiVersions, SaslHandshake and SaslAuthenticate.
type Entry struct {
	// ClusterID and NodeID are what a client may ask to have confirmed (KIP-1242).
	ClusterID string
	NodeID    int32
	// Listed is the table that ApiVersions shows. It is called per request, because the table holds this very row.
	Listed func() *api.Table
	// Features are the finalized feature levels and the epoch of that knowledge, the metadata log's index.
	Features func() (levels map[string]int16, epoch int64)
}

// Rows are the rows of this area.
func (e *Entry) Rows() []api.Row {
	return []api.Row{e.apiVersions(), e.saslHandshake(), e.saslAuthenticate()}
}
