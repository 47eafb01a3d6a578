package config

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ConsumerGroups are the settings of all consumer groups (KIP-848).
type ConsumerGroups struct {
	// Served says that group.coordinator.rebalance.protocols names them.
	Served bool
	// Assignors are group.consumer.assignors, "uniform" and "range"; the first is for groups that ask for none.
	Assignors []string
	// MaxSize is group.consumer.max.size.
	MaxSize int
	// Upgrade and Downgrade say which ways group.consumer.migration.policy allows: from classic groups, and back.
	Upgrade, Downgrade bool
	// RegexRefresh is group.consumer.regex.refresh.interval.ms.
	RegexRefresh time.Duration
}

// ConsumerGroup is what is in force for one consumer group.
type ConsumerGroup struct {
	SessionTimeout, HeartbeatInterval, AssignmentInterval time.Duration
}

// The settings that a group may have of its own, within bounds of the broker. Their keys are consumer.X.ms of the group,
// group.consumer.X.ms, group.consumer.min.X.ms and group.consumer.max.X.ms of the broker.
const (
	heartbeatInterval  = "heartbeat.interval"
	sessionTimeout     = "session.timeout"
	assignmentInterval = "assignment.interval"
)

func ofGroup(setting string) string  { return "consumer." + setting + ".ms" }
func ofGroups(setting string) string { return "group.consumer." + setting + ".ms" }
func lowest(setting string) string   { return "group.consumer.min." + setting + ".ms" }
func highest(setting string) string  { return "group.consumer.max." + setting + ".ms" }

func (l *loader) consumerGroups() {
	c := l.config
	protocols, policy := SplitList(c.text("group.coordinator.rebalance.protocols")), strings.ToLower(c.text("group.consumer.migration.policy"))
	if !slices.Contains(protocols, "classic") {
		l.fail("group.coordinator.rebalance.protocols=%s: Disabling the 'classic' protocol is not supported.", strings.Join(protocols, ","))
	}
	c.Groups.Consumer = ConsumerGroups{
		Served: slices.Contains(protocols, "consumer"), Assignors: l.assignors(), MaxSize: int(c.long("group.consumer.max.size")),
		Upgrade: policy == "upgrade" || policy == "bidirectional", Downgrade: policy == "downgrade" || policy == "bidirectional",
		RegexRefresh: c.millis("group.consumer.regex.refresh.interval.ms"),
	}
	for _, s := range []string{heartbeatInterval, sessionTimeout, assignmentInterval} {
		l.ordered(lowest(s), highest(s))
		l.ordered(lowest(s), ofGroups(s))
		l.ordered(ofGroups(s), highest(s))
	}
	if heartbeat, session := ofGroups(heartbeatInterval), ofGroups(sessionTimeout); c.long(heartbeat) >= c.long(session) {
		l.fail("%s=%d must be less than %s=%d", heartbeat, c.long(heartbeat), session, c.long(session))
	}
}

// ordered holds that one number is not above another (GroupCoordinatorConfig of Apache Kafka).
func (l *loader) ordered(low, high string) {
	if c := l.config; c.long(low) > c.long(high) {
		l.fail("%s=%d must be less than or equal to %s=%d", low, c.long(low), high, c.long(high))
	}
}

// assignors reads group.consumer.assignors. Older files name Apache Kafka's classes.
func (l *loader) assignors() []string {
	const key, kafkas = "group.consumer.assignors", "org.apache.kafka.coordinator.group.assignor."
	names := SplitList(l.config.text(key))
	for i, name := range names {
		switch name {
		case "uniform", kafkas + "UniformAssignor":
			names[i] = "uniform"
		case "range", kafkas + "RangeAssignor":
			names[i] = "range"
		default:
			l.fail("%s: %q is not an assignor; allowed: uniform, range", key, name)
		}
		if slices.Contains(names[:i], names[i]) {
			l.fail("%s: %s stands twice", key, name)
		}
	}
	if len(names) == 0 {
		l.fail("%s: at least one assignor is needed", key)
	}
	return names
}

// ConsumerGroup returns what is in force for a group, of which explicit is what is set for it. A value that the broker's bounds no
// longer allow counts as the nearest one that they do (GroupConfig.evaluate of Apache Kafka).
func (c *Config) ConsumerGroup(explicit map[string]string, d Dynamic) ConsumerGroup {
	value := func(setting string) time.Duration {
		n := c.brokerNumber(ofGroups(setting), d)
		if own, err := strconv.ParseInt(explicit[ofGroup(setting)], 10, 64); err == nil {
			n = own
		}
		return millis(max(c.long(lowest(setting)), min(c.long(highest(setting)), n)))
	}
	return ConsumerGroup{
		SessionTimeout: value(sessionTimeout), HeartbeatInterval: value(heartbeatInterval), AssignmentInterval: value(assignmentInterval),
	}
}

// ValidateGroup checks all that is to be set for a group against the broker's bounds, in the words of Apache Kafka's
// GroupConfig.validate. Each value by itself was checked by Validate.
func (c *Config) ValidateGroup(explicit map[string]string) error {
	for _, s := range []string{heartbeatInterval, sessionTimeout, assignmentInterval} {
		n, err := strconv.ParseInt(explicit[ofGroup(s)], 10, 64)
		switch {
		case err != nil: // it is not set
		case n < c.long(lowest(s)):
			return errors.New(ofGroup(s) + " must be greater than or equal to " + lowest(s))
		case n > c.long(highest(s)):
			return errors.New(ofGroup(s) + " must be less than or equal to " + highest(s))
		}
	}
	if g := c.ConsumerGroup(explicit, Dynamic{}); g.SessionTimeout <= g.HeartbeatInterval {
		return errors.New(ofGroup(sessionTimeout) + " must be greater than " + ofGroup(heartbeatInterval))
	}
	return nil
}
