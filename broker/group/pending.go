package group

import "cmp"

// partitionKey names a partition.
type partitionKey struct {
	topic     string
	partition int32
}

func compareKeys(a, b partitionKey) int {
	return cmp.Or(cmp.Compare(a.topic, b.topic), cmp.Compare(a.partition, b.partition))
}

// groupPartition is a partition of which a group commits an offset.
type groupPartition struct {
	group string
	partitionKey
}

// pendingOffsets are those of transactions that have not ended. They are committed by their transaction's marker, or never.
type pendingOffsets struct {
	byProducer map[int64]map[groupPartition]offset
	// open says by group and partition which producers have one.
	open map[string]map[partitionKey]map[int64]struct{}
}

func newPendingOffsets() pendingOffsets {
	return pendingOffsets{byProducer: map[int64]map[groupPartition]offset{}, open: map[string]map[partitionKey]map[int64]struct{}{}}
}

func (p *pendingOffsets) add(producerID int64, k groupPartition, o offset) {
	if p.byProducer[producerID] == nil {
		p.byProducer[producerID] = map[groupPartition]offset{}
	}
	p.byProducer[producerID][k] = o
	partitions := p.open[k.group]
	if partitions == nil {
		partitions = map[partitionKey]map[int64]struct{}{}
		p.open[k.group] = partitions
	}
	if partitions[k.partitionKey] == nil {
		partitions[k.partitionKey] = map[int64]struct{}{}
	}
	partitions[k.partitionKey][producerID] = struct{}{}
}

// take ends a producer's transaction and returns what it had.
func (p *pendingOffsets) take(producerID int64) map[groupPartition]offset {
	offsets := p.byProducer[producerID]
	delete(p.byProducer, producerID)
	for k := range offsets {
		delete(p.open[k.group][k.partitionKey], producerID)
		if len(p.open[k.group][k.partitionKey]) == 0 {
			p.close(k)
		}
	}
	return offsets
}

// forget removes what any producer has for a partition.
func (p *pendingOffsets) forget(k groupPartition) {
	for producerID := range p.open[k.group][k.partitionKey] {
		delete(p.byProducer[producerID], k)
		if len(p.byProducer[producerID]) == 0 {
			delete(p.byProducer, producerID)
		}
	}
	p.close(k)
}

func (p *pendingOffsets) close(k groupPartition) {
	delete(p.open[k.group], k.partitionKey)
	if len(p.open[k.group]) == 0 {
		delete(p.open, k.group)
	}
}
