package controller

import (
	"strings"

	"github.com/chronik-stream/chronik/broker/wire"
)

// AuditTopic is the internal topic of the audit events.
const AuditTopic = "__audit_log"

// maxTopicName is the longest name, so that a directory's name with its suffix fits into 255 bytes (Apache Kafka's Topic).
const maxTopicName = 249

// ValidateTopicName applies Apache Kafka's rules: 1 to 249 of letters, digits, '.', '_' and '-', and neither "." nor "..".
func ValidateTopicName(name string) error {
	switch {
	case name == "":
		return wire.Errorf(wire.InvalidTopicException, "Topic name is invalid: the empty string is not allowed")
	case name == "." || name == "..":
		return wire.Errorf(wire.InvalidTopicException, "Topic name is invalid: '%s' is not allowed", name)
	case len(name) > maxTopicName:
		return wire.Errorf(wire.InvalidTopicException, "Topic name is invalid: the length of '%s' is longer than the max allowed length %d", name, maxTopicName)
	case strings.IndexFunc(name, func(r rune) bool { return !legal(r) }) >= 0:
		return wire.Errorf(wire.InvalidTopicException,
			"Topic name is invalid: '%s' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'", name)
	}
	return nil
}

func legal(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '_' || r == '-'
}

// IsInternal reports names that the broker keeps for itself: a client can neither create nor delete these topics.
func IsInternal(name string) bool {
	switch name {
	case "__consumer_offsets", "__transaction_state", "__share_group_state", AuditTopic, "__cluster_metadata":
		return true
	default:
		return false
	}
}
