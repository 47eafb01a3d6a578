package config

// replicationKeys are the keys of replication.
func replicationKeys() []Key {
	return []Key{
		{Name: "broker.rack", Type: String, Null: true, Effect: ActedOn, Doc: "Rack of this broker. Clients are told it."},
		{Name: "num.replica.fetchers", Type: Int, Default: "1", Check: atLeast(1), Effect: Ignored, Doc: "Connections to each leader that replicas are fetched by."},
		{Name: "replica.fetch.backoff.ms", Type: Int, Default: "1000", Check: atLeast(0), Effect: Ignored, Doc: "Pause of a follower after an error, in milliseconds."},
		{Name: "replica.fetch.max.bytes", Type: Int, Default: "1048576", Check: atLeast(0), Effect: Ignored, Doc: "Most that a follower fetches of one partition, in bytes."},
		{Name: "replica.fetch.min.bytes", Type: Int, Default: "1", Effect: Ignored, Doc: "Least that a follower waits for, in bytes."},
		{Name: "replica.fetch.response.max.bytes", Type: Int, Default: "10485760", Check: atLeast(0), Effect: Ignored, Doc: "Most that a follower fetches at once, in bytes."},
		{Name: "replica.fetch.wait.max.ms", Type: Int, Default: "500", Effect: Ignored, Doc: "How long a follower waits for records, in milliseconds."},
		{Name: "replica.high.watermark.checkpoint.interval.ms", Type: Long, Default: "5000", Effect: Ignored, Doc: "How often high watermarks are written down. They follow from the journal."},
		{Name: "replica.lag.time.max.ms", Type: Long, Default: "30000", Effect: Ignored, Doc: "How long a follower may be behind and still be in sync, in milliseconds."},
		{Name: "replica.selector.class", Type: String, Null: true, Effect: Ignored, Doc: "Java class that picks the replica that a consumer reads from. It is the leader."},
		{Name: "replica.socket.receive.buffer.bytes", Type: Int, Default: "65536", Effect: Ignored, Doc: "Receive buffer of a follower's sockets."},
		{Name: "replica.socket.timeout.ms", Type: Int, Default: "30000", Effect: Ignored, Doc: "Time-out of a follower's requests, in milliseconds."},
		{Name: "unclean.leader.election.enable", Type: Boolean, Default: "false", Effect: Ignored, Doc: "Whether a replica may lead that is not in sync, at the loss of records. It may not."},
		{Name: "unclean.leader.election.interval.ms", Type: Long, Default: "300000", Check: atLeast(1), Internal: true, Effect: Ignored, Doc: "How often leaders that are not in sync are looked for."},
		{Name: "auto.leader.rebalance.enable", Type: Boolean, Default: "true", Effect: Ignored, Doc: "Whether leadership returns to the preferred replicas by itself."},
		{Name: "leader.imbalance.check.interval.seconds", Type: Long, Default: "300", Check: atLeast(1), Effect: Ignored, Doc: "How often that is looked at, in seconds."},
		{Name: "controlled.shutdown.enable", Type: Boolean, Default: "true", Effect: Ignored, Doc: "Whether a broker hands its leaderships over before it stops. It drains and stops cleanly in any case."},
		{Name: "delete.records.purgatory.purge.interval.requests", Type: Int, Default: "1", Effect: Ignored, Doc: "How often finished requests are cleared from the queue of deletions that wait."},
		{Name: "fetch.purgatory.purge.interval.requests", Type: Int, Default: "1000", Effect: Ignored, Doc: "How often finished requests are cleared from the queue of fetches that wait."},
		{Name: "producer.purgatory.purge.interval.requests", Type: Int, Default: "1000", Effect: Ignored, Doc: "How often finished requests are cleared from the queue of writes that wait."},
	}
}
