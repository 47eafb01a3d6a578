package controller

import (
	"strings"

	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
)

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

// Collides returns a topic whose name differs only by '.' for '_': metric names can not tell them apart. nil means none.
func Collides(img *meta.Image, name string) *meta.Topic {
	if !strings.ContainsAny(name, "._") {
		return nil
	}
	folded := strings.ReplaceAll(name, ".", "_")
	var found *meta.Topic
	img.Topics(func(t *meta.Topic) bool {
		if t.Name != name && strings.ReplaceAll(t.Name, ".", "_") == folded {
			found = t
		}
		return found == nil
	})
	return found
}
