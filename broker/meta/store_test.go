package meta_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"testing"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/meta"
)

func encode(t testing.TB, c meta.Command) []byte {
	t.Helper()
	data, err := meta.Encode(c)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestSubscribersHearEachChangeInOrderBeforeTheAnswer(t *testing.T) {
	s := meta.NewStore()
	if _, err := s.Apply(1, encode(t, &meta.CreateACLs{Bindings: []authz.Binding{readACL("before")}})); err != nil {
		t.Fatal(err)
	}
	var heard []string
	listen := func(who string) {
		s.Subscribe(func(old, next *meta.Image, d meta.Delta) {
			if s.Image() != next || d.Index != next.Index() {
				t.Errorf("%s hears of %d before it is published", who, d.Index)
			}
			heard = append(heard, fmt.Sprintf("%s %d-%d +%d", who, old.Index(), next.Index(), len(d.ACLs.Added)))
		})
	}
	listen("a")
	listen("b")
	result, err := s.Apply(2, encode(t, &meta.CreateACLs{Bindings: []authz.Binding{readACL("x"), readACL("y")}}))
	if err != nil || result.(meta.Result).Index != 2 {
		t.Errorf("result %+v, %v", result, err)
	}
	if want := []string{"a 0-1 +1", "b 0-1 +1", "a 1-2 +2", "b 1-2 +2"}; !slices.Equal(heard, want) {
		t.Errorf("heard %q, want %q", heard, want)
	}
}

func TestEntriesThatCanNotBeReadStopTheStore(t *testing.T) {
	cases := map[string]error{
		`{"v":2,"kind":"SetCluster","body":{},"more":1}`: meta.ErrNewerCommand,
		`{"v":0,"kind":"SetCluster","body":{}}`:          meta.ErrBadCommand,
		`{"v":1,"kind":"Unheard","body":{}}`:             meta.ErrUnknownCommand,
		`{"v":1,"kind":"SetCluster","body":{"other":1}}`: meta.ErrBadCommand,
		`{"v":1,"kind":"SetCluster","body":{},"more":1}`: meta.ErrBadCommand,
		`{"v":1,"kind":"SetCluster","body":{}} {}`:       meta.ErrBadCommand,
		`{"v":1,"kind":"SetCluster","body":{"clusterId"`: meta.ErrBadCommand,
		`{"v":1,"kind":"SetCluster"}`:                    meta.ErrBadCommand,
		`{"v":1,"kind":"DeleteTopics","body":{"ids":1}}`: meta.ErrBadCommand,
		``: meta.ErrBadCommand,
		`{"v":1,"kind":"DeleteTopics","body":{}}` + "\xff": meta.ErrBadCommand,
	}
	for data, want := range cases {
		s := meta.NewStore()
		if _, err := s.Apply(1, []byte(data)); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", data, err, want)
		}
		if s.Image().Index() != 0 {
			t.Errorf("%s changed the image", data)
		}
	}
}

// filled is a store with one of everything.
func filled(t testing.TB) *meta.Store {
	t.Helper()
	s := meta.NewStore()
	commands := []meta.Command{
		&meta.SetCluster{ClusterID: "cluster", Features: map[string]int16{"f": 1}, Secret: []byte("x")},
		&meta.RegisterBroker{Broker: meta.Broker{ID: 1, Endpoints: []meta.Endpoint{{Listener: "L", Protocol: "SSL", Host: "h", Port: 9}}}},
		&meta.CreateTopics{Origin: origin, Topics: []meta.NewTopic{newTopic("keep", 1, []int32{1}), newTopic("drop", 2, []int32{1})}},
		&meta.AlterConfigs{Origin: origin, Resources: []meta.ResourceChange{
			{Key: meta.ResourceKey{Type: meta.BrokerConfig}, Ops: []meta.ConfigOp{{Op: meta.SetConfig, Name: "a", Value: "1"}}},
		}},
		&meta.CreateACLs{Origin: origin, Bindings: []authz.Binding{readACL("keep")}},
		&meta.AlterScram{Origin: origin, Upserts: []meta.ScramCredential{credential("bob", meta.ScramSHA512)}},
		&meta.AllocateProducerIDs{Broker: 1, Count: 1000},
	}
	for i, c := range commands {
		if _, err := s.Apply(uint64(i+1), encode(t, c)); err != nil { //nolint:gosec // small
			t.Fatal(err)
		}
	}
	return s
}

