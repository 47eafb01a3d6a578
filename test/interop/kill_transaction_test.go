//go:build interop

package interop

import (
	"context"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// TestOpenTransactionSurvivesKill kills the broker while transactions are open, with records and offsets in them. Both stay as they
// were, neither seen nor lost, and their producers go on: what one commits is then there, what another aborts is not. Apache
// Kafka's tool reads what the broker has written of it.
func TestOpenTransactionSurvivesKill(t *testing.T) {
	t.Parallel()
	b := startSubject(t, "CHRONIK_OFFSETS_TOPIC_NUM_PARTITIONS=1", "CHRONIK_TRANSACTION_STATE_LOG_NUM_PARTITIONS=1")
	s := newStepper(t, b.Broker, b.Bootstrap())
	first := s.begin(t, "first", 10*time.Minute)
	first.add(t, 0)
	first.write(t, 0, time.Now())
	first.commitOffset(t, "survivors", 3)
	first.end(t, true)
	var open [2]*steps
	for i, id := range []string{"aborted", "committed"} {
		open[i] = s.begin(t, id, 10*time.Minute)
		open[i].add(t, 0, 1)
		open[i].write(t, 0, time.Now())
		open[i].commitOffset(t, "survivors-of-"+id, 5)
	}
	open[1].commitOffset(t, "survivors", 9)

	b.Kill(t)
	b.Run(t)
	for _, x := range open {
		if state := x.describe(t); state.State != "Ongoing" || len(state.Topics) != 2 {
			t.Errorf("after a kill: %+v", state)
		}
	}
	s.wantOffset(t, "survivors", 3, kerr.UnstableOffsetCommit.Code)
	s.wantOffset(t, "survivors-of-aborted", -1, kerr.UnstableOffsetCommit.Code)
	s.wantEnds(t, map[string]int64{"journaled:0": 2}) // behind the first transaction and its marker
	for _, x := range open {
		x.write(t, 0, time.Now())
		x.write(t, 1, time.Now())
	}
	open[0].end(t, false)
	open[1].end(t, true)
	s.wantOffset(t, "survivors", 9, 0)
	s.wantOffset(t, "survivors-of-committed", 5, 0)
	s.wantOffset(t, "survivors-of-aborted", -1, 0)
	var values []string
	records, _ := readTopic(t, franzSASL(t, b.Broker, "SCRAM-SHA-512"), journaled, kgo.ReadCommitted())
	for _, r := range records {
		values = append(values, string(r.Value))
	}
	slices.Sort(values)
	if !slices.Equal(values, []string{"committed", "committed", "committed", "first"}) {
		t.Errorf("%q is committed", values)
	}
	b.Stop(t)
	checkTransactionsOnDisk(t, b.data)
}

// checkTransactionsOnDisk lets Apache Kafka's tool read the coordinators' topics, of which there is one partition each.
func checkTransactionsOnDisk(t *testing.T, data string) {
	t.Helper()
	states := decodedLog(t, filepath.Join(data, "__transaction_state-0"), "--transaction-log-decoder")
	for id, want := range map[string]string{"first": "01124", "aborted": "01135", "committed": "01124"} {
		got := ""
		for _, found := range regexp.MustCompile(`"transactionalId":"`+id+`".*"transactionStatus":([0-9])`).FindAllStringSubmatch(states, -1) {
			got += found[1]
		}
		if got != want {
			t.Errorf("states of %s: %s, want %s", id, got, want)
		}
	}
	offsets := decodedLog(t, filepath.Join(data, "__consumer_offsets-0"), "--offsets-decoder")
	lastIs(t, offsets, offsetKey("survivors", journaled, 0), `"offset":9`)
	lastIs(t, offsets, offsetKey("survivors-of-aborted", journaled, 0), `"offset":5`)
	for marker, want := range map[string]int{"endTxnMarker: COMMIT": 2, "endTxnMarker: ABORT": 1} {
		if n := strings.Count(offsets, marker); n != want {
			t.Errorf("%q is printed %d times, want %d", marker, n, want)
		}
	}
}

func decodedLog(t *testing.T, dir, decoder string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.log"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no segments in %s: %v", dir, err)
	}
	out := dumped(t, "--files", strings.Join(files, ","), decoder, "--deep-iteration")
	sound(t, out)
	return out
}

// wantOffset looks at what a group has committed of the topic's first partition: to a reader that takes it as it is, and to one
// that wants no offset that a transaction may change.
func (s *stepper) wantOffset(t *testing.T, group string, want int64, stable int16) {
	t.Helper()
	for _, requireStable := range []bool{false, true} {
		q := kmsg.NewPtrOffsetFetchRequest()
		q.RequireStable = requireStable
		g := kmsg.NewOffsetFetchRequestGroup()
		g.Group, g.Topics = group, []kmsg.OffsetFetchRequestGroupTopic{{Topic: journaled, Partitions: []int32{0}}}
		q.Groups = append(q.Groups, g)
		p := s.request(t, q).(*kmsg.OffsetFetchResponse).Groups[0].Topics[0].Partitions[0]
		wantAt, wantCode := want, int16(0)
		if requireStable && stable != 0 {
			wantAt, wantCode = -1, stable
		}
		if p.Offset != wantAt || p.ErrorCode != wantCode {
			t.Errorf("offset of %s (stable: %v): %d with code %d, want %d with code %d", group, requireStable, p.Offset, p.ErrorCode, wantAt, wantCode)
		}
	}
}

// wantEnds looks at the topic's last stable offsets.
func (s *stepper) wantEnds(t *testing.T, want map[string]int64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	stable, err := kadm.NewClient(s.client).ListCommittedOffsets(ctx, journaled)
	if err != nil {
		t.Fatal(err)
	}
	for partition, at := range want {
		if got := endsOf(stable)[partition]; got != at {
			t.Errorf("the last stable offset of %s is %d, want %d", partition, got, at)
		}
	}
}
