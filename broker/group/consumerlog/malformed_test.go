package consumerlog

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kbin"
)

// TestEveryCutIsNoticed ends each record early, at every byte.
func TestEveryCutIsNoticed(t *testing.T) {
	for _, r := range goldenRecords(t) {
		for n := range r.key {
			if _, known, err := ReadKey(r.key[:n]); !errors.Is(err, ErrMalformed) || known {
				t.Errorf("%s: %d bytes of the key were taken", r.name, n)
			}
		}
		typ := keyOf(r.name).Type
		if typ == PartitionsType {
			continue
		}
		for n := range r.value {
			if _, err := read(typ, r.value[:n]); !errors.Is(err, ErrMalformed) {
				t.Errorf("%s: %d bytes of the value were taken", r.name, n)
			}
		}
		if _, err := read(typ, append(slices.Clone(r.value), 1, 2)); len(r.value) > 0 && err != nil {
			t.Errorf("%s: bytes after the value: %v", r.name, err)
		}
	}
}

func TestKeysOfOthers(t *testing.T) {
	for _, typ := range []int16{0, 1, 2, 9, 15, 17, 25, -1} {
		if _, known, err := ReadKey(kbin.AppendInt16(nil, typ)); known || err != nil {
			t.Errorf("type %d: known %t, %v", typ, known, err)
		}
	}
}

func TestMalformedValues(t *testing.T) {
	most := []byte{0xff, 0xff, 0xff, 0xff, 0x0f}
	group := kbin.AppendInt32(newValue(), 7)
	topics := func(rest ...byte) []byte { return append(newValue(), rest...) }
	oneTopic := append(topics(2), topic1[:]...)
	for name, c := range map[string]struct {
		typ Type
		b   []byte
	}{
		"version 1":                {GroupType, []byte{0, 1, 0, 0, 0, 7, 0}},
		"version -1":               {GroupType, []byte{255, 255, 0, 0, 0, 7, 0}},
		"a hash that is cut":       {GroupType, append(slices.Clone(group), 1, 0, 4, 1, 2, 3, 4)},
		"a hash of too many bytes": {GroupType, append(slices.Clone(group), 1, 0, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9)},
		"a tag beyond the end":     {GroupType, append(slices.Clone(group), 1, 5, 9, 1)},
		"as many tags as can be":   {GroupType, append(slices.Clone(group), most...)},
		"no array":                 {TargetMemberType, topics(0)},
		"a negative array":         {TargetMemberType, topics(most...)},
		"an array beyond the end":  {TargetMemberType, topics(200, 1, 0)},
		"no partitions":            {TargetMemberType, append(slices.Clone(oneTopic), 0, 0, 0)},
		"no client":                {MemberType, topics(0, 0, 0)},
		"negative epochs":          {CurrentType, slices.Concat(currentHead(), []byte{2}, topic1[:], []byte{1, 1, 0, 5}, most, []byte{1, 0})},
	} {
		if got, err := read(c.typ, c.b); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

// currentHead is the beginning of a Current up to the assigned partitions.
func currentHead() []byte { return append(newValue(), 0, 0, 0, 9, 0, 0, 0, 8, 0) }

func TestEpochsThatAreNotThere(t *testing.T) {
	for name, tags := range map[string][]byte{
		"null":        {1, 0, 1, 0},
		"too few":     {1, 0, 5, 2, 0, 0, 0, 3},
		"another tag": {1, 1, 1, 0},
	} {
		b := slices.Concat(currentHead(), []byte{2}, topic1[:], []byte{3, 0, 0, 0, 0, 0, 0, 0, 1}, tags, []byte{1, 0})
		got, err := ReadCurrent(b)
		want := Current{
			Epoch: 9, PreviousEpoch: 8, State: Stable, Assigned: []TopicEpochs{{topic1, []PartitionEpoch{{0, 9}, {1, 9}}}},
		}
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %s, %v", name, diff, err)
		}
	}
}

func TestStates(t *testing.T) {
	for _, s := range []State{Stable, Unrevoked, Unreleased, Unknown} {
		got, err := ReadCurrent(Current{State: s}.Value())
		if err != nil || got.State != s {
			t.Errorf("state %d became %d, %v", s, got.State, err)
		}
	}
	if got, err := ReadCurrent(Current{}.Value()); err != nil || got.State != Unknown {
		t.Errorf("no state became %d, %v", got.State, err)
	}
}

func TestNullClassic(t *testing.T) {
	b := (&Member{}).Value()
	b[len(b)-1] = 255 // negative, as a structure outside of a tagged field has it
	got, err := ReadMember(b)
	if err != nil || got.Classic != nil {
		t.Fatalf("member = %+v, %v", got, err)
	}
}

// TestWhatWasReadIsOwn writes over the bytes that were read.
func TestWhatWasReadIsOwn(t *testing.T) {
	want, _ := golden()
	b := want["member-classic"].Value()
	got, err := ReadMember(b)
	if err != nil {
		t.Fatal(err)
	}
	clear(b)
	if diff := cmp.Diff(want["member-classic"], value(got)); diff != "" {
		t.Error(diff)
	}
}

// FuzzRead reads anything as a record of each type. What can be read is written so that it reads the same.
func FuzzRead(f *testing.F) {
	for _, r := range goldenRecords(f) {
		f.Add(r.key, r.value)
	}
	f.Fuzz(func(t *testing.T, key, b []byte) {
		k, known, err := ReadKey(key)
		if err == nil && known {
			again, _, err := ReadKey(k.AppendTo(nil))
			if err != nil || again != k {
				t.Fatalf("key %+v reads as %+v, %v", k, again, err)
			}
		}
		got, err := read(k.Type, b)
		if err != nil {
			return
		}
		again, err := read(k.Type, got.Value())
		if diff := cmp.Diff(got, again); err != nil || diff != "" {
			t.Fatalf("%s, %v", diff, err)
		}
	})
}
