package config

// tieredKeys are the keys of tiered storage, which does not exist here.
func tieredKeys() []Key {
	return []Key{
		{Name: "remote.fetch.max.wait.ms", Type: Int, Default: "500", Check: atLeast(1), Effect: Ignored, Doc: "Longest wait for a fetch from tiered storage, in milliseconds."},
		{Name: "remote.list.offsets.request.timeout.ms", Type: Long, Default: "30000", Check: atLeast(1), Effect: Ignored, Doc: "Longest wait for an offset from tiered storage, in milliseconds."},
		{Name: "remote.log.index.file.cache.total.size.bytes", Type: Long, Default: "1073741824", Check: atLeast(1), Effect: Ignored, Doc: "Disk for cached indexes of tiered segments, in bytes."},
		{Name: "remote.log.index.file.cache.ttl.ms", Type: Long, Default: "900000", Check: atLeast(-1), Internal: true, Effect: Ignored, Doc: "Life of cached indexes of tiered segments, in milliseconds."},
		{Name: "remote.log.manager.copier.thread.pool.size", Type: Int, Default: "10", Check: atLeast(1), Effect: Ignored, Doc: "Threads that copy to tiered storage."},
		{Name: "remote.log.manager.copy.max.bytes.per.second", Type: Long, Default: "9223372036854775807", Check: atLeast(1), Effect: Ignored, Doc: "Pace of copies to tiered storage."},
		{Name: "remote.log.manager.copy.quota.window.num", Type: Int, Default: "11", Check: atLeast(1), Effect: Ignored, Doc: "Samples of the pace of copies."},
		{Name: "remote.log.manager.copy.quota.window.size.seconds", Type: Int, Default: "1", Check: atLeast(1), Effect: Ignored, Doc: "Length of one sample of the pace of copies, in seconds."},
		{Name: "remote.log.manager.expiration.thread.pool.size", Type: Int, Default: "10", Check: atLeast(1), Effect: Ignored, Doc: "Threads that delete from tiered storage."},
		{Name: "remote.log.manager.fetch.max.bytes.per.second", Type: Long, Default: "9223372036854775807", Check: atLeast(1), Effect: Ignored, Doc: "Pace of reads from tiered storage."},
		{Name: "remote.log.manager.fetch.quota.window.num", Type: Int, Default: "11", Check: atLeast(1), Effect: Ignored, Doc: "Samples of the pace of reads."},
		{Name: "remote.log.manager.fetch.quota.window.size.seconds", Type: Int, Default: "1", Check: atLeast(1), Effect: Ignored, Doc: "Length of one sample of the pace of reads, in seconds."},
		{Name: "remote.log.manager.follower.thread.pool.size", Type: Int, Default: "2", Check: atLeast(1), Effect: Ignored, Doc: "Threads that serve followers from tiered storage."},
		{Name: "remote.log.manager.task.interval.ms", Type: Long, Default: "30000", Check: atLeast(1), Effect: Ignored, Doc: "How often work for tiered storage is looked for, in milliseconds."},
		{Name: "remote.log.manager.task.retry.backoff.max.ms", Type: Long, Default: "30000", Check: atLeast(1), Internal: true, Effect: Ignored, Doc: "Longest pause between attempts, in milliseconds."},
		{Name: "remote.log.manager.task.retry.backoff.ms", Type: Long, Default: "500", Check: atLeast(1), Internal: true, Effect: Ignored, Doc: "First pause between attempts, in milliseconds."},
		{Name: "remote.log.manager.task.retry.jitter", Type: Double, Default: "0.2", Check: fraction(0, 0.5), Internal: true, Effect: Ignored, Doc: "Random part of the pause."},
		{Name: "remote.log.manager.thread.pool.size", Type: Int, Default: "2", Check: atLeast(1), Effect: Ignored, Doc: "Threads of tiered storage."},
		{Name: "remote.log.metadata.custom.metadata.max.bytes", Type: Int, Default: "128", Check: atLeast(0), Effect: Ignored, Doc: "Most that a storage plugin may note about a segment, in bytes."},
		{Name: "remote.log.metadata.manager.class.name", Type: String, Default: "org.apache.kafka.server.log.remote.metadata.storage.TopicBasedRemoteLogMetadataManager", Effect: Ignored, Doc: "Java class that keeps track of tiered segments."},
		{Name: "remote.log.metadata.manager.class.path", Type: String, Null: true, Effect: Ignored, Doc: "Where Java finds that class."},
		{Name: "remote.log.metadata.manager.impl.prefix", Type: String, Default: "rlmm.config.", Effect: Ignored, Doc: "Prefix of the keys for that class."},
		{Name: "remote.log.metadata.manager.listener.name", Type: String, Null: true, Effect: Ignored, Doc: "Listener that class connects to."},
		{Name: "remote.log.reader.max.pending.tasks", Type: Int, Default: "100", Check: atLeast(1), Effect: Ignored, Doc: "Most reads that wait for tiered storage."},
		{Name: "remote.log.reader.threads", Type: Int, Default: "10", Check: atLeast(1), Effect: Ignored, Doc: "Threads that read from tiered storage."},
		{Name: "remote.log.storage.manager.class.name", Type: String, Null: true, Effect: Ignored, Doc: "Java class that stores segments."},
		{Name: "remote.log.storage.manager.class.path", Type: String, Null: true, Effect: Ignored, Doc: "Where Java finds that class."},
		{Name: "remote.log.storage.manager.impl.prefix", Type: String, Default: "rsm.config.", Effect: Ignored, Doc: "Prefix of the keys for that class."},
		{Name: "remote.log.storage.system.enable", Type: Boolean, Default: "false", Effect: Ignored, Doc: "Whether there is tiered storage. There is none: all data stays in the log directories."},
		{Name: "follower.fetch.last.tiered.offset.enable", Type: Boolean, Default: "false", Effect: Ignored, Doc: "Whether a new follower starts at the last tiered offset."},
	}
}
