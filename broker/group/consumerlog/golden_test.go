package consumerlog

import (
	"bytes"
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var (
	topic1 = TopicID{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}
	topic2 = TopicID{17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32}
)

func ptr(s string) *string { return &s }

// value is what all values can do.
type value interface{ Value() []byte }

// read reads a value of the key's type.
func read(t Type, b []byte) (value, error) {
	switch t {
	case GroupType:
		return ReadGroup(b)
	case TargetType:
		return ReadTarget(b)
	case MemberType:
		return ReadMember(b)
	case TargetMemberType:
		return ReadTargetMember(b)
	case CurrentType:
		return ReadCurrent(b)
	case RegexType:
		return ReadRegex(b)
	default:
		return nil, ErrMalformed
	}
}

// golden is what the records of testdata/kafka.txt say, which Apache Kafka 4.3.1 has written: name, key, value ("-" for none).
// Those of foreign have what this version does not write.
func golden() (want map[string]value, foreign map[string]value) {
	classic := func(protocols ...ClassicProtocol) *Member {
		return &Member{
			ClientID: "c1", ClientHost: "/10.0.0.1", Topics: []string{"a"}, RebalanceTimeoutMillis: 5,
			Classic: &Classic{SessionTimeoutMillis: 45_000, Protocols: protocols},
		}
	}
	rangeProtocol := ClassicProtocol{"range", []byte{9, 8}}
	return map[string]value{
		"group":         Group{Epoch: 7, MetadataHash: -3},
		"group-no-hash": Group{Epoch: 7},
		"member": &Member{
			Instance: ptr("i1"), Rack: ptr("r1"), ClientID: "c1", ClientHost: "/10.0.0.1", Topics: []string{"a", "b"},
			Regex: ptr("a.*"), RebalanceTimeoutMillis: 300_000, Assignor: ptr("range"),
		},
		"member-least": &Member{RebalanceTimeoutMillis: -1},
		"member-empty": &Member{
			Instance: ptr(""), Rack: ptr(""), Regex: ptr(""), Assignor: ptr(""), RebalanceTimeoutMillis: -1,
		},
		"member-classic": classic(rangeProtocol, ClassicProtocol{"sticky", []byte{}}),
		"target":         Target{Epoch: 8, Millis: 1_700_000_000_000},
		"target-no-time": Target{Epoch: 8},
		"target-member": TargetMember{[]TopicPartitions{
			{topic1, []int32{0, 1, 300}}, {topic2, []int32{2}},
		}},
		"target-member-least": TargetMember{},
		"current": Current{
			Epoch: 9, PreviousEpoch: 8, State: Unrevoked,
			Assigned: []TopicEpochs{{topic1, []PartitionEpoch{{0, 9}, {1, 4}}}},
			Revoking: []TopicEpochs{{topic2, []PartitionEpoch{{5, 3}}}},
		},
		"regex": Regex{Topics: []string{"a", "ab"}, Version: 12, Millis: 1_700_000_000_000},
	}, map[string]value{
		"group-unknown-tags":         Group{Epoch: 7, MetadataHash: -3},
		"member-unknown-tags":        classic(rangeProtocol),
		"member-untagged":            &Member{RebalanceTimeoutMillis: -1},
		"target-unknown-tags":        Target{Epoch: 8},
		"target-member-unknown-tags": TargetMember{[]TopicPartitions{{topic1, []int32{0}}}},
		"current-no-epochs": Current{
			Epoch: -2, PreviousEpoch: 8, State: Unreleased,
			Assigned: []TopicEpochs{{topic1, []PartitionEpoch{{0, 0}, {1, 0}}}},
		},
		"current-unknown": Current{
			Epoch: 9, PreviousEpoch: 8, State: Unknown, Assigned: []TopicEpochs{{topic1, []PartitionEpoch{{0, 9}}}},
		},
		"regex-unknown-tags": Regex{Version: 12},
	}
}

// keys are those of testdata/kafka.txt, by the beginning of the record's name. The longest beginning counts.
var keys = map[string]Key{
	"group":         {Type: GroupType, Group: "g1"},
	"partitions":    {Type: PartitionsType, Group: "g1"},
	"member":        {Type: MemberType, Group: "g1", Name: "m1"},
	"target":        {Type: TargetType, Group: "g1"},
	"target-member": {Type: TargetMemberType, Group: "g1", Name: "m1"},
	"current":       {Type: CurrentType, Group: "g1", Name: "m1"},
	"regex":         {Type: RegexType, Group: "g1", Name: "a.*"},
}

func keyOf(name string) Key {
	longest := ""
	for prefix := range keys {
		if strings.HasPrefix(name, prefix) && len(prefix) > len(longest) {
			longest = prefix
		}
	}
	return keys[longest]
}

type goldenRecord struct {
	name       string
	key, value []byte
}

func goldenRecords(t testing.TB) (all []goldenRecord) {
	t.Helper()
	file, err := os.ReadFile("testdata/kafka.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(file)) {
		fields := strings.Fields(line)
		r := goldenRecord{name: fields[0]}
		if r.key, err = hex.DecodeString(fields[1]); err != nil {
			t.Fatal(err)
		}
		if fields[2] != "-" {
			if r.value, err = hex.DecodeString(fields[2]); err != nil {
				t.Fatal(err)
			}
		}
		all = append(all, r)
	}
	return all
}

func TestKeysAreApacheKafkas(t *testing.T) {
	seen := map[Type]bool{}
	for _, r := range goldenRecords(t) {
		want := keyOf(r.name)
		got, known, err := ReadKey(r.key)
		if err != nil || !known || got != want {
			t.Errorf("%s: key %+v, known %t, %v; not %+v", r.name, got, known, err, want)
		}
		if b := want.AppendTo(nil); !bytes.Equal(b, r.key) {
			t.Errorf("%s: key %x, not %x", r.name, b, r.key)
		}
		seen[got.Type] = true
	}
	if len(seen) != len(keys) {
		t.Errorf("types = %v", seen)
	}
}

func TestValuesAreApacheKafkas(t *testing.T) {
	want, foreign := golden()
	for _, r := range goldenRecords(t) {
		key := keyOf(r.name)
		if r.value == nil || key.Type == PartitionsType {
			continue
		}
		wanted, written := want[r.name]
		if !written {
			wanted = foreign[r.name]
		}
		got, err := read(key.Type, r.value)
		if err != nil {
			t.Errorf("%s: %v", r.name, err)
		} else if diff := cmp.Diff(wanted, got); diff != "" {
			t.Errorf("%s: %s", r.name, diff)
		}
		if written && !bytes.Equal(wanted.Value(), r.value) {
			t.Errorf("%s: value %x, not %x", r.name, wanted.Value(), r.value)
		}
		delete(want, r.name)
		delete(foreign, r.name)
	}
	if len(want)+len(foreign) > 0 {
		t.Errorf("testdata/kafka.txt does not have %v, %v", want, foreign)
	}
}
