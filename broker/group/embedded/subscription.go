package embedded

import (
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kbin"
)

// ErrMalformed is wrapped by what is wrong with a message.
var ErrMalformed = errors.New("malformed message of the consumer protocol")

// newest is the newest version that is known.
const newest = 3

// Subscription is what a member tells the leader.
type Subscription struct {
	// Version is what the member has written, which may be newer than those that are known. It reads an assignment of the same.
	Version int16
	Topics  []string
	// UserData is the assignor's own; nil where there is none.
	UserData []byte
	// Owned are the partitions that the member has, since version 1.
	Owned []TopicPartitions
	// Generation is that in which it got them, since version 2; -1 where it is not known.
	Generation int32
	// Rack is since version 3.
	Rack *string
}

// TopicPartitions are partitions of one topic.
type TopicPartitions struct {
	Topic      string
	Partitions []int32
}

// ReadSubscription reads a member's metadata.
func ReadSubscription(b []byte) (Subscription, error) {
	r := reader{kbin.Reader{Src: b}}
	s := Subscription{Version: r.Int16(), Generation: -1}
	s.Topics, s.UserData = r.strings(), r.userData()
	if s.Version >= 1 {
		s.Owned = r.topicPartitions()
	}
	if s.Version >= 2 {
		s.Generation = r.Int32()
	}
	if s.Version >= 3 {
		s.Rack = r.NullableString()
	}
	if s.Version < 0 || !r.Ok() {
		return Subscription{}, fmt.Errorf("%w: subscription of version %d, %d bytes", ErrMalformed, s.Version, len(b))
	}
	return s, nil
}
