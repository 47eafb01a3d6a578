package controller

import (
	"slices"

	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
)

// maxPartitions caps the partitions of one request: each is a directory and some open files, and a typing error should not take
// the broker down.
const maxPartitions = 10_000

// Place chooses the replicas of new partitions: round robin over the live brokers from start on, so that leaders and copies are
// spread. first is the number of the first new partition.
func Place(img *meta.Image, first, count, factor, start int) ([][]int32, error) {
	live := liveBrokers(img)
	switch {
	case count <= 0:
		return nil, wire.Errorf(wire.InvalidPartitions, "Number of partitions must be larger than 0.")
	case count > maxPartitions:
		return nil, wire.Errorf(wire.InvalidPartitions, "Number of partitions must not be larger than %d.", maxPartitions)
	case factor <= 0:
		return nil, wire.Errorf(wire.InvalidReplicationFactor, "Replication factor must be larger than 0.")
	case factor > len(live):
		return nil, wire.Errorf(wire.InvalidReplicationFactor,
			"Unable to replicate the partition %d time(s): The target replication factor of %d cannot be reached because only %d broker(s) are registered.",
			factor, factor, len(live))
	}
	out := make([][]int32, count)
	for i := range out {
		out[i] = make([]int32, factor)
		for j := range out[i] {
			out[i][j] = live[(start+first+i+j)%len(live)]
		}
	}
	return out, nil
}

func liveBrokers(img *meta.Image) []int32 {
	var live []int32
	img.Brokers(func(b *meta.Broker) bool {
		if !b.Fenced {
			live = append(live, b.ID)
		}
		return true
	})
	return live
}

// CheckAssignment checks replicas that a client has chosen, by partition: registered, none twice, the same number each.
func CheckAssignment(img *meta.Image, partitions [][]int32) error {
	if len(partitions) == 0 {
		return wire.Errorf(wire.InvalidReplicaAssignment, "The manual partition assignment is empty.")
	}
	for i, replicas := range partitions {
		switch {
		case len(replicas) == 0:
			return wire.Errorf(wire.InvalidReplicaAssignment, "The manual partition assignment includes an empty replica list for partition %d.", i)
		case len(replicas) != len(partitions[0]):
			return wire.Errorf(wire.InvalidReplicaAssignment, "The manual partition assignment includes partition %d with %d replica(s), but partition 0 has %d.",
				i, len(replicas), len(partitions[0]))
		}
		for j, id := range replicas {
			if slices.Contains(replicas[:j], id) {
				return wire.Errorf(wire.InvalidReplicaAssignment, "The manual partition assignment includes the broker %d more than once.", id)
			}
			if img.Broker(id) == nil {
				return wire.Errorf(wire.InvalidReplicaAssignment, "The manual partition assignment includes broker %d, but no such broker is registered.", id)
			}
		}
	}
	return nil
}
