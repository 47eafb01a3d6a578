package group

import "strings"

// State is what a group is doing (Apache Kafka's ClassicGroupState and ConsumerGroupState).
type State uint8

// The states. The zero value is invalid.
const (
	// Empty groups have no members; they may have offsets.
	Empty State = iota + 1
	// PreparingRebalance groups wait for their members to join again.
	PreparingRebalance
	// CompletingRebalance groups wait for their leader's assignment.
	CompletingRebalance
	// Stable groups have an assignment.
	Stable
	// Dead is what a group that does not exist is reported as.
	Dead
	// Assigning consumer groups wait for the next assignment.
	Assigning
	// Reconciling consumer groups have members on the way to their part of the assignment.
	Reconciling
)

// String returns Apache Kafka's name of the state.
func (s State) String() string {
	names := [...]string{"Unknown", "Empty", "PreparingRebalance", "CompletingRebalance", "Stable", "Dead", "Assigning", "Reconciling"}
	if int(s) < len(names) {
		return names[s]
	}
	return names[0]
}

// isOneOf reports whether the filter names the state, ignoring case; an empty filter names all.
func isOneOf(name string, filter []string) bool {
	if len(filter) == 0 {
		return true
	}
	for _, f := range filter {
		if strings.EqualFold(strings.TrimSpace(f), name) {
			return true
		}
	}
	return false
}
