package simulation

import (
	"github.com/chronik-stream/chronik/broker/coordinator"
	"github.com/chronik-stream/chronik/broker/txn"
	"github.com/chronik-stream/chronik/test/history"
)

// disk keeps the logs.
type disk interface {
	// open opens the logs, at first and after a crash.
	open() error
	// crash loses some of what is not confirmed, and all that is in memory only.
	crash()
	// failed reports whether nothing can be read until it crashes.
	failed() bool
	// close ends everything.
	close()
	partition(at txn.TopicPartition) partition
}

// partition is one partition's log. What calls back does so when the record is confirmed, or never if the broker crashes.
type partition interface {
	// verify begins the verification of a transaction's first record; the guard is 0 where none is needed.
	verify(p *producing) (guard uint64, code int16)
	// produce appends a record of a transaction. It calls back with the offset, or at once with a code.
	produce(p *producing, guard uint64, reply func(answer))
	// take appends what a coordinator wants written; or it returns a code and has written nothing.
	take(a coordinator.Append, confirmed func()) int16
	// put appends a record of nobody.
	put(value string)
	// end is the next offset, confirmed the one up to which readers read, stable the one up to which read-committed readers do.
	end() int64
	confirmed() int64
	stable() int64
	// read returns the records of clients that a reader is given between two offsets.
	read(from, to int64, committed bool) []history.Record
	// replay yields what a coordinator has written, and markers.
	replay(yield func(coordinator.Entry) error) error
}

// places are the partitions of a world.
func (w *world) places() []txn.TopicPartition {
	var all []txn.TopicPartition
	for i := range accounts {
		all = append(all, account(i))
	}
	for i := range workers {
		all = append(all, orders(i))
	}
	all = append(all, offsetsPartition)
	for p := range w.draw.partitions {
		all = append(all, txn.TopicPartition{Topic: txn.Topic, Partition: p})
	}
	return all
}
