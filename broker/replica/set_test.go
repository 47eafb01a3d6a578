package replica

import (
	"context"
	"maps"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/storage"
	"github.com/chronik-stream/chronik/broker/vfs"
	"github.com/chronik-stream/chronik/broker/wire"
)

func TestPartitionsGoWhereTheFewestAre(t *testing.T) {
	w := newWorld(t, 2)
	w.create("a", 1, []int32{1}, []int32{1}, []int32{1})
	w.create("b", 2, []int32{1})
	counts := make([]int, 2)
	for i, d := range w.dirs {
		d.Logs(func(*storage.Log) bool { counts[i]++; return true })
	}
	if counts[0] != 2 || counts[1] != 2 {
		t.Errorf("the directories hold %v partitions", counts)
	}
	n := 0
	w.set.Each(func(*Replica) bool { n++; return n < 3 })
	if n != 3 || w.set.Get("a", 3) != nil || w.set.Get("a", -1) != nil || w.set.Get("c", 0) != nil {
		t.Errorf("%d replicas seen, or one that is not there", n)
	}
}

func TestPartitionsOfOthersStayAway(t *testing.T) {
	w := newWorld(t, 1)
	w.create("a", 1, []int32{2}, []int32{1})
	if w.set.Get("a", 0) != nil {
		t.Error("a replica of another broker's partition")
	}
	if r := w.replica("a", 1); r.Partition() != 1 || r.Topic() != "a" || r.TopicID() != (meta.TopicID{1}) {
		t.Errorf("replica %s-%d", r.Topic(), r.Partition())
	}
}

func TestRecordsOutliveARestart(t *testing.T) {
	w := newWorld(t, 2)
	w.create("a", 1, []int32{1}, []int32{1})
	for p := range int32(2) {
		mustAppend(t, w.replica("a", p), batchOf(int(p)+1, testTime))
	}
	w.restart()
	for p := range int32(2) {
		if r := w.replica("a", p); r.HighWatermark() != int64(p)+1 || r.LogStart() != 0 || r.Size() == 0 {
			t.Errorf("partition %d ends at %d", p, r.HighWatermark())
		}
	}
	w.create("b", 2, []int32{1}, []int32{1})
	if w.image.Topic("b") == nil || w.replica("b", 1).LogEnd() != 0 {
		t.Error("a topic after the restart")
	}
	if w.logged.Len() != 0 {
		t.Errorf("logged %s", &w.logged)
	}
}

func TestALostLogIsMadeAnewAndSaid(t *testing.T) {
	w := newWorld(t, 1)
	w.create("a", 1, []int32{1}, []int32{1})
	mustAppend(t, w.replica("a", 0), batchOf(1, testTime))
	mustAppend(t, w.replica("a", 1), batchOf(1, testTime))
	if err := w.dirs[0].Delete([16]byte{1}, 1); err != nil {
		t.Fatal(err)
	}
	w.restart()
	if w.replica("a", 0).LogEnd() != 1 || w.replica("a", 1).LogEnd() != 0 {
		t.Errorf("the logs end at %d and %d", w.replica("a", 0).LogEnd(), w.replica("a", 1).LogEnd())
	}
	if n := strings.Count(w.logged.String(), "made anew"); n != 1 {
		t.Errorf("%d warnings: %s", n, &w.logged)
	}
}

func TestADeletedTopicIsGone(t *testing.T) {
	w := newWorld(t, 2)
	w.create("a", 1, []int32{1})
	old := w.replica("a", 0)
	mustAppend(t, old, batchOf(1, testTime))
	s := NewSignal()
	old.Await(s, 2)
	w.apply(&meta.DeleteTopics{IDs: []meta.TopicID{{1}}})
	select {
	case <-s:
	default:
		t.Error("who waits for a deleted partition is not woken")
	}
	if _, err := old.Append(batchOf(1, testTime), true, true, 0, testTime); wire.CodeOf(err) != wire.UnknownTopicOrPartition {
		t.Errorf("append to a deleted partition: %v", err)
	}
	if err := old.waitFor(t.Context(), 2); wire.CodeOf(err) != wire.UnknownTopicOrPartition {
		t.Errorf("wait on a deleted partition: %v", err)
	}
	w.create("a", 7, []int32{1})
	if r := w.replica("a", 0); r.LogEnd() != 0 || r.TopicID() != (meta.TopicID{7}) {
		t.Errorf("a new topic of the old name begins at %d", r.LogEnd())
	}
	if w.logged.Len() != 0 {
		t.Errorf("logged %s", &w.logged)
	}
}

