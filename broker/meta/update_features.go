package meta

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/chronik-stream/chronik/broker/wire"
)

// UpdateFeatures finalizes levels of features: all of them, or none (FeatureControlManager of Apache Kafka). Where it fails, one
// item says why and the others are OPERATION_NOT_ATTEMPTED.
type UpdateFeatures struct {
	Origin Origin `json:"origin"`
	// Node proposes; refusals name it.
	Node int32 `json:"node"`
	// Supported is what the node knows. It stands here so that a later release, which reads the entry again, comes to the same result.
	Supported []FeatureRange  `json:"supported"`
	Updates   []FeatureUpdate `json:"updates"`
	// IfNeverSet leaves features alone that have had a level before, if only 0.
	IfNeverSet bool `json:"ifNeverSet,omitempty"`
}

// FeatureUpdate is the new level of a feature; 0 turns it off.
type FeatureUpdate struct {
	Name  string             `json:"name"`
	Level int16              `json:"level"`
	Type  FeatureUpgradeType `json:"type"`
}

// FeatureUpgradeType says which way a level may go, with the numbers of UpdateFeatures.
type FeatureUpgradeType uint8

// The types. Both downgrades do the same: no feature here loses metadata by one.
const (
	FeatureUpgrade FeatureUpgradeType = iota + 1
	FeatureSafeDowngrade
	FeatureUnsafeDowngrade
)

func (*UpdateFeatures) kind() string { return "UpdateFeatures" }

func (c *UpdateFeatures) apply(d *draft) {
	if failed, code, message := c.check(d.img.features); failed >= 0 {
		c.refuse(d, failed, code, message)
		return
	}
	for _, u := range c.Updates {
		d.item(u.Name, wire.None, "")
		old, set := d.img.features[u.Name]
		if set && c.IfNeverSet {
			continue
		}
		d.setFeature(u.Name, u.Level)
		d.audit(c.Origin, "FEATURE", u.Name, wire.None, featureState(old), featureState(u.Level))
	}
}

func (c *UpdateFeatures) refuse(d *draft, failed int, code int16, message string) {
	for i, u := range c.Updates {
		item := ItemResult{Name: u.Name, Code: wire.OperationNotAttempted}
		if i == failed {
			item.Code, item.Message = code, message
		}
		d.result.Items = append(d.result.Items, item)
		d.audit(c.Origin, "FEATURE", u.Name, item.Code, nil, nil)
	}
}

func featureState(level int16) map[string]string {
	return map[string]string{"level": strconv.Itoa(int(level))}
}

// check returns the first update that is not allowed, and why; -1 when all are.
func (c *UpdateFeatures) check(levels map[string]int16) (failed int, code int16, message string) {
	for i, u := range c.Updates {
		if slices.ContainsFunc(c.Updates[:i], func(other FeatureUpdate) bool { return other.Name == u.Name }) {
			return i, wire.InvalidRequest, "The feature " + u.Name + " was specified more than once."
		}
		if reason := c.problem(u, levels[u.Name]); reason != "" {
			return i, wire.InvalidUpdateVersion, fmt.Sprintf("Invalid update version %d for feature %s. %s", u.Level, u.Name, reason)
		}
	}
	return -1, wire.None, ""
}

// problem says why one update is not allowed; "" when it is.
func (c *UpdateFeatures) problem(u FeatureUpdate, current int16) string {
	if u.Type < FeatureUpgrade || u.Type > FeatureUnsafeDowngrade {
		return "The controller does not support the given upgrade type."
	}
	if u.Level < 0 {
		return "A feature version cannot be less than 0."
	}
	if reason := unsupported(c.Supported, u.Name, u.Level); reason != "" {
		if u.Level == 0 { // off, as it has to be: only its name is wrong
			return "Feature " + u.Name + " not found."
		}
		return fmt.Sprintf("Local controller %d %s", c.Node, reason)
	}
	switch {
	case u.Level < current && u.Type == FeatureUpgrade:
		return "Can't downgrade the version of this feature without setting the upgrade type to either safe or unsafe downgrade."
	case u.Level > current && u.Type != FeatureUpgrade:
		return "Can't downgrade to a newer version."
	default:
		return ""
	}
}
