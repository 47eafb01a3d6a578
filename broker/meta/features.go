package meta

import "fmt"

// Features whose levels the cluster agrees on (KIP-584); Apache Kafka's GroupVersion and TransactionVersion.
const (
	// GroupVersion 1 allows consumer groups of KIP-848.
	GroupVersion = "group.version"
	// TransactionVersion 1 allows flexible fields in the records of __transaction_state, 2 bumps the epoch of a producer with every
	// transaction (KIP-890).
	TransactionVersion = "transaction.version"
)

// FeatureRange is which levels of a feature this release knows, both ends included. Level 0 means that the feature is off.
type FeatureRange struct {
	Name string `json:"name"`
	Min  int16  `json:"min"`
	Max  int16  `json:"max"`
}

// SupportedFeatures are the features of this release, by name.
func SupportedFeatures() []FeatureRange {
	return []FeatureRange{{Name: GroupVersion, Max: 1}, {Name: TransactionVersion, Max: 2}}
}

// LatestFeatures are the highest levels that this release knows.
func LatestFeatures() map[string]int16 {
	levels := map[string]int16{}
	for _, f := range SupportedFeatures() {
		levels[f.Name] = f.Max
	}
	return levels
}

// CheckFeatures fails where a feature is finalized at a level that this release does not know: to go on would be to misread what
// newer brokers write.
func (img *Image) CheckFeatures() error {
	for name, level := range img.features {
		if reason := unsupported(SupportedFeatures(), name, level); reason != "" {
			return fmt.Errorf("the cluster has finalized %s=%d: this release %s", name, level, reason)
		}
	}
	return nil
}

// unsupported says why a level is not in the ranges, in the words of Apache Kafka's QuorumFeatures; "" when it is.
func unsupported(ranges []FeatureRange, name string, level int16) string {
	for _, f := range ranges {
		switch {
		case f.Name != name:
		case f.Min <= level && level <= f.Max:
			return ""
		default:
			return fmt.Sprintf("only supports versions %d-%d", f.Min, f.Max)
		}
	}
	return "does not support this feature."
}
