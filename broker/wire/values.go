package wire

import (
	"encoding/binary"
	"fmt"
	"math"
	"reflect"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Value is the value of a coordinator's record: a *kmsg.GroupMetadataValue, *kmsg.OffsetCommitValue or *kmsg.TxnMetadataValue.
type Value interface{ ReadFrom(raw []byte) error }

// valueBounds are wide: coordinators alone write such values, and a batch of them has bounds of its own.
var valueBounds = Bounds{PerByte: 64, Base: 64 << 10, Most: math.MaxInt, Elements: math.MaxInt32, Tags: 1000}

var valueSchemas = buildValueSchemas()

// ReadValue reads a value, which begins with its version, after it has held that against the layout: kmsg would look for as many tagged
// fields as a value claims to have, up to 2^32, whether they are there or not.
func ReadValue(raw []byte, into Value) error {
	s, found := valueSchemas[reflect.TypeOf(into)]
	if !found {
		return fmt.Errorf("%w: no layout of %T", ErrUnknownRequest, into)
	}
	if len(raw) < 2 {
		return fmt.Errorf("%w: %s of %d bytes", ErrMalformed, s.name, len(raw))
	}
	version := int16(binary.BigEndian.Uint16(raw)) //nolint:gosec // versions are signed
	if version < s.min || version > s.max {
		return fmt.Errorf("%w: %s of version %d", ErrMalformed, s.name, version)
	}
	if _, err := s.walk(version, raw[2:], &valueBounds); err != nil {
		return fmt.Errorf("read %s of version %d: %w", s.name, version, err)
	}
	return into.ReadFrom(raw)
}

// buildValueSchemas has the layouts as Apache Kafka's message definitions of the same names give them (TransactionLogValue for the last).
func buildValueSchemas() map[reflect.Type]*schema {
	all := map[reflect.Type]*schema{
		reflect.TypeFor[*kmsg.GroupMetadataValue](): {name: "GroupMetadataValue", max: 4, flexible: 4, body: fields{
			str("ProtocolType"), i32("Generation"), str("Protocol").null(0), str("Leader").null(0), i64("CurrentStateTimestamp").since(2),
			array("Members",
				str("MemberID"), str("InstanceID").null(3).since(3), str("ClientID"), str("ClientHost"), i32("RebalanceTimeoutMillis").since(1),
				i32("SessionTimeoutMillis"), blob("Subscription"), blob("Assignment"),
			),
		}},
		reflect.TypeFor[*kmsg.OffsetCommitValue](): {name: "OffsetCommitValue", max: 4, flexible: 4, body: fields{
			i64("Offset"), i32("LeaderEpoch").since(3), str("Metadata"), i64("CommitTimestamp"), i64("ExpireTimestamp").only(1, 1),
			uuid("TopicID").tagged(0),
		}},
		reflect.TypeFor[*kmsg.TxnMetadataValue](): {name: "TxnMetadataValue", max: 1, flexible: 1, body: fields{
			i64("ProducerID"), i16("ProducerEpoch"), i32("TimeoutMillis"), i8("State"),
			array("Topics", str("Topic"), array("Partitions", i32(element))).null(0),
			i64("LastUpdateTimestamp"), i64("StartTimestamp"),
			i64("PreviousProducerID").tagged(0), i64("NextProducerID").tagged(1), i16("ClientTransactionVersion").tagged(2),
			i16("NextProducerEpoch").tagged(3),
		}},
	}
	for of, s := range all {
		bind(s.body, of.Elem())
	}
	return all
}
