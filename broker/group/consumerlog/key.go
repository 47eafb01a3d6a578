package consumerlog

import (
	"encoding/binary"
	"fmt"

	"github.com/twmb/franz-go/pkg/kbin"
)

// Type is the type of a record: what it tells about its group.
type Type int16

// The types. Zero is that of an offset of old, and none of these.
const (
	// GroupType is of the one Group record.
	GroupType Type = 3
	// PartitionsType is of what Apache Kafka before 4.1 remembered about topics. Its value tells nothing that is used; it is known so
	// that a group that has one can delete it.
	PartitionsType Type = 4
	// MemberType is of one Member record for each member.
	MemberType Type = 5
	// TargetType is of the one Target record.
	TargetType Type = 6
	// TargetMemberType is of one TargetMember record for each member.
	TargetMemberType Type = 7
	// CurrentType is of one Current record for each member.
	CurrentType Type = 8
	// RegexType is of one Regex record for each regular expression.
	RegexType Type = 16
)

// Key says what a record is about.
type Key struct {
	Type  Type
	Group string
	// Name is the member's id, or the regular expression; empty where there is one record per group.
	Name string
}

// named reports whether keys of the type have a name, and whether the type is one of these.
func (t Type) named() (named, known bool) {
	switch t {
	case GroupType, PartitionsType, TargetType:
		return false, true
	case MemberType, TargetMemberType, CurrentType, RegexType:
		return true, true
	default:
		return false, false
	}
}

// AppendTo appends the key's bytes. Its strings have at most 32,767 bytes, as all in requests.
func (k Key) AppendTo(dst []byte) []byte {
	dst = kbin.AppendString(kbin.AppendInt16(dst, int16(k.Type)), k.Group)
	if named, _ := k.Type.named(); named {
		dst = kbin.AppendString(dst, k.Name)
	}
	return dst
}

// ReadKey reads a key of __consumer_offsets. Those of other records than these are not known, which is no error.
func ReadKey(b []byte) (k Key, known bool, err error) {
	if len(b) < 2 {
		return Key{}, false, fmt.Errorf("%w: a key of %d bytes", ErrMalformed, len(b))
	}
	k.Type = Type(binary.BigEndian.Uint16(b)) //nolint:gosec // bits
	named, known := k.Type.named()
	if !known {
		return Key{}, false, nil
	}
	r := reader{kbin.Reader{Src: b[2:]}}
	k.Group = r.String()
	if named {
		k.Name = r.String()
	}
	if !r.Ok() {
		return Key{}, false, fmt.Errorf("%w: a key of type %d", ErrMalformed, k.Type)
	}
	return k, true, nil
}
