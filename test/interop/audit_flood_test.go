//go:build interop

package interop

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/test/harness"
)

// What one client may make the audit log grow by in TestAFloodOfAuditEvents, and what docs/audit.md says of merged events.
const (
	floodBurst        = 128 << 10
	floodRate         = 1024
	floodInterval     = 5 * time.Second
	floodMergedEvents = 27
	floodMergedBytes  = 12 << 10
)

// floodEvent is what the test reads of an event.
type floodEvent struct {
	Class    int    `json:"class_uid"`
	Activity int    `json:"activity_id"`
	Status   int    `json:"status_id"`
	Count    uint64 `json:"count"`
	User     struct {
		UID  string `json:"uid"`
		Name string `json:"name"`
	} `json:"user"`
	Actor struct {
		User struct {
			UID string `json:"uid"`
		} `json:"user"`
	} `json:"actor"`
	Unmapped struct {
		Merged *struct {
			Of      string `json:"of"`
			By      string `json:"by"`
			Claimed []struct {
				Name  string `json:"name"`
				Count uint64 `json:"count"`
			} `json:"claimed"`
		} `json:"merged"`
	} `json:"unmapped"`
}

// floodTold is what the audit log tells of mallory: how often, in how many events and bytes, and how many of these are merged.
type floodTold struct {
	denials, logins, logoffs, refused, claimed uint64
	events, merged, bytes                      int
}

// floodIn reads the log as an auditor does, by kcat.
func floodIn(t *testing.T, b *harness.Broker) (told floodTold) {
	t.Helper()
	kcat := append(saslKcat(t, b, "PLAIN"), "-C", "-q", "-t", "__audit_log", "-o", "beginning", "-e")
	for _, line := range strings.Split(strings.TrimSpace(harness.Command(t, "", "kcat", kcat...)), "\n") {
		var e floodEvent
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		n := max(1, e.Count)
		refused := e.Class == 3002 && e.Status == 2
		if e.User.UID != "User:mallory" && e.Actor.User.UID != "User:mallory" && !refused {
			continue
		}
		told.events++
		told.bytes += len(line)
		switch {
		case refused:
			told.refused += n
		case e.Class == 3002 && e.Activity == 1:
			told.logins += n
		case e.Class == 3002:
			told.logoffs += n
		case e.Class == 6003 && e.Status == 2:
			told.denials += n
		}
		if m := e.Unmapped.Merged; m != nil {
			told.merged++
			for _, c := range m.Claimed {
				told.claimed += c.Count
			}
		}
	}
	return told
}

// deny asks for so many topics, each with a name of its own, which mallory may not describe.
func deny(ctx context.Context, t *testing.T, client *kgo.Client, requests, each int) {
	t.Helper()
	for i := range requests {
		q := kmsg.NewPtrMetadataRequest()
		for n := range each {
			topic := kmsg.NewMetadataRequestTopic()
			topic.Topic = kmsg.StringPtr(fmt.Sprintf("%s-%d-%d", strings.Repeat("n", 230), i, n))
			q.Topics = append(q.Topics, topic)
		}
		answer, err := q.RequestWith(ctx, client)
		if err != nil {
			t.Fatal(err)
		}
		if code := answer.Topics[0].ErrorCode; code != kerr.TopicAuthorizationFailed.Code {
			t.Fatalf("code %d", code)
		}
	}
}

// logIn opens connections as mallory, by a password that is right or not.
func logIn(ctx context.Context, t *testing.T, b *harness.Broker, user, word string, times int) {
	t.Helper()
	var clients sync.WaitGroup
	for range 4 {
		clients.Go(func() {
			for range times / 4 {
				client := franzClient(t, append(franzUser(t, b, "PLAIN", user, word), kgo.RequestRetries(0), kgo.RetryTimeout(time.Second))...)
				if err := client.Ping(ctx); (err == nil) != (word == cutWord) {
					t.Errorf("log-in of %s: %v", user, err)
				}
				client.Close()
			}
		})
	}
	clients.Wait()
}

