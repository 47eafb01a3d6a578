package group

import (
	"encoding/binary"
	"errors"
	"math"
)

var errSubscription = errors.New("malformed consumer subscription")

// subscribedTopics is the union of what consumers subscribe to, or nil where a member's subscription cannot be read.
func (g *group) subscribedTopics() map[string]struct{} {
	if g.protocolType != consumerProtocol {
		return nil
	}
	topics := map[string]struct{}{}
	if len(g.order) == 0 {
		return topics
	}
	if g.protocol == nil {
		return nil
	}
	for _, mb := range g.order {
		if eachSubscribed(mb.metadata(*g.protocol), func(topic string) { topics[topic] = struct{}{} }) != nil {
			return nil
		}
	}
	return topics
}

// eachSubscribed reads the topics of a consumer's subscription. Every version begins as version 0 does: an i16 version and an array of
// strings (Apache Kafka's ConsumerProtocolSubscription).
func eachSubscribed(b []byte, yield func(topic string)) error {
	if len(b) < 6 {
		return errSubscription
	}
	count := binary.BigEndian.Uint32(b[2:])
	if count > math.MaxInt32 {
		return errSubscription
	}
	b = b[6:]
	for ; count > 0; count-- {
		if len(b) < 2 {
			return errSubscription
		}
		n := int(binary.BigEndian.Uint16(b))
		if n > math.MaxInt16 || len(b)-2 < n {
			return errSubscription
		}
		yield(string(b[2 : 2+n]))
		b = b[2+n:]
	}
	return nil
}
