package adopt

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/vfs"
)

var (
	topicA = meta.TopicID{1, 'a'}
	topicB = meta.TopicID{1, 'b'}
)

func aclFor(principal string) authz.Binding {
	return authz.Binding{
		Type: authz.Topic, Name: "a", Pattern: authz.Prefixed, Principal: principal, Host: "*", Operation: authz.Read, Permission: authz.Allow,
	}
}

func value(s string) *string { return &s }

// metadataRecords are two topics, one of them removed, and one of everything else.
func metadataRecords() [][]byte {
	return [][]byte{
		topicOf("a", topicA), partitionOf(topicA, 0, 1, 5, 1, 2), partitionOf(topicA, 1, 1, 0, 1),
		topicOf("b", topicB), partitionOf(topicB, 0, 1, 0, 1),
		recordOf(partitionChange, 2).int32(0).uuid(topicA).uvarint(3).tag(0, (&encoder{}).int32s(1)).tag(1, (&encoder{}).int32(1)).tag(8, (&encoder{}).uvarint(1)).b,
		recordOf(partitionChange, 0).int32(1).uuid(topicA).uvarint(1).tag(1, (&encoder{}).int32(noLeaderChange)).b,
		configOf(meta.TopicConfig, "a", "retention.ms", value("5")), configOf(meta.TopicConfig, "a", "segment.ms", value("6")),
		configOf(meta.TopicConfig, "a", "segment.ms", nil), configOf(meta.TopicConfig, "b", "segment.ms", value("7")),
		configOf(meta.BrokerConfig, "", "min.insync.replicas", value("2")), configOf(meta.GroupConfig, "g", "x", value("")),
		recordOf(removeTopic, 0).uuid(topicB).end(),
		aclOf(1, aclFor("User:a")), aclOf(2, aclFor("User:gone")), recordOf(removeAccess, 0).uuid([16]byte{2}).end(),
		userOf("u", 1), userOf("u", 2), userOf("gone", 2), recordOf(removeScram, 0).text("gone").int8(2).end(),
		recordOf(producerIDs, 0).int32(1).int64(9).int64(4000).end(),
		recordOf(featureLevel, 0).text("metadata.version").int16(29).end(),
		quotaOf("producer_byte_rate", 1024, false, "user", "u"), quotaOf("request_percentage", 12.5, false, "user", "u", "client-id", ""),
		quotaOf("consumer_byte_rate", 1, false, "user", "u"), quotaOf("consumer_byte_rate", 0, true, "user", "u"), quotaOf("x", 1, false, "team", "t"),
		recordOf(delegationToken, 0).text("User:o").text("User:r").uvarint(2).text("User:w").int64(1).int64(2).int64(3).text("id").end(),
		recordOf(noOp, 0).end(), recordOf(99, 3).text("of a later release").end(),
	}
}

// inTransactions puts records into a transaction that ends, after one that is aborted.
func inTransactions(records [][]byte) [][]byte {
	out := [][]byte{recordOf(beginTransaction, 0).end(), topicOf("aborted", meta.TopicID{7}), recordOf(abortTransaction, 0).end()}
	out = append(out, recordOf(beginTransaction, 0).end())
	out = append(out, records...)
	return append(out, recordOf(endTransaction, 0).end())
}

