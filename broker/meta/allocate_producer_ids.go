package meta

import (
	"math"

	"github.com/chronik-stream/chronik/broker/wire"
)

// AllocateProducerIDs takes a block of producer ids, which no broker will ever hand out again.
type AllocateProducerIDs struct {
	Broker int32 `json:"broker"`
	Count  int64 `json:"count"`
}

func (*AllocateProducerIDs) kind() string { return "AllocateProducerIDs" }

func (c *AllocateProducerIDs) apply(d *draft) {
	if c.Count <= 0 || c.Count > math.MaxInt64-d.img.nextProducerID {
		d.item("", wire.InvalidRequest, "There is no block of %d producer ids from %d on.", c.Count, d.img.nextProducerID)
		return
	}
	d.item("", wire.None, "")
	d.result.FirstProducerID = d.img.nextProducerID
	d.img.nextProducerID += c.Count
}
