package wire

import (
	"errors"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// someValues are values of all kinds in all versions, with something in every field.
func someValues() map[string][][]byte {
	values := map[string][][]byte{}
	text := "x"
	for version := range int16(5) {
		member := kmsg.GroupMetadataValueMember{
			MemberID: "m", InstanceID: &text, ClientID: "c", ClientHost: "/h", Subscription: []byte{1}, Assignment: []byte{2, 3},
		}
		group := kmsg.GroupMetadataValue{
			Version: version, ProtocolType: "consumer", Generation: 7, Protocol: &text, Leader: &text,
			Members: []kmsg.GroupMetadataValueMember{member, member},
		}
		offset := kmsg.OffsetCommitValue{Version: version, Offset: 5, Metadata: "m", TopicID: [16]byte{1}}
		values["GroupMetadataValue"] = append(values["GroupMetadataValue"], group.AppendTo(nil))
		values["OffsetCommitValue"] = append(values["OffsetCommitValue"], offset.AppendTo(nil))
	}
	for version := range int16(2) {
		txn := kmsg.NewTxnMetadataValue()
		txn.Version, txn.PreviousProducerID, txn.NextProducerID, txn.ClientTransactionVersion, txn.NextProducerEpoch = version, 1, 2, 2, 3
		values["TxnMetadataValue"] = append(values["TxnMetadataValue"], txn.AppendTo(nil))
		txn.Topics = []kmsg.TxnMetadataValueTopic{{Topic: "t", Partitions: []int32{0, 1}}}
		txn.UnknownTags.Set(77, []byte("x"))
		values["TxnMetadataValue"] = append(values["TxnMetadataValue"], txn.AppendTo(nil))
	}
	return values
}

func readValue(name string, raw []byte) error {
	switch name {
	case "GroupMetadataValue":
		return ReadValue(raw, &kmsg.GroupMetadataValue{})
	case "OffsetCommitValue":
		return ReadValue(raw, &kmsg.OffsetCommitValue{})
	default:
		return ReadValue(raw, &kmsg.TxnMetadataValue{})
	}
}

func TestValuesAreHeldAgainstTheirLayouts(t *testing.T) {
	for name, list := range someValues() {
		for _, value := range list {
			if err := readValue(name, value); err != nil {
				t.Errorf("%s: %x: %v", name, value, err)
			}
			for cut := range value {
				if err := readValue(name, value[:cut]); !errors.Is(err, ErrMalformed) {
					t.Errorf("%s: %x cut at %d: %v", name, value, cut, err)
				}
			}
		}
	}
	if err := ReadValue([]byte{0, 0}, &kmsg.DefaultPrincipalData{}); !errors.Is(err, ErrUnknownRequest) {
		t.Errorf("of another kind: %v", err)
	}
	for _, version := range [][]byte{{0, 9, 0}, {255, 255, 0}} {
		if err := readValue("OffsetCommitValue", version); !errors.Is(err, ErrMalformed) {
			t.Errorf("version %x: %v", version, err)
		}
	}
}

// TestAClaimOfTagsIsNotFollowed where a value of a few bytes says that it has four thousand million tagged fields.
func TestAClaimOfTagsIsNotFollowed(t *testing.T) {
	for name, list := range someValues() {
		value := list[len(list)-1]
		kept := len(value) - 1
		if name == "OffsetCommitValue" {
			kept = len(value) - 19 // the topic's id is a tagged field
		}
		if err := readValue(name, append(value[:kept:kept], 0xff, 0xff, 0xff, 0xff, 0x0f)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