func TestRetentionRunsUntilItsContextEnds(t *testing.T) {
	w := newWorld(t, 1)
	w.create("a", 1, []int32{1})
	mustAppend(t, w.replica("a", 0), batchOf(3, testTime.Add(-30*24*time.Hour)))
	late := testTime.Add(time.Hour)
	w.set.cfg.Clock = func() time.Time { return late }
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var done sync.WaitGroup
		done.Go(func() { w.set.Retain(ctx, time.Minute) })
		<-time.After(3 * time.Minute) // of the bubble
		synctest.Wait()
		if start := w.replica("a", 0).LogStart(); start != 3 {
			t.Errorf("the log starts at %d after its time", start)
		}
		cancel()
		done.Wait()
	})
}

func TestStraysAreSetAside(t *testing.T) {
	w := newWorld(t, 1)
	w.create("a", 1, []int32{1})
	w.create("b", 2, []int32{1})
	mustAppend(t, w.replica("a", 0), batchOf(3, testTime))
	mustAppend(t, w.replica("b", 0), batchOf(3, testTime))
	// The metadata goes on while this broker is away.
	w.image, _, _ = w.image.Apply(w.image.Index()+1, &meta.DeleteTopics{IDs: []meta.TopicID{{1}}})
	w.restart()
	if w.set.Get("a", 0) != nil || w.replica("b", 0).HighWatermark() != 3 {
		t.Error("the stray is served, or what is none is not")
	}
	stray := ""
	entries, err := w.fs.List("/data0")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name, "a-0.") && strings.HasSuffix(e.Name, "-stray") {
			stray = e.Name
		}
	}
	if stray == "" {
		t.Errorf("the stray's files are gone: %v", entries)
	}
	w.create("a", 9, []int32{1})
	if r := w.replica("a", 0); r.LogEnd() != 0 {
		t.Errorf("a new topic of the name begins at %d", r.LogEnd())
	}
}

// TestOnlyWhatIsMadeAnewIsDeleted: the metadata does not know a topic of three partitions. The kill took the end of the journal, which
// said that one is deleted, and its directory has its new name: it is made anew, and deleted. Another one has only such a sibling,
// and the third one was deleted here when it moved away, and has come back: both may be all that there is of their records.
func TestOnlyWhatIsMadeAnewIsDeleted(t *testing.T) {
	w := newWorld(t, 1)
	w.create("a", 1, []int32{1}, []int32{1}, []int32{1})
	for p := range int32(3) {
		mustAppend(t, w.replica("a", p), batchOf(3, testTime))
	}
	w.image, _, _ = w.image.Apply(w.image.Index()+1, &meta.DeleteTopics{IDs: []meta.TopicID{{1}}})
	disk := w.fs.(*vfs.Memory).Kill()
	w.fs = disk
	_ = w.dirs[0].Close() // its disk is gone
	id := strings.Repeat("0a", 16)
	if err := disk.Rename("/data0/a-1", "/data0/a-1."+id+"-delete"); err != nil {
		t.Fatal(err)
	}
	left := "/data0/a-2." + id + "-delete"
	if err := disk.Mkdir(left); err != nil {
		t.Fatal(err)
	}
	topic, err := vfs.ReadFile(disk, "/data0/a-2/partition.metadata", 1<<10)
	if err != nil {
		t.Fatal(err)
	}
	if err := vfs.ReplaceFile(disk, left+"/partition.metadata", topic); err != nil {
		t.Fatal(err)
	}
	w.open(1)
	w.set.RemoveStrays(w.image)
	entries, err := disk.List("/data0")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]int{}
	for _, e := range entries {
		if name, ok := strings.CutPrefix(e.Name, "a-"); ok {
			found[name[:1]+name[strings.LastIndexByte(name, '-'):]]++
		}
	}
	if want := map[string]int{"0-stray": 1, "1-delete": 2, "2-delete": 1, "2-stray": 1}; !maps.Equal(found, want) {
		t.Errorf("there is %v of the topic, want %v", found, want)
	}
}
