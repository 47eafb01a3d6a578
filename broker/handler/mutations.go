package handler

import (
	"time"

	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/quota"
	"github.com/chronik-stream/chronik/broker/wire"
)

// The versions from which a client knows THROTTLING_QUOTA_EXCEEDED (KIP-599). Older ones are let through and held back after it.
const (
	strictCreateTopics     = 6
	strictDeleteTopics     = 5
	strictCreatePartitions = 3
)

// mutations are what one request changes of partitions, as its client's quota has it.
type mutations struct {
	quotas *quota.Manager
	call   *api.Call
	strict bool
	// throttle is how long the client has to be held back.
	throttle time.Duration
}

func (t *Topics) mutations(c *api.Call, strictFrom int16) *mutations {
	return &mutations{quotas: t.Quotas, call: c, strict: c.Version >= strictFrom}
}

// take counts partitions that are created or deleted, or returns why that is not allowed now.
func (m *mutations) take(partitions int) error {
	wait, allowed := m.quotas.Changed(m.call.Session.Principal.Name, m.call.ClientID, partitions, m.strict)
	m.throttle = max(m.throttle, wait)
	if !allowed {
		return wire.Errorf(wire.ThrottlingQuotaExceeded, "The throttling quota has been exceeded.")
	}
	return nil
}
