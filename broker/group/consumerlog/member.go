package consumerlog

import (
	"bytes"

	"github.com/twmb/franz-go/pkg/kbin"
)

// Member is what a member has told of itself.
type Member struct {
	// Instance is nil for members that are not static.
	Instance *string
	Rack     *string

	ClientID, ClientHost string

	// Topics are the subscribed topics, sorted.
	Topics []string
	// Regex is the regular expression that it subscribes with, if any.
	Regex *string

	// RebalanceTimeoutMillis is how long it may take to give partitions back, -1 where that is not known.
	RebalanceTimeoutMillis int32
	// Assignor is the one that it would like to have, if any.
	Assignor *string

	// Classic is nil for members that use the consumer protocol.
	Classic *Classic
}

// Classic is what else there is to know of a member that uses the classic protocol in a group of the consumer protocol.
type Classic struct {
	SessionTimeoutMillis int32
	// Protocols are in the order of the member's preference.
	Protocols []ClassicProtocol
}

// ClassicProtocol is one of the assignors that a classic member can do, with its metadata as JoinGroup has it.
type ClassicProtocol struct {
	Name     string
	Metadata []byte
}

// Value is the record's value.
func (m *Member) Value() []byte {
	dst := kbin.AppendCompactNullableString(newValue(), m.Instance)
	dst = kbin.AppendCompactNullableString(dst, m.Rack)
	dst = kbin.AppendCompactString(dst, m.ClientID)
	dst = kbin.AppendCompactString(dst, m.ClientHost)
	dst = appendStrings(dst, m.Topics)
	dst = kbin.AppendCompactNullableString(dst, m.Regex)
	dst = kbin.AppendInt32(dst, m.RebalanceTimeoutMillis)
	dst = kbin.AppendCompactNullableString(dst, m.Assignor)
	return onlyTag(dst, m.Classic.field())
}

// A structure that may be null, in a tagged field, begins with a byte that says whether it is there. Without the field Apache Kafka
// takes the structure to be there with nothing in it, so that even null is written.
const (
	absent  = 0
	present = 1
)

func (c *Classic) field() []byte {
	if c == nil {
		return []byte{absent}
	}
	dst := kbin.AppendInt32(kbin.AppendInt8(nil, present), c.SessionTimeoutMillis)
	dst = kbin.AppendCompactArrayLen(dst, len(c.Protocols))
	for _, p := range c.Protocols {
		dst = noTags(kbin.AppendCompactBytes(kbin.AppendCompactString(dst, p.Name), p.Metadata))
	}
	return noTags(dst)
}

// ReadMember reads the value of a record of MemberType.
func ReadMember(b []byte) (m *Member, err error) {
	m = &Member{}
	err = readValue(b, "a member", func(r *reader) {
		m.Instance, m.Rack = r.CompactNullableString(), r.CompactNullableString()
		m.ClientID, m.ClientHost = r.CompactString(), r.CompactString()
		m.Topics, m.Regex = r.strings(), r.CompactNullableString()
		m.RebalanceTimeoutMillis, m.Assignor = r.Int32(), r.CompactNullableString()
		r.tags(func(field *reader) { m.Classic = field.classic() })
	})
	return m, err
}

func (r *reader) classic() *Classic {
	if r.Int8() <= absent {
		return nil
	}
	c := &Classic{SessionTimeoutMillis: r.Int32()}
	r.array(func() {
		c.Protocols = append(c.Protocols, ClassicProtocol{r.CompactString(), bytes.Clone(r.CompactBytes())})
		r.tags(nil)
	})
	r.tags(nil)
	return c
}
