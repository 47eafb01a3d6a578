package config

// chronikKeys are the keys of what Apache Kafka has no name for.
func chronikKeys() []Key {
	return []Key{
		{Name: "chronik.allow.insecure", Type: Boolean, Default: "false", Effect: ActedOn, Doc: "Must be true before a listener without TLS may be on an address that is not loopback, or TLS or ACLs may be turned off."},
		{Name: "chronik.tls.enabled", Type: Boolean, Null: true, Effect: ActedOn, Doc: "true insists on TLS on every listener; false, which needs chronik.allow.insecure=true, makes the default of listeners SASL_PLAINTEXT."},
		{Name: "chronik.tls.cert", Type: String, Null: true, Effect: ActedOn, Doc: "PEM file with the certificate chain, leaf first; with chronik.tls.key a short form of ssl.keystore.*."},
		{Name: "chronik.tls.key", Type: String, Null: true, Effect: ActedOn, Doc: "PEM file with the private key of chronik.tls.cert."},
		{Name: "chronik.tls.ca", Type: String, Null: true, Effect: ActedOn, Doc: "PEM file with the authorities that sign client certificates; a short form of ssl.truststore.*."},
		{Name: "chronik.tls.reload.interval.ms", Type: Long, Default: "10000", Check: atLeast(-1), Effect: ActedOn, Doc: "How often the files of certificates and keys are looked at for changes, in milliseconds; a negative value means never."},
		{Name: "chronik.tls.handshake.timeout.ms", Type: Long, Default: "10000", Check: between(100, 600000), Effect: ActedOn, Doc: "Longest TLS handshake, in milliseconds."},
		{Name: "chronik.login.timeout.ms", Type: Long, Default: "30000", Check: between(100, 3600000), Effect: ActedOn, Doc: "Longest time from the accepted connection to the end of the log-in, in milliseconds."},
		{Name: "chronik.max.preauth.frame.bytes", Type: Int, Default: "98304", Check: between(1024, 1048576), Effect: ActedOn, Doc: "Largest request before the log-in, in bytes; the smaller one of this and sasl.server.max.receive.size counts."},
		{Name: "chronik.max.inflight.requests", Type: Int, Default: "64", Check: between(1, 10000), Effect: ActedOn, Doc: "Most requests of one connection that wait for their answers."},
		{Name: "chronik.acl.enabled", Type: Boolean, Default: "true", Effect: ActedOn, Doc: "Whether ACLs are enforced. false, which needs chronik.allow.insecure=true, lets everyone do everything who has logged in."},
		{Name: "chronik.authorizer.mode", Type: String, Default: "acl", Check: oneOf("acl"), Effect: ActedOn, Doc: "What decides who may do what. It is acl so far."},
		{Name: "chronik.sasl.plain.users.file", Type: String, Null: true, Effect: ActedOn, Doc: "File with the users of PLAIN, one name=password a line; the password may be a hash. Without it PLAIN checks the users of SCRAM."},
		{Name: "chronik.sasl.gssapi.keytab", Type: String, Null: true, Effect: Refused, Doc: "Keytab of the broker. GSSAPI is not served yet."},
		{Name: "chronik.sasl.gssapi.principal", Type: String, Null: true, Effect: Refused, Doc: "Kerberos name of the broker. GSSAPI is not served yet."},
		{Name: "chronik.flush.policy", Type: String, Default: "acks", Check: oneOf("acks", "interval", "os"), Effect: ActedOn, Doc: "When a write is confirmed: acks when it is on disk, interval when it is written and at most chronik.flush.interval.ms away from the disk, os when it is written."},
		{Name: "chronik.flush.interval.ms", Type: Long, Default: "100", Check: between(1, 3600000), Effect: ActedOn, Doc: "How often data is brought to disk with chronik.flush.policy=interval, in milliseconds."},
		{Name: "chronik.journal.bytes", Type: Long, Default: "268435456", Check: atLeast(1048576), Effect: ActedOn, Doc: "How much the journal of a log directory may hold before segments are brought to disk, in bytes. It bounds the time that a replay takes."},
		{Name: "chronik.segment.cache.files", Type: Int, Default: "8192", Check: between(16, 1<<24), Effect: ActedOn, Doc: "How many files of segments are open at most. It is lowered to half of the files that the process may open (ulimit -n); the rest is for connections."},
		{Name: "chronik.segment.cache.index.bytes", Type: Long, Default: "134217728", Check: atLeast(4096), Effect: ActedOn, Doc: "How much of the segments' indexes is in memory at most, in bytes."},
		{Name: "chronik.segment.cache.policy", Type: String, Default: "lru", Check: oneOf("lru", "lfu"), Effect: ActedOn, Doc: "What the segment cache gives up when it is full: lru, what was not used for the longest time; lfu, what is used least often, so that one long read of old data does not displace what is read all the time."},
		{Name: "chronik.segment.cache.ttl.ms", Type: Long, Default: "600000", Check: atLeast(0), Effect: ActedOn, Doc: "How long files and indexes of segments that nobody uses stay open and in memory, in milliseconds; 0 means until the room is needed."},
		{Name: "chronik.segment.cache.warmup", Type: Int, Default: "1", Check: between(0, 10000), Effect: ActedOn, Doc: "How many of the newest segments of each partition are opened in the background after a start, until half of the segment cache is full; 0 means none."},
		{Name: "chronik.record.validation", Type: String, Default: "full", Check: oneOf("full", "header"), Effect: ActedOn, Doc: "full walks all records of a client's batch; header checks its header and CRC."},
		{Name: "chronik.audit.on.failure", Type: String, Default: "deny", Check: oneOf("deny", "allow"), Effect: ActedOn, Doc: "What happens when an event can not be audited: deny refuses the request, allow goes on, and the gap becomes an event."},
		{Name: "chronik.http.listen", Type: String, Default: "127.0.0.1:9095", Check: hostPort{}, Effect: ActedOn, Doc: "Address of metrics and health, as host:port; empty means nowhere."},
		{Name: "chronik.log.format", Type: String, Default: "text", Check: oneOf("text", "json"), Effect: ActedOn, Doc: "Form of the log: text or json."},
		{Name: "chronik.log.level", Type: String, Default: "info", Check: oneOf("debug", "info", "warn", "error"), Effect: ActedOn, Doc: "Least level of the log: debug, info, warn or error."},
		{Name: "chronik.shutdown.timeout.ms", Type: Long, Default: "30000", Check: between(0, 3600000), Effect: ActedOn, Doc: "Longest time that requests may take to end at a shutdown, in milliseconds."},
		{Name: "chronik.schema.registry.enabled", Type: Boolean, Default: "false", Effect: Refused, Doc: "Whether the schema registry is served. It is not served yet."},
		{Name: "chronik.schema.registry.port", Type: Int, Default: "8081", Check: between(1, 65535), Effect: Refused, Doc: "Port of the schema registry. It is not served yet."},
		{Name: "chronik.schema.compatibility", Type: String, Default: "BACKWARD", Effect: Refused, Doc: "Compatibility that schemas have by default. The schema registry is not served yet."},
	}
}
