package handler

import (
	"context"
	"fmt"

	"github.com/chronik-stream/chronik/broker/meta"
)

// producerIDBlock is how many ids one entry of the metadata log reserves, as in Apache Kafka.
const producerIDBlock = 1000

// ProducerIDs hands out producer ids from blocks that the metadata log reserves, so that none is ever given twice, whatever
// happens to this process.
type ProducerIDs struct {
	log    MetadataLog
	nodeID int32

	turn      chan struct{} // holds one token: who has it may touch what follows
	next, end int64
}

// NewProducerIDs returns a source of ids without a block.
func NewProducerIDs(log MetadataLog, nodeID int32) *ProducerIDs {
	p := &ProducerIDs{log: log, nodeID: nodeID, turn: make(chan struct{}, 1)}
	p.turn <- struct{}{}
	return p
}

// Next returns an id that nobody has had before.
func (p *ProducerIDs) Next(ctx context.Context) (int64, error) {
	select {
	case <-p.turn:
	case <-ctx.Done():
		return 0, fmt.Errorf("wait for a producer id: %w", ctx.Err())
	}
	defer func() { p.turn <- struct{}{} }()
	if p.next == p.end {
		block, err := p.log.Propose(ctx, &meta.AllocateProducerIDs{Broker: p.nodeID, Count: producerIDBlock})
		if err != nil {
			return 0, err
		}
		p.next, p.end = block.FirstProducerID, block.FirstProducerID+producerIDBlock
	}
	id := p.next
	p.next++
	return id, nil
}
