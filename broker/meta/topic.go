package meta

import "encoding/base64"

// TopicID is a topic's 128-bit id (KIP-516).
type TopicID [16]byte

// String is the form that Apache Kafka prints: base64url without padding, 22 characters.
func (id TopicID) String() string { return base64.RawURLEncoding.EncodeToString(id[:]) }

// IsZero reports whether the id is absent.
func (id TopicID) IsZero() bool { return id == TopicID{} }

// Topic is one topic. It is immutable once it is part of an image.
type Topic struct {
	ID         TopicID           `json:"id"`
	Name       string            `json:"name"`
	Partitions []Partition       `json:"partitions"`
	Configs    map[string]string `json:"configs,omitempty"`
	// Internal marks the topics of the broker itself, which clients may not write.
	Internal bool `json:"internal,omitempty"`
}

// Partition says who holds a partition and who leads it.
type Partition struct {
	Leader         int32   `json:"leader"`
	LeaderEpoch    int32   `json:"leaderEpoch"`
	PartitionEpoch int32   `json:"partitionEpoch"`
	Replicas       []int32 `json:"replicas"`
	ISR            []int32 `json:"isr"`
}
