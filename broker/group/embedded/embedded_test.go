package embedded

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// kafkas are the messages of testdata/kafka.txt, which Apache Kafka 4.3.1 has written, by name and version.
func kafkas(t testing.TB) map[string][]byte {
	t.Helper()
	file, err := os.ReadFile("testdata/kafka.txt")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]byte{}
	for line := range strings.Lines(string(file)) {
		name, text, _ := strings.Cut(strings.TrimSpace(line), " ")
		if all[name], err = hex.DecodeString(text); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

var full = Assignment{[]TopicPartitions{{"a", []int32{0, 2}}, {"b", []int32{1}}}, []byte{7}}

func TestSubscriptionsAreApacheKafkas(t *testing.T) {
	all := kafkas(t)
	for version := range int16(4) {
		rack := "r1"
		want := Subscription{Version: version, Topics: []string{"a", "b"}, UserData: []byte{7}, Generation: -1}
		if version >= 1 {
			want.Owned = []TopicPartitions{{"a", []int32{0, 2}}}
		}
		if version >= 2 {
			want.Generation = 5
		}
		if version >= 3 {
			want.Rack = &rack
		}
		for name, want := range map[string]Subscription{
			fmt.Sprint("subscription-", version):       want,
			fmt.Sprint("subscription-least-", version): {Version: version, Generation: -1},
		} {
			got, err := ReadSubscription(all[name])
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("%s: %s, %v", name, diff, err)
			}
		}
	}
}

func TestAssignmentsAreApacheKafkas(t *testing.T) {
	all := kafkas(t)
	for version := range int16(4) {
		for name, want := range map[string]Assignment{
			fmt.Sprint("assignment-", version):       full,
			fmt.Sprint("assignment-least-", version): {},
		} {
			got, err := ReadAssignment(all[name])
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("%s: %s, %v", name, diff, err)
			}
			if b := want.Bytes(version); !bytes.Equal(b, all[name]) {
				t.Errorf("%s: %x, not %x", name, b, all[name])
			}
		}
	}
	if got, want := full.Bytes(9), all["assignment-3"]; !bytes.Equal(got, want) {
		t.Errorf("for a newer version: %x, not %x", got, want)
	}
}

func TestNewerVersions(t *testing.T) {
	all := kafkas(t)
	b := append(all["subscription-3"], 1, 2, 3)
	b[1] = 9
	if s, err := ReadSubscription(b); err != nil || s.Version != 9 || s.Generation != 5 || *s.Rack != "r1" {
		t.Errorf("subscription = %+v, %v", s, err)
	}
	b = append(all["assignment-3"], 1, 2, 3)
	b[1] = 9
	a, err := ReadAssignment(b)
	if diff := cmp.Diff(full, a); err != nil || diff != "" {
		t.Errorf("assignment: %s, %v", diff, err)
	}
}

func TestMalformedMessages(t *testing.T) {
	for name, b := range kafkas(t) {
		for n := range b {
			if _, err := read(name, b[:n]); !errors.Is(err, ErrMalformed) {
				t.Errorf("%d bytes of %s were taken", n, name)
			}
		}
		if _, err := read(name, append([]byte{255, 255}, b[2:]...)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s of version -1 was taken: %v", name, err)
		}
	}
	for name, b := range map[string][]byte{
		"subscription of no topics":              {0, 0, 255, 255, 255, 255, 255, 255, 255, 255},
		"subscription of too many":               {0, 0, 127, 255, 255, 255, 0, 0},
		"subscription of a null name":            {0, 0, 0, 0, 0, 1, 255, 255, 255, 255, 255, 255},
		"assignment of no topics":                {0, 0, 255, 255, 255, 255, 255, 255, 255, 255},
		"assignment of no partitions":            {0, 0, 0, 0, 0, 1, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255},
		"assignment of user data beyond the end": {0, 0, 0, 0, 0, 0, 127, 255, 255, 255},
	} {
		if got, err := read(name, b); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func read(name string, b []byte) (any, error) {
	if strings.HasPrefix(name, "subscription") {
		return ReadSubscription(b)
	}
	return ReadAssignment(b)
}

func TestWhatWasReadIsOwn(t *testing.T) {
	b := full.Bytes(0)
	got, err := ReadAssignment(b)
	if err != nil {
		t.Fatal(err)
	}
	clear(b)
	if diff := cmp.Diff(full, got); diff != "" {
		t.Error(diff)
	}
}

// FuzzRead compares with kmsg, which reads the same messages and does not know of bounds: so the input has some.
func FuzzRead(f *testing.F) {
	for _, b := range kafkas(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 1<<10 {
			return
		}
		if s, err := ReadSubscription(b); err == nil {
			var theirs kmsg.ConsumerMemberMetadata
			if err := theirs.ReadFrom(b); err != nil {
				t.Fatalf("kmsg does not read %+v: %v", s, err)
			}
			ours := Subscription{theirs.Version, theirs.Topics, theirs.UserData, nil, theirs.Generation, theirs.Rack}
			for _, o := range theirs.OwnedPartitions {
				ours.Owned = append(ours.Owned, TopicPartitions{o.Topic, o.Partitions})
			}
			if diff := cmp.Diff(ours, s, cmpopts.EquateEmpty()); diff != "" {
				t.Fatal(diff)
			}
		}
		a, err := ReadAssignment(b)
		if err != nil {
			return
		}
		again, err := ReadAssignment(a.Bytes(newest))
		if diff := cmp.Diff(a, again); err != nil || diff != "" {
			t.Fatalf("%s, %v", diff, err)
		}
	})
}
