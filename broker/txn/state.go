package txn

// State is where a transactional id stands (Apache Kafka's TransactionState, with its numbers).
type State int8

// The states. Those of the log go up to CompleteAbort; the others exist only as names, since nothing here waits in them.
const (
	// Empty ids have never had a transaction in their present epoch.
	Empty State = iota
	// Ongoing ids have a transaction to which partitions may be added.
	Ongoing
	// PrepareCommit ids have decided to commit; markers are on their way.
	PrepareCommit
	// PrepareAbort ids have decided to abort; markers are on their way.
	PrepareAbort
	// CompleteCommit ids have committed: every marker is written.
	CompleteCommit
	// CompleteAbort ids have aborted: every marker is written.
	CompleteAbort
	// Dead is what Apache Kafka calls an id that is being removed.
	Dead
	// PrepareEpochFence is what Apache Kafka calls an id whose producer is being fenced.
	PrepareEpochFence
)

// String returns Apache Kafka's name of the state.
func (s State) String() string {
	names := [...]string{
		"Empty", "Ongoing", "PrepareCommit", "PrepareAbort", "CompleteCommit", "CompleteAbort", "Dead", "PrepareEpochFence",
	}
	if s >= 0 && int(s) < len(names) {
		return names[s]
	}
	return "Unknown"
}

// KnownState reports whether there is a state of this name; ListTransactions names those that it does not know.
func KnownState(name string) bool {
	for s := Empty; s <= PrepareEpochFence; s++ {
		if s.String() == name {
			return true
		}
	}
	return false
}

// decided reports whether an outcome is decided whose markers are not all written.
func (s State) decided() bool { return s == PrepareCommit || s == PrepareAbort }

// outcome reports whether the state belongs to a transaction that ended, or is about to end, and in which way.
func (s State) outcome() (ended, commit bool) {
	switch s {
	case PrepareCommit, CompleteCommit:
		return true, true
	case PrepareAbort, CompleteAbort:
		return true, false
	default:
		return false, false
	}
}

func prepareState(commit bool) State {
	if commit {
		return PrepareCommit
	}
	return PrepareAbort
}
