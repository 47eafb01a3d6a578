package meta

// AllocateProducerIDs takes a block of producer ids, which no broker will ever hand out again.
type AllocateProducerIDs struct {
	Broker int32 `json:"broker"`
	Count  int64 `json:"count"`
}

func (*AllocateProducerIDs) kind() string { return "AllocateProducerIDs" }

func (c *AllocateProducerIDs) apply(d *draft) {
	d.result.FirstProducerID = d.img.nextProducerID
	d.img.nextProducerID += max(c.Count, 0)
}
