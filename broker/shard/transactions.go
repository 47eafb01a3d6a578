package shard

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/chronik-stream/chronik/broker/coordinator"
	"github.com/chronik-stream/chronik/broker/txn"
)

// TransactionsConfig is what the transaction coordinators need.
type TransactionsConfig struct {
	Transactions txn.Config
	// Level is the finalized transaction.version at first.
	Level int16
	// Partitions is the number of partitions that txn.Topic has now, 0 where there is none.
	Partitions func() int32
	// Do carries out a txn.WantProducerID or a txn.SendMarkers, as in Config.
	Do func(ctx context.Context, partition int32, what any) any
	// Clock tells the time; nil means time.Now.
	Clock  func() time.Time
	Logger *slog.Logger
	// Queue is as in Config.
	Queue int
	// Troubled is as in Config.
	Troubled func()
}

// Transactions are the transaction coordinators of this broker: one machine for each partition of txn.Topic that it leads.
type Transactions struct {
	*Host[txn.Request]
	// level is the finalized transaction.version.
	level atomic.Int32
}

// NewTransactions returns coordinators without partitions.
func NewTransactions(cfg TransactionsConfig) *Transactions {
	t := &Transactions{}
	t.level.Store(int32(cfg.Level))
	t.Host = New(Config[txn.Request]{
		New: func(_, epoch int32) Machine {
			level := int16(t.level.Load()) //nolint:gosec // it was stored as an int16
			now := cfg.Transactions
			now.MaxAppendBytes = int(t.maxAppend.Load())
			return txnMachine{txn.New(now, epoch, level), cfg.Logger}
		},
		Do:   cfg.Do,
		Name: txn.Topic, Partitions: cfg.Partitions,
		Clock: cfg.Clock, Logger: cfg.Logger, Queue: cfg.Queue, Troubled: cfg.Troubled,
		MaxAppendBytes: cfg.Transactions.MaxAppendBytes,
	})
	return t
}

// SendTxn hands a request to the coordinator of a transactional id.
func (t *Transactions) SendTxn(ctx context.Context, id string, q txn.Request) Wait {
	return t.SendTo(ctx, id, q)
}

// SetLevel tells every machine, those that come later as well, that the finalized transaction.version has changed.
func (t *Transactions) SetLevel(ctx context.Context, level int16) error {
	t.level.Store(int32(level))
	return t.Tell(ctx, txn.SetLevel{Level: level})
}

// SetMaxAppend tells every machine, those that come later as well, how many bytes of records a batch of the topic can hold now.
func (t *Transactions) SetMaxAppend(ctx context.Context, bytes int) error {
	return t.setMaxAppend(ctx, bytes, txn.SetMaxAppend{Bytes: bytes})
}

// txnMachine gives txn.Machine the shape of Machine. What a newer broker may have left in the log is skipped with a warning, as Apache
// Kafka does; so are markers, which end nothing here.
type txnMachine struct {
	*txn.Machine
	logger *slog.Logger
}

func (m txnMachine) Replay(e coordinator.Entry) error {
	if e.Marker != nil {
		return nil
	}
	err := m.Machine.Replay(e.Record)
	if errors.Is(err, txn.ErrUnknownVersion) {
		m.logger.Warn("a record of the transaction log is skipped", "error", err)
		return nil
	}
	return err
}
