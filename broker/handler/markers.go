package handler

import (
	"context"
	"time"

	"github.com/chronik-stream/chronik/broker/coordinator"
	"github.com/chronik-stream/chronik/broker/group"
	"github.com/chronik-stream/chronik/broker/record"
	"github.com/chronik-stream/chronik/broker/txn"
	"github.com/chronik-stream/chronik/broker/wire"
)

// Marker is how a producer's transaction ended, for partitions that may have records of it.
type Marker struct {
	coordinator.Marker
	Partitions []txn.TopicPartition
}

// Markers writes the control batches that end transactions. It is the one way by which they get into partitions, whoever asks.
type Markers struct {
	// Partitions finds what this broker leads.
	Partitions Partitions
	// Groups write the markers of group.Topic themselves, in order with the offsets that these decide about.
	Groups GroupCoordinator
	Clock  func() time.Time
}

// Write writes markers, and returns a code for each partition of each. Partitions wait for the disk together.
func (m *Markers) Write(ctx context.Context, markers []Marker) [][]int16 {
	now := m.Clock()
	waits := make([][]func(context.Context) error, len(markers))
	for i := range markers {
		marker := &markers[i]
		for _, p := range marker.Partitions {
			waits[i] = append(waits[i], m.start(ctx, marker, p, now))
		}
	}
	codes := make([][]int16, len(markers))
	for i := range waits {
		codes[i] = make([]int16, len(waits[i]))
		for j, wait := range waits[i] {
			codes[i][j] = wire.CodeOf(wait(ctx))
		}
	}
	return codes
}

func (m *Markers) start(ctx context.Context, marker *Marker, p txn.TopicPartition, now time.Time) func(context.Context) error {
	part, err := m.Partitions.find(p.Topic, p.Partition, -1)
	switch {
	case err != nil:
		return failedWith(err)
	case p.Topic == group.Topic:
		wait := m.Groups.Send(ctx, p.Partition, group.EndTxn{Marker: marker.Marker})
		return func(ctx context.Context) error {
			_, err := wait(ctx)
			return asLeader(err)
		}
	case part.Internal():
		return failedWith(wire.Errorf(wire.InvalidTopicException, "topic %s is written by the broker alone", p.Topic))
	}
	end := record.EndTxn{
		ProducerID: marker.ProducerID, Epoch: marker.Epoch, Commit: marker.Commit, CoordinatorEpoch: marker.CoordinatorEpoch,
	}
	appended, err := part.AppendMarker(end, marker.Level, now)
	if err != nil {
		return failedWith(err)
	}
	return appended.Wait
}

func failedWith(err error) func(context.Context) error {
	return func(context.Context) error { return err }
}

// asLeader puts what a coordinator says of itself in the terms of a partition, as who sends markers knows them.
func asLeader(err error) error {
	switch wire.CodeOf(err) {
	case wire.CoordinatorNotAvailable, wire.CoordinatorLoadInProgress, wire.NotCoordinator:
		return wire.Errorf(wire.NotLeaderForPartition, "%w", err)
	default:
		return err
	}
}