// check compares what was read with what metadataRecords say.
func check(t *testing.T, c *Cluster) {
	t.Helper()
	want := map[meta.TopicID]*Topic{topicA: {Name: "a", ID: topicA, Partitions: map[int32]*Partition{
		0: {Replicas: []int32{1, 2}, ISR: []int32{1}, Leader: 1, LeaderEpoch: 6},
		1: {Replicas: []int32{1}, ISR: []int32{1}, Leader: 1, LeaderEpoch: 0},
	}}}
	if diff := cmp.Diff(want, c.Topics); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]map[string]string{"a": {"retention.ms": "5"}}, c.Configs); diff != "" {
		t.Error(diff)
	}
	if acls := slices.Collect(maps.Values(c.ACLs)); !slices.Equal(acls, []authz.Binding{aclFor("User:a")}) {
		t.Errorf("ACLs %+v", acls)
	}
	u := c.Users[scramKey{"u", meta.ScramSHA512}]
	if len(c.Users) != 2 || string(u.Salt) != "salt" || string(u.StoredKey) != "stored" || string(u.ServerKey) != "server" || u.Iterations != 4096 {
		t.Errorf("%d users, %v", len(c.Users), u)
	}
	token := meta.Token{ID: "id", Owner: "User:o", Requester: "User:r", Renewers: []string{"User:w"}, Issued: 1, MaxTime: 2, Expires: 3}
	if len(c.Tokens) != 1 || cmp.Diff(&token, c.Tokens["id"]) != "" {
		t.Errorf("tokens %+v", c.Tokens)
	}
	entity := meta.QuotaEntity{User: meta.Named("u")}
	ofClients := meta.QuotaEntity{User: meta.Named("u"), ClientID: meta.QuotaPart{Match: meta.QuotaDefault}}
	quotas := map[meta.QuotaEntity]map[string]float64{entity: {"producer_byte_rate": 1024}, ofClients: {"request_percentage": 12.5}}
	if diff := cmp.Diff(quotas, c.Quotas); diff != "" {
		t.Error(diff)
	}
	if c.NextProducerID != 4000 || c.Features["metadata.version"] != 29 {
		t.Errorf("producer ids from %d on, features %v", c.NextProducerID, c.Features)
	}
	left := []string{
		"the configuration min.insync.replicas of all brokers", "the configuration x of group g", "the quota team=t x",
		"1 metadata record(s) of the unknown type 99",
	}
	if diff := cmp.Diff(left, c.LeftOut()); diff != "" {
		t.Error(diff)
	}
}

func TestMetadataLogsAreRead(t *testing.T) {
	records := metadataRecords()
	n := len(records)
	layouts := map[string]func(fs vfs.FS){
		"one batch": func(fs vfs.FS) { writeFile(t, fs, metadataSegment(0), controlOf(0, 2), batchOf(1, records...)) },
		"two segments": func(fs vfs.FS) {
			writeFile(t, fs, metadataSegment(0), batchOf(0, records[:7]...))
			writeFile(t, fs, metadataSegment(7), controlOf(7, 2), batchOf(8, records[7:]...))
		},
		"a snapshot and the log behind it": func(fs vfs.FS) {
			writeFile(t, fs, metadataSnapshot(3), []byte("an older one is not read"))
			writeFile(t, fs, metadataSnapshot(40), controlOf(0, 3), batchOf(1, records[:9]...), controlOf(10, 4))
			writeFile(t, fs, metadataSegment(35), batchOf(35, records[0], records[1], records[2], records[3], records[4]), batchOf(40, records[9:]...))
		},
		"transactions": func(fs vfs.FS) {
			all := inTransactions(records)
			writeFile(t, fs, metadataSegment(0), batchOf(0, all[:10]...), batchOf(10, all[10:]...),
				batchOf(int64(len(all)), recordOf(beginTransaction, 0).end(), topicOf("unfinished", meta.TopicID{8})))
		},
	}
	for name, write := range layouts {
		t.Run(name, func(t *testing.T) {
			fs := vfs.NewMemory(nil)
			write(fs)
			c, err := readMetadataLog(fs, kafkaDir+"/"+metadataDir, true)
			if err != nil {
				t.Fatal(err)
			}
			check(t, c)
			if c.End < int64(n) {
				t.Errorf("read up to %d", c.End)
			}
		})
	}
}

