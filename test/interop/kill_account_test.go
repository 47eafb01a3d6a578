//go:build interop

package interop

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"maps"
	"slices"
	"strconv"
	"sync"
	"testing"
)

// place is a partition.
type place struct {
	topic     string
	partition int32
}

// entry is a record that a writer was told to be stored, or that a reader has read.
type entry struct {
	place
	offset int64
	stamp
	crc uint32 // of the value
}

// stamp is how each value starts: who wrote it, and the how manyth of this writer it is.
type stamp struct {
	writer string
	number int64
}

// readStamp takes the stamp off a value: writer, dot, number, and a dot before anything more.
func readStamp(value []byte) (stamp, error) {
	writer, rest, dotted := bytes.Cut(value, []byte("."))
	digits, _, _ := bytes.Cut(rest, []byte("."))
	number, err := strconv.ParseInt(string(digits), 10, 64)
	if !dotted || err != nil {
		return stamp{}, fmt.Errorf("a value that no writer has written: %.40q", value)
	}
	return stamp{string(writer), number}, nil
}

// account holds what writers say: acknowledged records that nobody has looked for yet, and failures. Writers keep trying, so that a
// failure before their end is one of the broker.
type account struct {
	mu       sync.Mutex
	fresh    []entry
	counts   map[string]int
	failures []string
}

func newAccount() *account { return &account{counts: map[string]int{}} }

// expect names a writer, so that rounds wait for it.
func (l *account) expect(writer string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.counts[writer] += 0
}

func (l *account) acknowledge(at place, offset int64, value []byte) {
	s, err := readStamp(value)
	if err != nil {
		l.fail(err.Error())
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fresh = append(l.fresh, entry{at, offset, s, crc32.ChecksumIEEE(value)})
	l.counts[s.writer]++
}

func (l *account) fail(what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failures = append(l.failures, what)
}

// take hands over what is to be looked for, of the compacted topic or of the others.
func (l *account) take(compacted bool) (taken []entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var left []entry
	for _, e := range l.fresh {
		if (e.topic == killCompacted) == compacted {
			taken = append(taken, e)
		} else {
			left = append(left, e)
		}
	}
	l.fresh = left
	return taken
}

func (l *account) snapshot() map[string]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.counts)
}

// waitForEach waits until each writer has one more record acknowledged than now.
func (l *account) waitForEach(t *testing.T) {
	t.Helper()
	before := l.snapshot()
	for _, writer := range slices.Sorted(maps.Keys(before)) {
		waitSeeing(t, "an acknowledged record of "+writer, func() (string, bool) {
			now := l.snapshot()
			return fmt.Sprint(now), now[writer] > before[writer]
		})
	}
}

func (l *account) report(t *testing.T) {
	t.Helper()
	total := 0
	for writer, n := range l.snapshot() {
		t.Logf("%s: %d acknowledged records", writer, n)
		total += n
	}
	reportFailures(t, "a writer", l.failures)
	t.Logf("%d acknowledged records were looked for after %d rounds of kills", total, killRounds)
}

// event is a line of a client that runs as a process; the field names are those of Apache Kafka's VerifiableProducer.
type event struct {
	Name, Topic, Value, Exception, Message string
	Partition                              int32
	Offset                                 int64
}

// listen returns what takes a writer's lines. Whether it was asked to end is for stopping to say: what fails after that was never promised.
func (l *account) listen(stopping func() bool) func([]byte) {
	return func(line []byte) {
		var e event
		if json.Unmarshal(line, &e) != nil {
			return // what a JVM says on its standard output beside the events
		}
		switch e.Name {
		case "producer_send_success":
			l.acknowledge(place{e.Topic, e.Partition}, e.Offset, []byte(e.Value))
		case "producer_send_error":
			if !stopping() {
				l.fail(fmt.Sprintf("%s %s", e.Exception, e.Message))
			}
		}
	}
}
