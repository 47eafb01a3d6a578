package txn

import "github.com/chronik-stream/chronik/broker/wire"

// prepared is a decision that is to be acted on when its append is confirmed.
type prepared struct {
	seq uint64
	t   *transaction
}

func (m *Machine) sendPrepared() {
	ready := 0
	for ready < len(m.prepared) && m.prepared[ready].seq <= m.outbox.Confirmed() {
		m.send(m.prepared[ready].t)
		ready++
	}
	m.prepared = m.prepared[ready:]
	if len(m.prepared) == 0 {
		m.prepared = nil
	}
}

// send has the markers written that are missing.
func (m *Machine) send(t *transaction) {
	if len(t.partitions) == 0 {
		m.complete(t)
		return
	}
	_, commit := t.state.outcome()
	m.sending[m.outbox.Call(SendMarkers{
		TransactionalID: t.id, ProducerID: t.producer.ID, Epoch: t.producer.Epoch, Commit: commit,
		CoordinatorEpoch: m.coordinatorEpoch, Level: t.level, Partitions: t.sorted(),
	})] = t
}

// marked takes note of the markers that are written. Those that are not are sent again, for as long as it takes: the transaction is
// complete when all of them are there, and not before.
func (m *Machine) marked(t *transaction, result any) {
	results, _ := result.(Marked)
	fenced := false
	for _, r := range results {
		if r.written() {
			delete(t.partitions, r.TopicPartition)
		}
		fenced = fenced || r.fenced()
	}
	if len(t.partitions) == 0 {
		m.complete(t)
		return
	}
	t.pause = min(max(2*t.pause, m.cfg.MarkerRetryMin), m.cfg.MarkerRetryMax)
	if fenced {
		t.pause = m.cfg.MarkerRetryMax
	}
	m.schedule.addRetry(t, m.now.Add(t.pause))
}

// written reports whether nothing is left to do for a partition (Apache Kafka's TransactionMarkerRequestCompletionHandler).
func (r MarkedPartition) written() bool {
	switch r.Code {
	case wire.None, wire.UnsupportedForMessageFormat, wire.UnsupportedVersion:
		return true
	default:
		return r.Gone
	}
}

// fenced reports whether the partition knows a later epoch of the producer or of the coordinator. Apache Kafka gives the transaction up
// until the coordinator is loaded again; here it is tried again slowly, since to wait for ever is never right. When another coordinator
// has taken over, this machine is about to fail.
func (r MarkedPartition) fenced() bool {
	return r.Code == wire.InvalidProducerEpoch || r.Code == wire.TransactionCoordinatorFenced
}

// complete ends a transaction whose markers are all written.
func (m *Machine) complete(t *transaction) {
	next, state := t.afterwards(), CompleteAbort
	if t.state == PrepareCommit {
		state = CompleteCommit
	}
	t.enter(state, m.now)
	t.producer, t.nextID = next, none
	m.store(t)
}
