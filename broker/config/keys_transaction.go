package config

// transactionKeys are the keys of transactions.
func transactionKeys() []Key {
	return []Key{
		{Name: "transaction.max.timeout.ms", Type: Int, Default: "900000", Check: atLeast(1), Effect: ActedOn, Doc: "Longest time-out that a transactional producer may ask for, in milliseconds."},
		{Name: "transaction.abort.timed.out.transaction.cleanup.interval.ms", Type: Int, Default: "10000", Check: atLeast(1), Effect: ActedOn, Doc: "How often transactions are looked for that took too long, in milliseconds."},
		{Name: "transaction.remove.expired.transaction.cleanup.interval.ms", Type: Int, Default: "3600000", Check: atLeast(1), Effect: ActedOn, Doc: "How often expired transactional ids are looked for, in milliseconds."},
		{Name: "transaction.partition.verification.enable", Type: Boolean, Default: "true", Update: ClusterWide, Effect: ActedOn, Doc: "Whether the first batch of a transaction in a partition waits until the coordinator has confirmed that the partition belongs to it (KIP-890)."},
		{Name: "transaction.state.log.load.buffer.size", Type: Int, Default: "5242880", Check: atLeast(1), Effect: Ignored, Doc: "Size of reads while transactions are loaded, in bytes. Here it is 1 MiB."},
		{Name: "transaction.state.log.min.isr", Type: Int, Default: "2", Check: atLeast(1), Effect: ActedOn, Doc: "Replicas of __transaction_state that have to be in sync; where it has fewer, all of them."},
		{Name: "transaction.state.log.num.partitions", Type: Int, Default: "50", Check: atLeast(1), Effect: ActedOn, Doc: "Partitions of __transaction_state, when it is created."},
		{Name: "transaction.state.log.replication.factor", Type: Short, Default: "3", Check: atLeast(1), Effect: ActedOn, Doc: "Replicas of __transaction_state; while there are fewer brokers, as many as there are."},
		{Name: "transaction.state.log.segment.bytes", Type: Int, Default: "104857600", Check: atLeast(1), Effect: ActedOn, Doc: "Size of the segments of __transaction_state, in bytes."},
		{Name: "transaction.two.phase.commit.enable", Type: Boolean, Default: "false", Effect: Refused, Doc: "Whether producers may take part in two-phase commits (KIP-939), which are not served."},
		{Name: "transactional.id.expiration.ms", Type: Int, Default: "604800000", Check: atLeast(1), Effect: ActedOn, Doc: "Time after which an idle transactional id is forgotten, in milliseconds."},
		{Name: "add.partitions.to.txn.retry.backoff.max.ms", Type: Int, Default: "100", Check: atLeast(0), Effect: ActedOn, Doc: "How long the broker itself tries to add a partition to a transaction, in milliseconds."},
		{Name: "add.partitions.to.txn.retry.backoff.ms", Type: Int, Default: "20", Check: atLeast(1), Effect: ActedOn, Doc: "Longest pause between those attempts, in milliseconds; the first one is a sixteenth of it, and they double."},
	}
}
