package config

// quotaKeys are the keys of quotas. Those between brokers have nothing to do before there is more than one.
func quotaKeys() []Key {
	return []Key{
		{Name: "quota.window.num", Type: Int, Default: "11", Check: atLeast(1), Effect: ActedOn, Doc: "Samples that client quotas are measured over, the current one included. A client may begin with a burst of all but one of them."},
		{Name: "quota.window.size.seconds", Type: Int, Default: "1", Check: atLeast(1), Effect: ActedOn, Doc: "Length of one sample of client quotas, in seconds."},
		{Name: "controller.quota.window.num", Type: Int, Default: "11", Check: atLeast(1), Effect: ActedOn, Doc: "Samples of the quota of changes to metadata: together they are the burst that it allows."},
		{Name: "controller.quota.window.size.seconds", Type: Int, Default: "1", Check: atLeast(1), Effect: ActedOn, Doc: "Length of one sample of the quota of changes to metadata, in seconds."},
		{Name: "replication.quota.window.num", Type: Int, Default: "11", Check: atLeast(1), Effect: Ignored, Doc: "Samples of the throttles of replication. There is nothing to replicate to yet."},
		{Name: "replication.quota.window.size.seconds", Type: Int, Default: "1", Check: atLeast(1), Effect: Ignored, Doc: "Length of one sample of the throttles of replication, in seconds. There is nothing to replicate to yet."},
		{Name: "alter.log.dirs.replication.quota.window.num", Type: Int, Default: "11", Check: atLeast(1), Effect: Ignored, Doc: "Samples that the pace of moves between directories would be averaged over. It is kept to at any time."},
		{Name: "alter.log.dirs.replication.quota.window.size.seconds", Type: Int, Default: "1", Check: atLeast(1), Effect: Ignored, Doc: "Length of one sample of the pace of moves between directories, in seconds. It is kept to at any time."},
		{Name: "client.quota.callback.class", Type: Class, Null: true, Effect: Refused, Doc: "Java class that decides client quotas."},
		{Name: "leader.replication.throttled.rate", Type: Long, Default: "9223372036854775807", Check: atLeast(0), Internal: true, Update: ClusterWide, Effect: Ignored, Doc: "Pace at which a leader serves throttled followers, in bytes per second. There are no followers yet."},
		{Name: "follower.replication.throttled.rate", Type: Long, Default: "9223372036854775807", Check: atLeast(0), Internal: true, Update: ClusterWide, Effect: Ignored, Doc: "Pace at which a follower fetches throttled replicas, in bytes per second. There are no followers yet."},
		{Name: "replica.alter.log.dirs.io.max.bytes.per.second", Type: Long, Default: "9223372036854775807", Check: atLeast(0), Internal: true, Update: ClusterWide, Effect: ActedOn, Doc: "Pace of moves between directories, in bytes per second. With 0 they stand still."},
	}
}
