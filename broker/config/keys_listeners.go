package config

// listenerKeys are the keys of addresses, connections and requests.
func listenerKeys() []Key {
	return []Key{
		{Name: "listeners", Type: List, Default: "SASL_SSL://:9094", Effect: ActedOn, Doc: "Addresses to listen on, as NAME://host:port. An empty host means every interface. Where the name is no security protocol, listener.security.protocol.map says which one it speaks. Listeners named in controller.listener.names are recognised and not opened: a single node is its own controller."},
		{Name: "advertised.listeners", Type: List, Null: true, Effect: ActedOn, Doc: "Addresses that clients are told, as NAME://host:port, where they differ from listeners. Every name has to be one of listeners."},
		{Name: "listener.security.protocol.map", Type: String, Default: "SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT", Effect: ActedOn, Doc: "Security protocol of each listener name, as NAME:PROTOCOL."},
		{Name: "inter.broker.listener.name", Type: String, Null: true, Effect: ActedOn, Doc: "Listener that brokers use among themselves; it has to be one of listeners. Not together with security.inter.broker.protocol."},
		{Name: "security.inter.broker.protocol", Type: String, Default: "PLAINTEXT", Check: oneOf("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"), Effect: ActedOn, Doc: "Security protocol that brokers use among themselves, where no inter.broker.listener.name is given. A single node only checks that a listener speaks it when it is set."},
		{Name: "early.start.listeners", Type: List, Null: true, Effect: Ignored, Doc: "Listeners that open before start-up is complete. All listeners open when the broker is ready."},
		{Name: "socket.listen.backlog.size", Type: Int, Default: "50", Check: atLeast(1), Effect: Ignored, Doc: "Length of the queue of connections that are not accepted yet. The operating system's maximum is used."},
		{Name: "socket.receive.buffer.bytes", Type: Int, Default: "102400", Effect: Ignored, Doc: "Receive buffer of sockets. The operating system sizes it as it learns the path."},
		{Name: "socket.send.buffer.bytes", Type: Int, Default: "102400", Effect: Ignored, Doc: "Send buffer of sockets. The operating system sizes it as it learns the path."},
		{Name: "socket.request.max.bytes", Type: Int, Default: "104857600", Check: between(1024, 1073741824), Effect: ActedOn, Doc: "Largest request of a client that has logged in, in bytes."},
		{Name: "socket.connection.setup.timeout.ms", Type: Long, Default: "10000", Effect: Ignored, Doc: "First time-out of connections that the broker opens to others. A single node opens none."},
		{Name: "socket.connection.setup.timeout.max.ms", Type: Long, Default: "30000", Effect: Ignored, Doc: "Longest time-out of connections that the broker opens to others. A single node opens none."},
		{Name: "connection.failed.authentication.delay.ms", Type: Int, Default: "100", Check: atLeast(0), Effect: ActedOn, Doc: "Pause before a connection is closed whose log-in failed, in milliseconds; it has to be shorter than connections.max.idle.ms."},
		{Name: "connections.max.idle.ms", Type: Long, Default: "600000", Effect: ActedOn, Doc: "Time without a request after which a connection is closed, in milliseconds. A negative value means never."},
		{Name: "connections.max.reauth.ms", Type: Long, Default: "0", Effect: ActedOn, Doc: "Longest life of a SASL session before the client has to authenticate again, in milliseconds; 0 means without end. It may be set for one listener, for one mechanism, and for one mechanism of a listener."},
		{Name: "max.connections", Type: Int, Default: "10000", Check: atLeast(0), Effect: ActedOn, Doc: "Number of connections of all listeners together."},
		{Name: "max.connections.per.ip", Type: Int, Default: "2500", Check: atLeast(0), Effect: ActedOn, Doc: "Number of connections from one address."},
		{Name: "max.connections.per.ip.overrides", Type: String, Check: perAddress{}, Effect: ActedOn, Doc: "Other numbers of connections for single addresses, as address:number, separated by commas."},
		{Name: "max.connection.creation.rate", Type: Int, Default: "2147483647", Check: atLeast(0), Effect: Ignored, Doc: "Connections accepted per second. Handshakes are bounded by number and time instead."},
		{Name: "queued.max.requests", Type: Int, Default: "500", Check: atLeast(1), Effect: Ignored, Doc: "Number of requests that wait for a thread. Requests do not wait for threads here; queued.max.request.bytes bounds their memory."},
		{Name: "queued.max.request.bytes", Type: Long, Default: "268435456", Effect: ActedOn, Doc: "Memory of all requests that are being served, in bytes; beyond it connections are not read. A negative value or 0 means the default."},
		{Name: "num.network.threads", Type: Int, Default: "3", Check: atLeast(1), Effect: Ignored, Doc: "Threads that read and write sockets. There is no such pool: each connection has its own goroutines."},
		{Name: "num.io.threads", Type: Int, Default: "8", Check: atLeast(1), Effect: Ignored, Doc: "Threads that serve requests. There is no such pool: each connection has its own goroutines."},
		{Name: "background.threads", Type: Int, Default: "10", Check: atLeast(1), Effect: Ignored, Doc: "Threads for chores. There is no such pool."},
		{Name: "request.timeout.ms", Type: Int, Default: "30000", Effect: Ignored, Doc: "Time-out of requests that the broker sends to others. A single node sends none."},
		{Name: "max.request.partition.size.limit", Type: Int, Default: "2000", Check: atLeast(1), Effect: ActedOn, Doc: "Most partitions in one answer to DescribeTopicPartitions."},
		{Name: "fetch.max.bytes", Type: Int, Default: "57671680", Check: atLeast(1024), Effect: ActedOn, Doc: "Most bytes in one answer to a fetch."},
		{Name: "max.incremental.fetch.session.cache.slots", Type: Int, Default: "1000", Check: atLeast(0), Effect: ActedOn, Doc: "Number of incremental fetch sessions that are remembered."},
	}
}
