package history

import "fmt"

// Kind says what is wrong. The zero value is invalid.
type Kind uint8

// The kinds. A record is there if its Send was acknowledged with an offset or if any reader was given it. A transaction is committed if its
// End with Commit was OK, or if a read-committed reader was given one of its records and it can be. A reader passes an offset if
// its position moves from at or before it to behind it. A reader ought to see a record that is there if it is not read-committed, or if the
// record belongs to no transaction, or to a committed one.
const (
	// LostWrite is a record that is there by its acknowledgement alone: a reader that ought to see it passed it, and no reader was ever given
	// it. It is also one that was acknowledged at an offset that a later Send's record comes before, with the same consequence.
	LostWrite Kind = iota + 1
	// TornTransaction is a LostWrite of a transaction of which another record was seen, while its commit was not acknowledged: it is
	// committed in part.
	TornTransaction
	// AbortedRead is a record given to a read-committed reader whose transaction cannot be committed: its End failed, or was to abort, or
	// was never begun.
	AbortedRead
	// LostThenSeen is a record that a reader that ought to see it passed without being given it, and that some reader was given later.
	LostThenSeen
	// PollSkip is a record that a reader that ought to see it passed without being given it, and that readers were given before, not after.
	PollSkip
	// Duplicate is a record that is there at two places, or two records with the same Once that were given to read-committed readers.
	Duplicate
	// OutOfOrder is one of: a record acknowledged before another one's Send began, at a higher offset in the same partition; records of one
	// client in a partition in another order than that of its Sends; a poll whose offsets do not rise, or begin before the reader's position.
	OutOfOrder
	// DirtyStable is a last stable offset, told or passed by a read-committed reader, above a record of a transaction that was open: the
	// transaction is committed, or aborted by its own End, and that End had not begun.
	DirtyStable
	// Phantom is a record given to a reader that nobody had begun to send by then, not to that partition, or whose Send failed.
	Phantom
	// Diverged is an offset with two records.
	Diverged
	// Malformed is a history that cannot be one: the recorder is at fault, not the broker.
	Malformed
)

var kindNames = map[Kind]string{
	LostWrite: "lost write", TornTransaction: "torn transaction", AbortedRead: "aborted read", LostThenSeen: "lost then seen",
	PollSkip: "poll skip", Duplicate: "duplicate", OutOfOrder: "out of order", DirtyStable: "dirty stable offset", Phantom: "phantom",
	Diverged: "diverged", Malformed: "malformed history",
}

func (k Kind) String() string { return kindNames[k] }

// Anomaly is something that no correct broker brings about.
type Anomaly struct {
	Kind Kind
	// Detail names the record or the transaction, and the place.
	Detail string
	// Events are the indices of the events that contradict each other.
	Events []int
}

func (a Anomaly) String() string {
	return fmt.Sprintf("%s: %s (events %v)", a.Kind, a.Detail, a.Events)
}

// mostOfAKind bounds how many anomalies of a kind are told.
const mostOfAKind = 100

// findings collects anomalies.
type findings struct {
	all   []Anomaly
	count map[Kind]int
}

func (f *findings) add(k Kind, events []int, format string, args ...any) {
	if f.count[k]++; f.count[k] <= mostOfAKind {
		f.all = append(f.all, Anomaly{Kind: k, Detail: fmt.Sprintf(format, args...), Events: events})
	}
}
