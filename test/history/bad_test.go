package history

import (
	"slices"
	"testing"
)

// TestFindsEachAnomaly feeds the checker with histories that no correct broker can bring about.
func TestFindsEachAnomaly(t *testing.T) {
	cases := map[string]struct {
		forge func(f *forger)
		want  []Kind
	}{
		"an acknowledged record is passed": {func(f *forger) {
			f.send(1, 0, "a", OK, 0)
			f.send(1, 0, "b", OK, 1)
			f.assign(2, 0)
			f.poll(2, 0, at(1, "b"))
		}, []Kind{LostWrite}},
		"an acknowledged record is passed by an empty poll": {func(f *forger) {
			f.send(1, 0, "a", OK, 0)
			f.assign(2, 0)
			f.pollAll(2, 1)
		}, []Kind{LostWrite}},
		"a committed record is passed": {func(f *forger) {
			f.send(1, 7, "a", OK, 0)
			f.end(1, 7, true, OK)
			f.assign(2, 0)
			f.poll(2, 2)
		}, []Kind{LostWrite}},
		"an aborted record is passed by a reader that sees all": {func(f *forger) {
			f.send(1, 7, "a", OK, 0)
			f.end(1, 7, false, OK)
			f.assign(2, 0)
			f.pollAll(2, 2)
		}, []Kind{LostWrite}},
		"the log ends before an acknowledged record": {func(f *forger) {
			f.send(1, 0, "a", OK, 5)
			f.send(2, 0, "b", OK, 3)
		}, []Kind{LostWrite}},
		"another record has taken the place": {func(f *forger) {
			f.send(1, 0, "a", OK, 5)
			f.send(2, 0, "b", OK, 5)
		}, []Kind{Diverged}},
		"two readers are given different records": {func(f *forger) {
			f.begin(1, 0, "a")
			f.begin(2, 0, "b")
			f.poll(3, 0, at(0, "a"))
			f.poll(4, 0, at(0, "b"))
		}, []Kind{LostThenSeen, PollSkip, Diverged}},
		"one of two records of a transaction is missing": {func(f *forger) {
			f.send(1, 7, "a", OK, 0)
			f.send(1, 7, "b", OK, 1)
			f.end(1, 7, true, Unknown)
			f.assign(2, 0)
			f.poll(2, 0, at(1, "b"))
		}, []Kind{TornTransaction}},
		"an aborted record is seen": {func(f *forger) {
			f.send(1, 7, "a", OK, 0)
			f.end(1, 7, false, OK)
			f.poll(2, 0, at(0, "a"))
		}, []Kind{AbortedRead}},
		"an abort that is not answered is no commit": {func(f *forger) {
			f.send(1, 7, "a", OK, 0)
			f.end(1, 7, false, Unknown)
			f.poll(2, 0, at(0, "a"))
		}, []Kind{AbortedRead}},
		"a record is seen whose commit has failed": {func(f *forger) {
			f.send(1, 7, "a", OK, 0)
			f.end(1, 7, true, Fail)
			f.poll(2, 0, at(0, "a"))
		}, []Kind{AbortedRead}},
		"a record is seen whose commit never began": {func(f *forger) {
			f.send(1, 7, "a", OK, 0)
			f.poll(2, 0, at(0, "a"))
		}, []Kind{AbortedRead}},
		"a record is passed and seen later": {func(f *forger) {
			f.send(1, 0, "a", Unknown, 0)
			f.send(1, 0, "b", OK, 1)
			f.assign(2, 0)
			f.poll(2, 0, at(1, "b"))
			f.assign(3, 0)
			f.poll(3, 0, run(0, "a", "b")...)
		}, []Kind{LostThenSeen}},
		"a record is seen and passed later": {func(f *forger) {
			f.send(1, 0, "a", Unknown, 0)
			f.send(1, 0, "b", OK, 1)
			f.assign(2, 0)
			f.poll(2, 0, run(0, "a", "b")...)
			f.assign(3, 0)
			f.poll(3, 0, at(1, "b"))
		}, []Kind{PollSkip}},
		"a poll goes on behind its position": {func(f *forger) {
			for i := range 3 {
				f.send(1, 0, name("v", i), OK, int64(i))
			}
			f.poll(2, 0, run(0, "v0", "v1", "v2")...)
			f.poll(3, 0, at(0, "v0"))
			f.poll(3, 0, at(2, "v2"))
		}, []Kind{PollSkip}},
		"a record is there twice": {func(f *forger) {
			f.send(1, 0, "a", OK, 0)
			f.assign(2, 0)
			f.poll(2, 0, run(0, "a", "a")...)
		}, []Kind{Duplicate}},
		"a record is not where it was acknowledged": {func(f *forger) {
			f.send(1, 0, "a", OK, 0)
			f.poll(2, 0, at(3, "a"))
		}, []Kind{Duplicate}},
		"an effect takes place twice": {func(f *forger) {
			f.once(1, 7, "a1", "a", 0)
			f.end(1, 7, true, Unknown)
			f.once(2, 8, "a2", "a", 2)
			f.end(2, 8, true, OK)
			f.poll(3, 0, at(0, "a1"), at(2, "a2"))
		}, []Kind{Duplicate}},
		"a record is behind one that was sent after its acknowledgement": {func(f *forger) {
			f.send(1, 0, "a", OK, 1)
			f.send(2, 0, "b", OK, 0)
			f.poll(3, 0, run(0, "b", "a")...)
		}, []Kind{OutOfOrder}},
		"a client's records are reversed": {func(f *forger) {
			f.begin(1, 0, "a")
			f.begin(1, 0, "b")
			f.poll(2, 0, run(0, "b", "a")...)
		}, []Kind{OutOfOrder}},
		"a reader is taken back": {func(f *forger) {
			f.send(1, 0, "a", OK, 0)
			f.send(1, 0, "b", OK, 1)
			f.poll(2, 0, run(0, "a", "b")...)
			f.poll(2, 0, at(1, "b"))
		}, []Kind{OutOfOrder}},
		"a poll is not in order": {func(f *forger) {
			f.send(1, 0, "a", OK, 0)
			f.send(1, 0, "b", OK, 1)
			f.poll(2, 0, at(1, "b"), at(0, "a"))
		}, []Kind{OutOfOrder}},
		"the stable offset is beyond an open transaction": {func(f *forger) {
			f.send(1, 7, "a", OK, 4)
			f.stable(2, 5)
			f.end(1, 7, true, OK)
		}, []Kind{DirtyStable}},
		"the stable offset is beyond a transaction that is aborted later": {func(f *forger) {
			f.send(1, 7, "a", OK, 4)
			f.stable(2, 5)
			f.end(1, 7, false, OK)
		}, []Kind{DirtyStable}},
		"a read-committed reader is given a record beyond an open transaction": {func(f *forger) {
			f.send(1, 7, "a", OK, 0)
			f.send(2, 0, "b", OK, 1)
			f.assign(3, 0)
			f.poll(3, 0, at(1, "b"))
			f.end(1, 7, false, OK)
		}, []Kind{DirtyStable}},
		"an open transaction's record is seen before its commit": {func(f *forger) {
			f.send(1, 7, "a", OK, 0)
			f.poll(2, 0, at(0, "a"))
			f.end(1, 7, true, Unknown)
		}, []Kind{DirtyStable}},
		"a record that nobody sent": {func(f *forger) { f.poll(1, 0, at(0, "a")) }, []Kind{Phantom}},
		"a record of another partition": {func(f *forger) {
			f.send(1, 0, "a", OK, 0)
			f.events = append(f.events, Event{Op: Poll, Topic: "u", Records: run(0, "a")})
		}, []Kind{Phantom}},
		"a record whose Send comes later": {func(f *forger) {
			f.poll(1, 0, at(0, "a"))
			f.begin(1, 0, "a")
		}, []Kind{Phantom}},
		"a record whose Send has failed": {func(f *forger) {
			f.send(1, 0, "a", Fail, 0)
			f.poll(2, 0, at(0, "a"))
		}, []Kind{Phantom}},
		"a value is sent twice": {func(f *forger) {
			f.begin(1, 0, "a")
			f.begin(1, 0, "a")
		}, []Kind{Malformed}},
		"a Send ends twice":             {func(f *forger) { f.send(1, 0, "a", OK, 0); f.done(1, 0, "a", OK, 0) }, []Kind{Malformed}},
		"a Send ends that never began":  {func(f *forger) { f.done(1, 0, "a", OK, 0) }, []Kind{Malformed}},
		"a transaction is ended twice":  {func(f *forger) { f.beginEnd(1, 7, true); f.beginEnd(1, 7, true) }, []Kind{Malformed}},
		"an End is over twice":          {func(f *forger) { f.end(1, 7, true, OK); f.events = append(f.events, f.events[1]) }, []Kind{Malformed}},
		"an End without a transaction":  {func(f *forger) { f.beginEnd(1, 0, true) }, []Kind{Malformed}},
		"an event without an operation": {func(f *forger) { f.add(Event{}) }, []Kind{Malformed}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var f forger
			c.forge(&f)
			found := Check(f.events)
			if got := kinds(found); !slices.Equal(got, c.want) {
				t.Errorf("found %v, want %v", found, c.want)
			}
		})
	}
}

func TestTellsTheFirstOfManyAnomalies(t *testing.T) {
	var f forger
	for i := range 3 * mostOfAKind {
		f.send(1, 0, name("v", i), OK, int64(i))
	}
	f.assign(2, 0)
	f.poll(2, 3*mostOfAKind)
	if found := Check(f.events); len(found) != mostOfAKind {
		t.Errorf("%d anomalies, want %d", len(found), mostOfAKind)
	}
}
