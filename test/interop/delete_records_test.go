//go:build interop

package interop

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chronik-stream/chronik/test/harness"
)

const deleteRecordsCommand = "org.apache.kafka.tools.DeleteRecordsCommand"

// deleteFile writes an offsets file of kafka-delete-records.
func deleteFile(t *testing.T, topic string, partition, offset int) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "delete.json")
	text := fmt.Sprintf(`{"version":1,"partitions":[{"topic":%q,"partition":%d,"offset":%d}]}`, topic, partition, offset)
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestDeleteRecordsTool runs kafka-delete-records, restarts, and looks for what the audit log has of it.
func TestDeleteRecordsTool(t *testing.T) {
	t.Parallel()
	b := harness.Start(t)
	createTopic(t, b, "shrinking", 2)
	tools.Must(t, roundTrip, "produce", b.Bootstrap(), b.ClientProperties(), "shrinking", "20", "v")
	starts := func() string { return admin(t, b, getOffsets, "--topic", "shrinking", "--time", "earliest") }

	file := deleteFile(t, "shrinking", 0, 1)
	contains(t, admin(t, b, deleteRecordsCommand, "--offset-json-file", file), "partition: shrinking-0", "low_watermark: 1")
	contains(t, starts(), "shrinking:0:1", "shrinking:1:0")
	out := tools.Run(t, deleteRecordsCommand, adminArgs(b, []string{"--offset-json-file", deleteFile(t, "shrinking", 0, 1000)})...)
	contains(t, out.Out+out.Err, "OffsetOutOfRangeException")
	admin(t, b, topicCommand, "--create", "--topic", "latest-only", "--config", "cleanup.policy=delete")
	contains(t, admin(t, b, deleteRecordsCommand, "--offset-json-file", deleteFile(t, "shrinking", 1, -1)), "partition: shrinking-1")
	before := starts()
	b.Kill(t)
	b.Run(t)
	if after := starts(); after != before {
		t.Errorf("after a kill the logs start at\n%s\nand were at\n%s", after, before)
	}

	events := auditEvents(t, b, "DeleteRecords", 4)
	intents, outcomes := 0, 0
	for _, e := range events {
		switch e.StatusCode {
		case "INTENT":
			intents++
		case "NONE":
			outcomes++
		}
	}
	if intents != 2 || outcomes != 2 {
		t.Errorf("%d intents and %d outcomes, want 2 of each: %+v", intents, outcomes, events)
	}
}

// auditEvent is what these tests read of an event.
type auditEvent struct {
	StatusCode string `json:"status_code"`
	API        struct {
		Operation string `json:"operation"`
	} `json:"api"`
	Resources []struct {
		Name string `json:"name"`
	} `json:"resources"`
	Unmapped struct {
		Operation string            `json:"operation"`
		Before    map[string]string `json:"before"`
		After     map[string]string `json:"after"`
	} `json:"unmapped"`
}

// auditEvents reads the audit topic up to its end, where there are so many events of an API: outcomes are recorded after the answer.
func auditEvents(t *testing.T, b *harness.Broker, api string, atLeast int) []auditEvent {
	t.Helper()
	client := franzClient(t, append(franzSASL(t, b, "SCRAM-SHA-512"), kgo.ConsumeTopics("__audit_log"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))...)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var events []auditEvent
	for {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatalf("audit events %+v, then %v", events, err)
		}
		last, high := int64(-1), int64(0)
		fetches.EachPartition(func(p kgo.FetchTopicPartition) {
			high = p.HighWatermark
			for _, r := range p.Records {
				var e auditEvent
				if err := json.Unmarshal(r.Value, &e); err != nil {
					t.Fatalf("audit event %s: %v", r.Value, err)
				}
				if last = r.Offset; e.API.Operation == api {
					events = append(events, e)
				}
			}
		})
		if last >= 0 && last+1 >= high && len(events) >= atLeast {
			return events
		}
	}
}
