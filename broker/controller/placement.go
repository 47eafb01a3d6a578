package controller

import (
	"slices"

	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
)

// MaxPartitions caps the partitions that one request makes, as in Apache Kafka (ReplicationControlManager): each is a directory and
// some open files, and a typing error should not take the broker down.
const MaxPartitions = 10_000

// Place chooses the replicas of new partitions: round robin over the live brokers from start on, so that leaders and copies are
// spread. first is the number of the first new partition.
func Place(img *meta.Image, first, count, factor, start int) ([][]int32, error) {
	live := liveBrokers(img)
	switch {
	case count <= 0:
		return nil, wire.Errorf(wire.InvalidPartitions, "Number of partitions was set to an invalid non-positive value.")
	case count > MaxPartitions:
		return nil, wire.Errorf(wire.PolicyViolation, "Excessively large number of partitions per request.")
	case factor <= 0:
		return nil, wire.Errorf(wire.InvalidReplicationFactor, "Replication factor must be larger than 0, or -1 to use the default value.")
	case factor > len(live):
		return nil, wire.Errorf(wire.InvalidReplicationFactor,
			"Unable to replicate the partition %d time(s): The target replication factor of %d cannot be reached because only %d broker(s) are registered or some brokers have all their log directories cordoned.",
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
		if !b.Fenced && !b.Cordoned {
			live = append(live, b.ID)
		}
		return true
	})
	return live
}

// CheckAssignment checks replicas that a client has chosen, by partition: registered, none twice, and the same number each, which
// is factor unless that is 0.
func CheckAssignment(img *meta.Image, partitions [][]int32, factor int) error {
	if len(partitions) == 0 {
		return wire.Errorf(wire.InvalidReplicaAssignment, "The manual partition assignment is empty.")
	}
	if factor == 0 {
		factor = len(partitions[0])
	}
	for _, replicas := range partitions {
		switch {
		case len(replicas) == 0:
			return wire.Errorf(wire.InvalidReplicaAssignment, "The manual partition assignment includes an empty replica list.")
		case len(replicas) != factor:
			return wire.Errorf(wire.InvalidReplicaAssignment, "The manual partition assignment includes a partition with %d replica(s), "+
				"but this is not consistent with previous partitions, which have %d replica(s).", len(replicas), factor)
		}
		if err := checkReplicas(img, replicas); err != nil {
			return err
		}
	}
	return nil
}

// checkReplicas looks at no more replicas than there are brokers: one of more is unknown or stands there twice.
func checkReplicas(img *meta.Image, replicas []int32) error {
	for i, id := range replicas {
		broker := img.Broker(id)
		if broker == nil {
			return wire.Errorf(wire.InvalidReplicaAssignment, "The manual partition assignment includes broker %d, but no such broker is registered.", id)
		}
		if broker.Cordoned {
			return wire.Errorf(wire.InvalidReplicaAssignment, "The manual partition assignment includes broker %d, but all its log directories are cordoned.", id)
		}
		if slices.Contains(replicas[:i], id) {
			return wire.Errorf(wire.InvalidReplicaAssignment, "The manual partition assignment includes the broker %d more than once.", id)
		}
	}
	return nil
}