func TestDamagedMetadataLogsAreRefused(t *testing.T) {
	records := metadataRecords()
	cases := map[string]func(fs vfs.FS){
		"a gap": func(fs vfs.FS) { writeFile(t, fs, metadataSegment(0), batchOf(0, records[0]), batchOf(2, records[1])) },
		"a log that begins late": func(fs vfs.FS) {
			writeFile(t, fs, metadataSnapshot(3), controlOf(0, 3), controlOf(1, 4))
			writeFile(t, fs, metadataSegment(4), batchOf(4, records[0]))
		},
		"a snapshot without its end": func(fs vfs.FS) { writeFile(t, fs, metadataSnapshot(3), controlOf(0, 3), batchOf(1, records[0])) },
		"a snapshot with more":       func(fs vfs.FS) { writeFile(t, fs, metadataSnapshot(3), controlOf(0, 4), batchOf(1, records[0])) },
		"a torn segment before another": func(fs vfs.FS) {
			writeFile(t, fs, metadataSegment(0), batchOf(0, records[0]), []byte("torn"))
			writeFile(t, fs, metadataSegment(1), batchOf(1, records[1]))
		},
		"a newer version":      func(fs vfs.FS) { writeFile(t, fs, metadataSegment(0), batchOf(0, recordOf(topicRecord, 1).b)) },
		"a newer frame":        func(fs vfs.FS) { writeFile(t, fs, metadataSegment(0), batchOf(0, []byte{2, 2, 0})) },
		"a partition alone":    func(fs vfs.FS) { writeFile(t, fs, metadataSegment(0), batchOf(0, records[1])) },
		"an unknown mechanism": func(fs vfs.FS) { writeFile(t, fs, metadataSegment(0), batchOf(0, userOf("u", 3))) },
	}
	for name, write := range cases {
		t.Run(name, func(t *testing.T) {
			for _, clean := range []bool{true, false} {
				fs := vfs.NewMemory(nil)
				write(fs)
				if _, err := readMetadataLog(fs, kafkaDir+"/"+metadataDir, clean); !errors.Is(err, ErrMetadataLog) {
					t.Errorf("clean %v: %v", clean, err)
				}
			}
		})
	}
}

// TestEveryDamagedByteOfAMetadataLogIsFound flips each byte of the records of a log, and cuts it everywhere.
func TestEveryDamagedByteOfAMetadataLogIsFound(t *testing.T) {
	first, second := batchOf(0, metadataRecords()[:3]...), batchOf(3, metadataRecords()[3:]...)
	whole := slices.Concat(first, second)
	read := func(data []byte, clean bool) (*Cluster, error) {
		fs := vfs.NewMemory(nil)
		writeFile(t, fs, metadataSegment(0), data)
		return readMetadataLog(fs, kafkaDir+"/"+metadataDir, clean)
	}
	for i := range whole {
		if i >= 12 && i < 16 || i >= len(first)+12 && i < len(first)+16 {
			continue // the leader epoch is under no checksum, and not used
		}
		damaged := bytes.Clone(whole)
		damaged[i] ^= 0x20
		if _, err := read(damaged, true); !errors.Is(err, ErrMetadataLog) {
			t.Fatalf("byte %d of %d: %v", i, len(whole), err)
		}
	}
	for n := range whole {
		_, err := read(whole[:n], true)
		if boundary := n == 0 || n == len(first); boundary == (err != nil) {
			t.Fatalf("cut at %d of %d, clean: %v", n, len(whole), err)
		}
		c, err := read(whole[:n], false)
		if err != nil || (c.End == 3) != (n >= len(first)) {
			t.Fatalf("cut at %d of %d, after a kill: %v", n, len(whole), err)
		}
	}
}

func FuzzApply(f *testing.F) {
	for _, r := range metadataRecords() {
		f.Add(r)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c := newCluster()
		for _, r := range metadataRecords() {
			if err := c.Apply(r); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.Apply(data); err != nil && !errors.Is(err, errMalformed) {
			t.Fatalf("error %v", err)
		}
		for id, topic := range c.Topics {
			if topic == nil || topic.ID != id {
				t.Fatalf("topic %s is %+v", id, topic)
			}
		}
	})
}
