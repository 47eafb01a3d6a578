package handler

import (
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/replica"
)

// Directories answers the APIs about this broker's log directories (KIP-113).
type Directories struct {
	Replicas *replica.Set
	Changes  Changes
}

// Rows are the rows of this area.
func (d *Directories) Rows() []api.Row {
	return []api.Row{d.alterReplicaLogDirs(), d.describeLogDirs()}
}