func TestRestoreTellsSubscribersTheDifference(t *testing.T) {
	source := filled(t)
	var snapshot bytes.Buffer
	write := source.Snapshot()
	if _, err := source.Apply(8, encode(t, &meta.AllocateProducerIDs{Count: 1})); err != nil {
		t.Fatal(err)
	}
	if err := write(&snapshot); err != nil {
		t.Fatal(err)
	}
	s := meta.NewStore()
	other := []meta.Command{
		&meta.RegisterBroker{Broker: meta.Broker{ID: 1}}, &meta.RegisterBroker{Broker: meta.Broker{ID: 2}},
		&meta.CreateTopics{Topics: []meta.NewTopic{newTopic("old", 9, []int32{2}), newTopic("keep", 1, []int32{1})}},
		&meta.AlterConfigs{Resources: []meta.ResourceChange{
			{Key: meta.ResourceKey{Type: meta.GroupConfig, Name: "g"}, Ops: []meta.ConfigOp{{Op: meta.SetConfig, Name: "a", Value: "1"}}},
		}},
		&meta.CreateACLs{Bindings: []authz.Binding{readACL("old")}},
		&meta.AlterScram{Upserts: []meta.ScramCredential{credential("al", meta.ScramSHA512)}},
	}
	for i, c := range other {
		if _, err := s.Apply(uint64(i+1), encode(t, c)); err != nil { //nolint:gosec // small
			t.Fatal(err)
		}
	}
	var delta meta.Delta
	s.Subscribe(func(_, _ *meta.Image, d meta.Delta) { delta = d })
	if err := s.Restore(&snapshot); err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(len(delta.TopicsCreated), len(delta.TopicsDeleted), len(delta.TopicsChanged), delta.ACLs.Removed[0].Name, delta.ACLs.Added[0].Name,
		delta.ScramChanged, delta.ConfigsChanged, delta.BrokersChanged, delta.AuditAppended)
	if want := "1 1 1oldkeep[al bob] [{BROKER } {GROUP g}] [1 2] true"; got != want {
		t.Errorf("told %s, want %s", got, want)
	}
	img := s.Image()
	if img.Index() != 7 || img.ClusterID() != "cluster" || img.NextProducerID() != 1000 || img.Broker(2) != nil {
		t.Errorf("restored to %d of %s", img.Index(), img.ClusterID())
	}
	if e, found := img.Broker(1).Endpoint("L"); !found || e.Port != 9 {
		t.Errorf("endpoint %+v", e)
	}
}

// sealed is a snapshot with these entries and a right checksum.
func sealed(version uint16, entries ...string) []byte {
	data := binary.BigEndian.AppendUint16([]byte("CHRM"), version)
	for _, e := range entries {
		data = append(binary.BigEndian.AppendUint32(data, uint32(len(e))), e...) //nolint:gosec // small
	}
	data = append(data, 0, 0, 0, 0)
	return binary.BigEndian.AppendUint32(data, crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli)))
}

