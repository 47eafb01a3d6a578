package meta

import (
	"bytes"
	"fmt"
	"testing"
	"time"
)

// createAt has a principal ask for topics at a time.
func createAt(img *Image, principal string, at time.Time, names ...string) *Image {
	c := &CreateTopics{Origin: Origin{Principal: principal, Time: at}}
	for _, name := range names {
		n := NewTopic{Name: name, Replicas: [][]int32{{1}}}
		copy(n.ID[:], name)
		c.Topics = append(c.Topics, n)
	}
	next, _, _ := img.Apply(img.Index()+1, c)
	return next
}

func TestTopicsCreatedInAnHour(t *testing.T) {
	start := time.Date(2026, 11, 23, 12, 0, 30, 0, time.UTC)
	img, _, _ := NewImage().Apply(1, &RegisterBroker{Broker: Broker{ID: 1}})
	img = createAt(img, "User:a", start, "a1", "a2")
	img = createAt(img, "User:b", start.Add(time.Minute), "b1")
	img = createAt(img, "User:a", start.Add(30*time.Minute), "a1", "a3") // one of them exists
	img, _, _ = img.Apply(img.Index()+1, &DeleteTopics{IDs: []TopicID{img.Topic("a1").ID}})
	for _, c := range []struct {
		principal string
		after     time.Duration
		want      int
	}{
		{"User:a", 0, 2},
		{"User:b", 0, 0},
		{"User:b", time.Minute, 1},
		{"User:a", 30 * time.Minute, 3},
		{"User:a", 60 * time.Minute, 3},
		{"User:a", 61 * time.Minute, 1},
		{"User:a", 91 * time.Minute, 0},
		{"User:", 30 * time.Minute, 0},
		{"User:a", -time.Hour, 0},
	} {
		if got := img.TopicsCreated(c.principal, start.Add(c.after)); got != c.want {
			t.Errorf("%s after %s: %d topics, want %d", c.principal, c.after, got, c.want)
		}
	}
	var snapshot bytes.Buffer
	if err := img.WriteSnapshot(&snapshot); err != nil {
		t.Fatal(err)
	}
	again, err := ReadSnapshot(&snapshot)
	if err != nil || again.TopicsCreated("User:a", start.Add(30*time.Minute)) != 3 {
		t.Errorf("after a snapshot: %v", err)
	}
}

// TestWhoCreatedIsForgotten: what an hour of creations leaves behind goes with the ones that come.
func TestWhoCreatedIsForgotten(t *testing.T) {
	start := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	img, _, _ := NewImage().Apply(1, &RegisterBroker{Broker: Broker{ID: 1}})
	for i := range 300 {
		img = createAt(img, fmt.Sprint("User:", i), start.Add(time.Duration(i)*time.Minute), fmt.Sprint("t", i))
		if n := img.created.Len(); n > createdMinutes+1 {
			t.Fatalf("%d are remembered in minute %d", n, i)
		}
	}
	internal := &CreateTopics{Topics: []NewTopic{{Name: "own", ID: TopicID{1}, Replicas: [][]int32{{1}}}}}
	before := img.created.Len()
	if img, _, _ = img.Apply(img.Index()+1, internal); img.Topic("own") == nil || img.created.Len() != before {
		t.Error("topics of nobody are counted")
	}
}
