package history

import (
	"fmt"
	"slices"
)

// forger writes histories by hand, of the topic "t" with one partition.
type forger struct{ events []Event }

func (f *forger) add(ev Event) {
	ev.Topic = "t"
	f.events = append(f.events, ev)
}

// send records a Send and its end; an offset of -1 with OK is an acknowledgement that does not tell it.
func (f *forger) send(client int, txn int64, value string, end Phase, offset int64) {
	f.begin(client, txn, value)
	f.done(client, txn, value, end, offset)
}

func (f *forger) begin(client int, txn int64, value string) {
	f.add(Event{Client: client, Op: Send, Phase: Invoke, Txn: txn, Value: value})
}

func (f *forger) done(client int, txn int64, value string, end Phase, offset int64) {
	f.add(Event{Client: client, Op: Send, Phase: end, Txn: txn, Value: value, Offset: offset})
}

// once records an acknowledged Send of something that may take place once.
func (f *forger) once(client int, txn int64, value, once string, offset int64) {
	f.add(Event{Client: client, Op: Send, Phase: Invoke, Txn: txn, Value: value, Once: once})
	f.done(client, txn, value, OK, offset)
}

// end records an End and how it ended.
func (f *forger) end(client int, txn int64, commit bool, phase Phase) {
	f.beginEnd(client, txn, commit)
	f.add(Event{Client: client, Op: End, Phase: phase, Txn: txn, Commit: commit})
}

func (f *forger) beginEnd(client int, txn int64, commit bool) {
	f.add(Event{Client: client, Op: End, Phase: Invoke, Txn: txn, Commit: commit})
}

func (f *forger) assign(client int, offset int64) {
	f.add(Event{Client: client, Op: Assign, Offset: offset})
}

// poll records what a read-committed reader was given, all the rest what any other was.
func (f *forger) poll(client int, next int64, records ...Record) {
	f.add(Event{Client: client, Op: Poll, Committed: true, Records: records, Next: next})
}

func (f *forger) pollAll(client int, next int64, records ...Record) {
	f.add(Event{Client: client, Op: Poll, Records: records, Next: next})
}

func (f *forger) stable(client int, offset int64) {
	f.add(Event{Client: client, Op: Stable, Offset: offset})
}

// kinds are the kinds of what is found, each once, in order.
func kinds(found []Anomaly) []Kind {
	var all []Kind
	for _, a := range found {
		all = append(all, a.Kind)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func at(offset int64, value string) Record { return Record{Offset: offset, Value: value} }

// run are records at offsets one after the other.
func run(from int64, values ...string) []Record {
	records := make([]Record, len(values))
	for i, v := range values {
		records[i] = at(from+int64(i), v)
	}
	return records
}

func name(prefix string, i int) string { return fmt.Sprintf("%s%d", prefix, i) }