func TestSnapshotsThatCanNotBeReadAreRefused(t *testing.T) {
	const head = `{"head":{"index":1,"clusterId":"c","features":{},"nextProducerId":0,"secret":null,"auditFrom":0}}`
	if _, err := meta.ReadSnapshot(bytes.NewReader(sealed(1, head))); err != nil {
		t.Fatal(err)
	}
	cases := map[string][]byte{
		"a newer version":    sealed(2, head),
		"no head":            sealed(1),
		"a late head":        sealed(1, `{"acl":{}}`, head),
		"two heads":          sealed(1, head, head),
		"an empty entry":     sealed(1, head, `{}`),
		"an unknown entry":   sealed(1, head, `{"quota":{}}`),
		"another file":       append([]byte("ABCD"), sealed(1, head)[4:]...),
		"bytes after it":     append(sealed(1, head), 0),
		"a huge entry":       append([]byte("CHRM\x00\x01\xff\xff\xff\xff"), make([]byte, 100)...),
		"a large half entry": append([]byte("CHRM\x00\x01\x03\xff\xff\xff"), make([]byte, 100)...),
	}
	for name, data := range cases {
		if _, err := meta.ReadSnapshot(bytes.NewReader(data)); !errors.Is(err, meta.ErrBadSnapshot) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEveryDamagedByteOfASnapshotIsFound(t *testing.T) {
	data := snapshotOf(t, filled(t).Image())
	for i := range data {
		damaged := bytes.Clone(data)
		damaged[i] ^= 0x10
		if _, err := meta.ReadSnapshot(bytes.NewReader(damaged)); !errors.Is(err, meta.ErrBadSnapshot) {
			t.Fatalf("byte %d of %d: %v", i, len(data), err)
		}
		if _, err := meta.ReadSnapshot(bytes.NewReader(data[:i])); !errors.Is(err, meta.ErrBadSnapshot) {
			t.Fatalf("cut at %d of %d: %v", i, len(data), err)
		}
	}
}

var errFull = errors.New("full")

type fullDisk struct{ left int }

func (d *fullDisk) Write(p []byte) (int, error) {
	if len(p) > d.left {
		return 0, errFull
	}
	d.left -= len(p)
	return len(p), nil
}

func TestAFailedSnapshotSaysSo(t *testing.T) {
	img := filled(t).Image()
	if err := img.WriteSnapshot(&fullDisk{left: 10}); !errors.Is(err, errFull) {
		t.Errorf("error %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(encode(f, &meta.CreateTopics{Origin: origin, Topics: []meta.NewTopic{newTopic("t", 1, []int32{1})}}))
	f.Add(encode(f, &meta.CreateACLs{Origin: origin, Bindings: []authz.Binding{readACL("a")}}))
	f.Add(encode(f, &meta.CreatePartitions{Topics: []meta.MorePartition{{Name: "keep", From: 1, Replicas: [][]int32{{1}}}}}))
	f.Add(encode(f, &meta.AlterConfigs{Resources: []meta.ResourceChange{{Key: meta.ResourceKey{Type: meta.TopicConfig, Name: "keep"}}}}))
	img := filled(f).Image()
	f.Fuzz(func(t *testing.T, data []byte) {
		command, err := meta.Decode(data)
		if err != nil {
			return
		}
		// What decodes can be applied, and the same again after another round.
		again, err := meta.Decode(encode(t, command))
		if err != nil {
			t.Fatalf("a command that was read can not be written: %v", err)
		}
		a, _, _ := img.Apply(100, command)
		b, _, _ := img.Apply(100, again)
		if !bytes.Equal(snapshotOf(t, a), snapshotOf(t, b)) {
			t.Fatalf("%s means two things", data)
		}
	})
}

func FuzzReadSnapshot(f *testing.F) {
	f.Add(snapshotOf(f, filled(f).Image()))
	f.Add(sealed(1, `{"head":{"index":1}}`, `{"topic":{"name":"t"}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		// The checksum is made right, or nothing would get past it.
		if len(data) > 4 {
			body := data[:len(data)-4]
			data = binary.BigEndian.AppendUint32(bytes.Clone(body), crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli)))
		}
		img, err := meta.ReadSnapshot(bytes.NewReader(data))
		if err != nil {
			return
		}
		again, err := meta.ReadSnapshot(bytes.NewReader(snapshotOf(t, img)))
		if err != nil {
			t.Fatalf("a snapshot that was read can not be written: %v", err)
		}
		if !bytes.Equal(snapshotOf(t, again), snapshotOf(t, img)) {
			t.Fatal("a snapshot changes on its way")
		}
	})
}
