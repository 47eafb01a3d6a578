package consumerlog

import "github.com/twmb/franz-go/pkg/kbin"

// Group is the group itself. A group that has this record exists.
type Group struct {
	// Epoch grows with everything that may change the assignment.
	Epoch int32
	// MetadataHash stands for the topics that the group subscribes to, as they were at that epoch; 0 where there are none. It means
	// something only to the broker that has written it.
	MetadataHash int64
}

// Value is the record's value.
func (g Group) Value() []byte {
	return appendNumber(kbin.AppendInt32(newValue(), g.Epoch), g.MetadataHash)
}

// ReadGroup reads the value of a record of GroupType.
func ReadGroup(b []byte) (g Group, err error) {
	err = readValue(b, "a group", func(r *reader) {
		g.Epoch = r.Int32()
		r.tags(func(field *reader) { g.MetadataHash = field.Int64() })
	})
	return g, err
}

// Target is the group's target assignment as a whole. Its parts are the TargetMember records before it.
type Target struct {
	// Epoch is that of the group for which the assignment was computed.
	Epoch int32
	// Millis is when that was, since 1970; 0 where it is not known (KIP-1263).
	Millis int64
}

// Value is the record's value.
func (t Target) Value() []byte {
	return appendNumber(kbin.AppendInt32(newValue(), t.Epoch), t.Millis)
}

// ReadTarget reads the value of a record of TargetType.
func ReadTarget(b []byte) (t Target, err error) {
	err = readValue(b, "a target assignment", func(r *reader) {
		t.Epoch = r.Int32()
		r.tags(func(field *reader) { t.Millis = field.Int64() })
	})
	return t, err
}

// Regex is what one regular expression of subscriptions has matched.
type Regex struct {
	// Topics are sorted.
	Topics []string
	// Version is that of the cluster's metadata in which they were looked for.
	Version int64
	// Millis is when that was, since 1970.
	Millis int64
}

// Value is the record's value.
func (x Regex) Value() []byte {
	dst := appendStrings(newValue(), x.Topics)
	return noTags(kbin.AppendInt64(kbin.AppendInt64(dst, x.Version), x.Millis))
}

// ReadRegex reads the value of a record of RegexType.
func ReadRegex(b []byte) (x Regex, err error) {
	err = readValue(b, "a regular expression", func(r *reader) {
		x.Topics, x.Version, x.Millis = r.strings(), r.Int64(), r.Int64()
		r.tags(nil)
	})
	return x, err
}
