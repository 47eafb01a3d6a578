package shard

import (
	"math"
	"unicode/utf16"
)

// PartitionFor says which of a coordinator topic's partitions keeps the state of a key, such as a group id: the absolute value of Java's
// String.hashCode, modulo the number of partitions. The smallest integer has no absolute value; it counts as 0 (Apache Kafka's
// Utils.abs).
func PartitionFor(key string, partitions int32) int32 {
	var h int32
	for _, r := range key {
		if r < 0x10000 {
			h = 31*h + r
			continue
		}
		high, low := utf16.EncodeRune(r)
		h = 31*(31*h+high) + low
	}
	switch {
	case h == math.MinInt32:
		h = 0
	case h < 0:
		h = -h
	}
	return h % partitions
}
