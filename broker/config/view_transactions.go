package config

import "time"

// Transactions are the settings of transactions and their coordinators.
type Transactions struct {
	// MaxTimeout is transaction.max.timeout.ms.
	MaxTimeout time.Duration
	// AbortInterval is transaction.abort.timed.out.transaction.cleanup.interval.ms.
	AbortInterval time.Duration
	// IDExpiration is transactional.id.expiration.ms, ExpiryInterval is transaction.remove.expired.transaction.cleanup.interval.ms.
	IDExpiration   time.Duration
	ExpiryInterval time.Duration
	// AddPause is add.partitions.to.txn.retry.backoff.ms, AddLimit is add.partitions.to.txn.retry.backoff.max.ms.
	AddPause, AddLimit time.Duration
}

func (l *loader) transactions() {
	c := l.config
	c.Transactions = Transactions{
		MaxTimeout:    c.millis("transaction.max.timeout.ms"),
		AbortInterval: c.millis("transaction.abort.timed.out.transaction.cleanup.interval.ms"),
		IDExpiration:  c.millis("transactional.id.expiration.ms"), ExpiryInterval: c.millis("transaction.remove.expired.transaction.cleanup.interval.ms"),
		AddPause: c.millis("add.partitions.to.txn.retry.backoff.ms"), AddLimit: c.millis("add.partitions.to.txn.retry.backoff.max.ms"),
	}
	c.TransactionTopic = InternalTopic{
		Partitions:        int(c.long("transaction.state.log.num.partitions")),
		ReplicationFactor: int(c.long("transaction.state.log.replication.factor")),
		SegmentBytes:      c.long("transaction.state.log.segment.bytes"), MinISR: int(c.long("transaction.state.log.min.isr")),
	}
}
