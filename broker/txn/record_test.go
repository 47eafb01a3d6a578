package txn

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/wire"
)

func TestRecordsAreReadAsTheyWereWritten(t *testing.T) {
	for level := range int16(3) {
		for state := Empty; state <= CompleteAbort; state++ {
			one := newTransaction("t")
			one.state, one.producer, one.timeoutMillis = state, Producer{1 << 40, math.MaxInt16}, math.MaxInt32
			one.startMillis, one.updatedMillis = 1_700_000_000_001, 1_700_000_000_002
			if level > 0 {
				one.previousID, one.nextID, one.level = 11, 12, level
			}
			if state != Empty {
				one.partitions = withPartitions(a0, a1, b0)
			}
			r := one.record(level)
			got, err := decode("t", r.Value)
			if err != nil || !reflect.DeepEqual(got, one) {
				t.Fatalf("level %d, %s: %+v, %v", level, state, got, err)
			}
			if want := min(level, 1); int16(r.Value[1]) != want {
				t.Fatalf("level %d: version %d", level, r.Value[1])
			}
		}
	}
}

func TestRecordsOfOtherVersionsAreSkipped(t *testing.T) {
	m := New(testConfig(), testEpoch, 2)
	ours := newTransaction("t")
	ours.producer = Producer{5, 3}
	r := ours.record(2)
	if err := m.Replay(r); err != nil {
		t.Fatal(err)
	}
	for name, other := range map[string]Record{
		"key":            {Key: []byte{0, 1, 9}, Value: r.Value},
		"tombstone":      {Key: []byte{0, 1, 9}},
		"value":          {Key: r.Key, Value: []byte{0, 2, 1}},
		"negative value": {Key: r.Key, Value: []byte{255, 255, 1}},
	} {
		if err := m.Replay(other); !errors.Is(err, ErrUnknownVersion) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(m.transactions) != 1 {
		t.Fatalf("transactions = %v", m.transactions)
	}
	if err := m.Replay(Record{Key: r.Key}); err != nil || len(m.transactions) != 0 {
		t.Fatalf("transactions = %v, %v", m.transactions, err)
	}
}

func TestAFieldOfANewerBrokerDoesNotStopTheReplay(t *testing.T) {
	value := kmsg.NewTxnMetadataValue()
	value.Version, value.ProducerID, value.NextProducerEpoch = 1, 5, 3
	value.UnknownTags.Set(77, []byte("x"))
	if _, err := decode("t", value.AppendTo(nil)); err != nil {
		t.Fatal(err)
	}
}

func TestMalformedRecordsAreRefused(t *testing.T) {
	good := func(change func(*kmsg.TxnMetadataValue)) []byte {
		value := kmsg.NewTxnMetadataValue()
		value.Version, value.ProducerID = 1, 5
		change(&value)
		return value.AppendTo(nil)
	}
	whole := good(func(*kmsg.TxnMetadataValue) {})
	for name, bad := range map[string]Record{
		"nothing":         {},
		"short key":       {Key: []byte{0}},
		"cut key":         {Key: []byte{0, 0, 0, 9, 'x'}},
		"empty value":     {Key: recordKey("t"), Value: []byte{}},
		"short value":     {Key: recordKey("t"), Value: []byte{0}},
		"cut value":       {Key: recordKey("t"), Value: whole[:len(whole)-1]},
		"no partitions":   {Key: recordKey("t"), Value: good(func(v *kmsg.TxnMetadataValue) { v.State = kmsg.TransactionState(Ongoing) })},
		"state Dead":      {Key: recordKey("t"), Value: good(func(v *kmsg.TxnMetadataValue) { v.State = kmsg.TransactionState(Dead) })},
		"negative state":  {Key: recordKey("t"), Value: good(func(v *kmsg.TxnMetadataValue) { v.State = -1 })},
		"negative id":     {Key: recordKey("t"), Value: good(func(v *kmsg.TxnMetadataValue) { v.ProducerID = -1 })},
		"negative epoch":  {Key: recordKey("t"), Value: good(func(v *kmsg.TxnMetadataValue) { v.ProducerEpoch = -1 })},
		"array too large": {Key: recordKey("t"), Value: []byte{0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 1, 1, 127, 255, 255, 255}},
	} {
		m := New(testConfig(), testEpoch, 2)
		if err := m.Replay(bad); err == nil || errors.Is(err, ErrUnknownVersion) {
			t.Errorf("%s: %v", name, err)
		}
		if len(m.transactions) != 0 {
			t.Errorf("%s: something was taken", name)
		}
	}
}

func FuzzReplay(f *testing.F) {
	one := newTransaction("t")
	one.producer, one.state, one.partitions, one.timeoutMillis = Producer{5, 3}, PrepareCommit, withPartitions(a0, b0), 1000
	for level := range int16(3) {
		f.Add(recordKey("t"), one.record(level).Value)
	}
	one.state, one.producer.Epoch = Ongoing, lastEpoch
	f.Add(recordKey("t"), one.record(2).Value)
	f.Fuzz(func(t *testing.T, key, value []byte) {
		m := New(testConfig(), testEpoch, 2)
		if m.Replay(Record{Key: key, Value: value}) != nil {
			return
		}
		for id, one := range m.transactions {
			again, err := decode(id, one.record(2).Value)
			if err != nil {
				t.Fatalf("what was read cannot be written and read: %v", err)
			}
			if again.producer != one.producer || again.state != one.state || len(again.partitions) != len(one.partitions) {
				t.Fatalf("%+v became %+v", one, again)
			}
		}
		goOn(t, m)
	})
}

// goOn lets a machine that was loaded run until nothing is left to do, answer what is asked of what it has, and let a new producer in.
func goOn(t failer, m *Machine) {
	t.Helper()
	h := &harness{t: t, m: m, now: time.UnixMilli(1_700_000_000_000), replies: map[uint64]Reply{}, nextID: 1000}
	ids := sortedKeys(m.transactions)
	h.step(Loaded{})
	for _, id := range ids {
		h.useAll(id, m.transactions[id])
		if id == "" {
			continue
		}
		q := Init{TransactionalID: id, TimeoutMillis: 1000, Expected: nobody}
		r := h.reply(h.ask(q))
		if r.Code == wire.ConcurrentTransactions {
			r = h.reply(h.ask(q))
		}
		if maxRecordSize(id, nil) <= testConfig().MaxAppendBytes && r.Code != wire.None {
			t.Fatalf("%q: %s", id, wire.CodeName(r.Code))
		}
	}
	h.pass(8 * 24 * time.Hour)
}

// useAll sends requests of all kinds for one transactional id, as its producer.
func (h *harness) useAll(id string, one *transaction) {
	h.t.Helper()
	for level := range int16(3) {
		h.ask(Verify{TransactionalID: id, Producer: one.producer, Partitions: []TopicPartition{a0, b0}})
		h.ask(Add{TransactionalID: id, Producer: one.producer, Partitions: []TopicPartition{a1}, Level: level})
		h.ask(End{TransactionalID: id, Producer: one.producer, Commit: true, Level: level})
		h.ask(End{TransactionalID: id, Producer: one.producer, Level: level})
	}
	h.ask(Init{TransactionalID: id, TimeoutMillis: 1000, Expected: one.producer})
	h.ask(Describe{TransactionalID: id})
	h.ask(List{DurationMillis: 0})
	h.ask(Count{})
	for ticket := uint64(1); ticket <= h.ticket; ticket++ {
		h.reply(ticket)
	}
}

// TestRecordsAreApacheKafkas compares with what TransactionLog of Apache Kafka 4.3.1 writes. A line of the file is the finalized
// transaction.version, the transactional id, and its state, producer id and epoch, the producer ids before and after, time-out, start, last
// change, the client's transaction.version and partitions; then the key and the value in hexadecimal. Where there are several partitions,
// Apache Kafka writes them in the order of a hash table.
func TestRecordsAreApacheKafkas(t *testing.T) {
	raw, err := os.ReadFile("testdata/kafka-records.txt")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(raw)), "\n")
	for i, line := range lines {
		level, want, record := goldenRecord(t, line)
		got := want.record(level)
		if len(want.partitions) < 2 && !bytes.Equal(got.Value, record.Value) || len(got.Value) != len(record.Value) {
			t.Errorf("line %d: %s\nis here %x", i+1, line, got.Value)
		}
		if !bytes.Equal(got.Key, record.Key) {
			t.Errorf("line %d: key is here %x", i+1, got.Key)
		}
		m := New(testConfig(), testEpoch, level)
		if err := m.Replay(record); err != nil || !reflect.DeepEqual(m.transactions[want.id], want) {
			t.Errorf("line %d: %s\nis read as %+v, %v", i+1, line, m.transactions[want.id], err)
		}
	}
	if len(lines) < 30 {
		t.Fatalf("%d lines", len(lines))
	}
}

func goldenRecord(t *testing.T, line string) (level int16, want *transaction, r Record) {
	t.Helper()
	words := strings.Fields(line)
	level, want = number[int16](t, words[0]), newTransaction(words[1])
	want.state = State(number[int16](t, words[2]))
	want.producer = Producer{ID: number[int64](t, words[3]), Epoch: number[int16](t, words[4])}
	want.timeoutMillis = number[int32](t, words[7])
	want.startMillis, want.updatedMillis = number[int64](t, words[8]), number[int64](t, words[9])
	if level > 0 {
		want.previousID, want.nextID = number[int64](t, words[5]), number[int64](t, words[6])
		want.level = number[int16](t, words[10])
	}
	for _, p := range strings.Split(words[11], ",") {
		if topic, partition, found := strings.Cut(p, ":"); found {
			want.partitions[TopicPartition{topic, number[int32](t, partition)}] = struct{}{}
		}
	}
	key, keyErr := hex.DecodeString(words[13])
	value, valueErr := hex.DecodeString(words[14])
	if err := errors.Join(keyErr, valueErr); err != nil {
		t.Fatal(err)
	}
	return level, want, Record{Key: key, Value: value}
}
