//go:build interop

package interop

import (
	"context"
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// readTopic reads the records and the markers of a topic in which no transaction is open.
func readTopic(t *testing.T, opts []kgo.Opt, topic string, level kgo.IsolationLevel) (records, markers []*kgo.Record) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	client := franzClient(t, append(opts, kgo.ConsumeTopics(topic), kgo.FetchIsolationLevel(level),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.KeepControlRecords())...)
	ends, err := kadm.NewClient(client).ListEndOffsets(ctx, topic)
	if err != nil {
		t.Fatal(err)
	}
	stable, err := kadm.NewClient(client).ListCommittedOffsets(ctx, topic)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(endsOf(ends), endsOf(stable)); diff != "" {
		t.Errorf("-ends +last stable offsets of %s:\n%s", topic, diff)
	}
	at := map[string]int64{}
	for !maps.Equal(at, endsOf(ends)) {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatalf("read %s up to %v: %v", topic, at, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			at[partitionName(r.Topic, r.Partition)] = r.Offset + 1
			if r.Attrs.IsControl() {
				markers = append(markers, r)
			} else {
				records = append(records, r)
			}
		})
	}
	return records, markers
}

func partitionName(topic string, partition int32) string {
	return fmt.Sprintf("%s:%d", topic, partition)
}

// endsOf are the offsets, by topic:partition, of those partitions that are not empty.
func endsOf(offsets kadm.ListedOffsets) map[string]int64 {
	out := map[string]int64{}
	offsets.Each(func(o kadm.ListedOffset) {
		if o.Offset > 0 {
			out[partitionName(o.Topic, o.Partition)] = o.Offset
		}
	})
	return out
}