// TestAFloodOfAuditEvents: whatever a client does again and again, the audit log grows by no more than what docs/audit.md promises, and the
// auditor reads how often it was done; replay counts it too. message.max.bytes, which is for clients, is smaller than the broker's batches of events.
func TestAFloodOfAuditEvents(t *testing.T) {
	t.Parallel()
	began := time.Now()
	b := harness.Start(t, fmt.Sprint("CHRONIK_AUDIT_CLIENT_BURST_BYTES=", floodBurst), fmt.Sprint("CHRONIK_AUDIT_CLIENT_BYTES_PER_SECOND=", floodRate),
		fmt.Sprint("CHRONIK_AUDIT_MERGE_INTERVAL_MS=", floodInterval.Milliseconds()), "CHRONIK_LOGIN_FAILURES_DELAY_MAX_MS=0",
		"CHRONIK_CONNECTION_FAILED_AUTHENTICATION_DELAY_MS=0", "CHRONIK_MESSAGE_MAX_BYTES=4096")
	addUser(t, b, "mallory", cutWord)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	const requests, each, logins, refusals = 200, 50, 400, 200
	client := franzClient(t, franzUser(t, b, "PLAIN", "mallory", cutWord)...)
	deny(ctx, t, client, requests, each)
	client.Close()
	logIn(ctx, t, b, "mallory", cutWord, logins)
	for i := range refusals / 4 {
		logIn(ctx, t, b, fmt.Sprint("guessed", i), "wrong-"+cutWord, 4)
	}

	var told floodTold
	waitFor(t, "all of the flood to be in the audit log", func() bool {
		told = floodIn(t, b)
		return told.denials >= requests*each && told.logoffs >= logins && told.refused >= refusals
	})
	if told.denials != requests*each || told.logins < logins || told.logins != told.logoffs || told.refused < refusals {
		t.Errorf("the log tells of %+v", told)
	}
	seconds := time.Since(began).Seconds()
	clients := 2 // mallory, and the address of whoever guesses
	most := clients * int(floodBurst+floodRate*seconds+float64(1<<20)+(seconds/floodInterval.Seconds()+1)*floodMergedEvents*floodMergedBytes)
	if told.bytes > most || told.merged == 0 || told.events > int(told.denials)/4 {
		t.Errorf("in %.0f s the log grew by %d bytes, and may by %d: %+v", seconds, told.bytes, most, told)
	}
	contains(t, scrape(t, b), `chronik_audit_merged_events_total{event="denial"}`, `chronik_audit_merged_events_total{event="authentication"}`, "chronik_audit_log_failing 0", "chronik_audit_lost_events_total 0")
	contains(t, b.Log(), "event=denial merged=alike", "principal=User:mallory")
	if lines := strings.Count(b.Log(), "claimed=guessed"); lines >= refusals || lines == 0 {
		t.Errorf("the broker's own log has %d lines of %d refused log-ins", lines, told.refused)
	}

	out, err := authzAs(t, b, b.ClientProperties(), "replay", "--output", "json", "--acls", aclsTo(t, nil))
	var report struct {
		Decisions uint64
		Notes     []string
	}
	if decoding := json.NewDecoder(strings.NewReader(out)).Decode(&report); decoding != nil {
		t.Fatalf("replay: %v, %v:\n%s", err, decoding, out)
	}
	nameless := uint64(0)
	for _, note := range report.Notes {
		if strings.Contains(note, "denials have no event of their own") {
			if _, err := fmt.Sscan(note, &nameless); err != nil {
				t.Error(err)
			}
		}
	}
	if nameless == 0 || report.Decisions+nameless < requests*each || report.Decisions+nameless > requests*each+100 {
		t.Errorf("replay counts %d decisions and %d without a name, of %d denials: %s", report.Decisions, nameless, requests*each, out)
	}
}
