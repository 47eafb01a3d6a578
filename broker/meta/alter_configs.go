package meta

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/chronik-stream/chronik/broker/wire"
)

// AlterConfigs changes explicit configurations. Values are validated by the proposer, which knows the table of keys; that the
// resource exists is checked here.
type AlterConfigs struct {
	Origin    Origin           `json:"origin"`
	Resources []ResourceChange `json:"resources"`
	// MostPrincipals bounds the principals that have a configuration; 0 does not. It stands here so that a later release, which reads the
	// entry again, comes to the same result.
	MostPrincipals int `json:"mostPrincipals,omitempty"`
	// Approval, where set, says what takes two persons.
	Approval *ApprovalRule `json:"approval,omitempty"`
}

// ResourceChange is the change of one resource's configuration, all of it or none.
type ResourceChange struct {
	Key ResourceKey `json:"key"`
	// Replace drops what is not named (AlterConfigs); without it the rest stays (IncrementalAlterConfigs, KIP-339).
	Replace bool       `json:"replace,omitempty"`
	Ops     []ConfigOp `json:"ops"`
	// Watched is set where the change may cut retention, and that takes two persons.
	Watched *Watched `json:"watched,omitempty"`
}

// ConfigOp is one operation on one key.
type ConfigOp struct {
	Op    ConfigOpType `json:"op"`
	Name  string       `json:"name"`
	Value string       `json:"value,omitempty"`
	// Base is the list that Append and Subtract start from where the key has no explicit value.
	Base string `json:"base,omitempty"`
	// Sensitive keeps the value out of the audit record.
	Sensitive bool `json:"sensitive,omitempty"`
}

// ConfigOpType is an operation of IncrementalAlterConfigs plus one, so that zero stays invalid.
type ConfigOpType uint8

// The operations.
const (
	SetConfig ConfigOpType = iota + 1
	DeleteConfig
	AppendConfig
	SubtractConfig
)

func (*AlterConfigs) kind() string { return "AlterConfigs" }

func (c *AlterConfigs) apply(d *draft) {
	for _, change := range c.Resources {
		if code, message := c.check(d, change); code != wire.None {
			d.result.Items = append(d.result.Items, ItemResult{Name: change.Key.Name, Code: code, Message: message})
			d.audit(c.Origin, change.Key.Type.String(), change.Key.Name, code, nil, nil)
			continue
		}
		old := d.img.Config(change.Key)
		next := change.On(old)
		before, after := change.differences(old, next)
		if refused := c.admit(d, change, configState{old, before}, configState{next, after}); refused.code != wire.None {
			d.item(change.Key.Name, refused.code, "%s", refused.message)
			d.audit(c.Origin, change.Key.Type.String(), change.Key.Name, refused.code, nil, refused.after())
			continue
		}
		d.item(change.Key.Name, wire.None, "")
		d.audit(c.Origin, change.Key.Type.String(), change.Key.Name, wire.None, before, after)
		if _, unlocks := next[LoginLocked]; unlocks && change.Key.Type == UserConfig {
			delete(next, LoginLocked)
			d.delta.Unlocked = append(d.delta.Unlocked, change.Key.Name)
		}
		d.putConfig(change.Key, next)
		if change.Key.Type == UserConfig && revokedSince(next) > revokedSince(old) {
			d.removeTokensKnownTo(change.Key.Name, c.Origin)
		}
	}
}

func (c *AlterConfigs) check(d *draft, change ResourceChange) (code int16, message string) {
	if code, message = d.checkChange(change); code != wire.None {
		return code, message
	}
	if change.Key.Type == UserConfig && revokedSince(change.On(nil)) > 0 && c.MostPrincipals > 0 &&
		d.img.principals >= c.MostPrincipals && d.img.Config(change.Key) == nil {
		return wire.PolicyViolation, fmt.Sprintf("%d principals are revoked, and no more can be: "+
			"take back the revocations of those whose tickets, tokens and certificates from before have expired.", c.MostPrincipals)
	}
	return wire.None, ""
}

// configState is a configuration before or after a change: all of it, and what of it changes as it may be shown.
type configState struct{ all, shown map[string]string }

// admit refuses a change that was prepared by another sight than what is there now, and uses up the approvals of one that cuts retention,
// changes which policies may be in force, or gives an administrator back what was revoked.
func (c *AlterConfigs) admit(d *draft, change ResourceChange, before, after configState) refusal {
	if s := c.Approval.reinstatement(d, change.Key, before.shown, after.shown); s != nil {
		return d.passes(c.Approval, c.Origin, s)
	}
	var subjects []*Subject
	if s := c.Approval.policyChange(change.Key, before.all, after.all); s != nil {
		subjects = append(subjects, s)
	}
	w := change.Watched
	switch {
	case w == nil || !c.Approval.covers(ApproveRetentionCuts):
	case w.Sight != d.img.ConfigSight(change.Key, w.Node):
		return refusal{code: wire.PolicyViolation, message: "The configuration has changed at this moment, and with it what takes the approval of a second administrator: ask again."}
	case len(w.Before) > 0:
		subjects = append(subjects, change.cut(d.img, before.shown, after.shown))
	}
	return d.passesAll(c.Approval, c.Origin, subjects)
}

func (d *draft) checkChange(c ResourceChange) (code int16, message string) {
	switch c.Key.Type {
	case BrokerConfig, GroupConfig, UserConfig:
	case TopicConfig:
		if d.img.Topic(c.Key.Name) == nil {
			return wire.UnknownTopicOrPartition, "The topic '" + c.Key.Name + "' does not exist."
		}
	default:
		return wire.InvalidRequest, "Unknown type of configured resource."
	}
	for _, op := range c.Ops {
		if op.Op < SetConfig || op.Op > SubtractConfig {
			return wire.InvalidRequest, "Unknown operation on the key " + op.Name + "."
		}
		if op.Name == PoliciesDigest && c.Key.Type == BrokerConfig && c.Key != allBrokers() {
			return wire.InvalidRequest, PoliciesDigest + " is of all brokers, and of no single one: change the default, whose name is empty (--entity-default)."
		}
	}
	return wire.None, ""
}

// On returns the configuration after the change; the given one stays as it is.
func (c ResourceChange) On(old map[string]string) map[string]string {
	next := map[string]string{}
	if !c.Replace {
		next = maps.Clone(old)
		if next == nil {
			next = map[string]string{}
		}
	}
	for _, op := range c.Ops {
		op.on(next)
	}
	return next
}

func (op ConfigOp) on(config map[string]string) {
	current, set := config[op.Name]
	if !set {
		current = op.Base
	}
	switch op.Op {
	case SetConfig:
		config[op.Name] = op.Value
	case DeleteConfig:
		delete(config, op.Name)
	case AppendConfig:
		list := splitList(current)
		for _, v := range splitList(op.Value) {
			if !slices.Contains(list, v) {
				list = append(list, v)
			}
		}
		config[op.Name] = strings.Join(list, ",")
	case SubtractConfig:
		gone := splitList(op.Value)
		list := slices.DeleteFunc(splitList(current), func(v string) bool { return slices.Contains(gone, v) })
		config[op.Name] = strings.Join(list, ",")
	}
}

func splitList(s string) []string {
	var out []string
	for part := range strings.SplitSeq(s, ",") {
		if trimmed := strings.TrimSpace(part); trimmed != "" {
			out = append(out, trimmed)
		}
	}
	return out
}

// differences are the keys whose value the change touches, before and after, without sensitive values. What a replacement drops
// without naming it may be sensitive for all that is known here; only brokers have such keys.
func (c ResourceChange) differences(old, next map[string]string) (before, after map[string]string) {
	hidden := map[string]bool{}
	for _, op := range c.Ops {
		hidden[op.Name] = hidden[op.Name] || op.Sensitive
	}
	named := map[string]bool{}
	for _, op := range c.Ops {
		named[op.Name] = true
	}
	show := func(name, value string) string {
		if hidden[name] || c.Key.Type == BrokerConfig && !named[name] && name != PoliciesDigest {
			return "(hidden)"
		}
		return value
	}
	before, after = map[string]string{}, map[string]string{}
	for k, v := range old {
		if n, kept := next[k]; !kept || n != v {
			before[k] = show(k, v)
		}
	}
	for k, v := range next {
		if o, was := old[k]; !was || o != v {
			after[k] = show(k, v)
		}
	}
	return before, after
}
