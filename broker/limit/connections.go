package limit

import "time"

// Numbers of connections and of requests on one.
const (
	// Connections is the default of max.connections. Apache Kafka leaves it unbounded; a connection costs about 40 KiB
	// here with TLS, so this is under half a gigabyte, and below the usual limit of 16,384 open files.
	Connections = 10_000
	// ConnectionsPerAddress is the default of max.connections.per.ip: many clients may share one address behind a NAT, but
	// one address must not take all.
	ConnectionsPerAddress = 2_500
	// InFlight is how many overlapping requests one connection may have waiting for their answers. Java's producer keeps
	// 5 by default and librdkafka as many as fit; beyond this the connection is no longer read.
	InFlight = 64
	// FramesBeforeLogin caps the requests of somebody who has not logged in: ApiVersions twice, a handshake, and the
	// tokens of the longest exchange (GSSAPI, 4) leave room for an odd client.
	FramesBeforeLogin = 32
	// SoftwareBytes is how much of a client's name of its software, and of the version, is kept with its connection. Anybody may send
	// 96 KiB of it; names in use have 30 bytes.
	SoftwareBytes = 128
)

// Times that a connection may take.
const (
	// Handshake bounds the TLS handshake: four round trips of a satellite link, with room for lost packets.
	Handshake = 10 * time.Second
	// Login bounds all from the accepted connection to the end of the log-in, Kerberos and directory look-ups included.
	Login = 30 * time.Second
	// Idle is the default of connections.max.idle.ms, as in Apache Kafka.
	Idle = 10 * time.Minute
	// FrameProgress bounds the wait for more of a frame that has begun, beside the time that FrameRate gives to its bytes.
	FrameProgress = 30 * time.Second
	// FetchWait bounds how long a fetch waits for records, whatever it asks: as long as Apache Kafka keeps a connection on which
	// nothing happens. Java's consumer asks for half a second.
	FetchWait = 10 * time.Minute
	// WriteProgress bounds the wait until WriteStep bytes of an answer are taken by the client's side.
	WriteProgress = 60 * time.Second
	// FailedLoginDelay is the default of connection.failed.authentication.delay.ms, as in Apache Kafka.
	FailedLoginDelay = 100 * time.Millisecond
	// ReauthInterval is the shortest time between two re-authentications, as in Apache Kafka's server.
	ReauthInterval = time.Second
	// RenewalGap keeps the first answer of a re-authentication apart from the answers before it. Java's client that finds both in one
	// read of TLS takes the first and then waits for more to arrive, until the request that began with it times out (30 s). A client on
	// a processor that is not overloaded has read the first by then.
	RenewalGap = 50 * time.Millisecond
	// RevokedAnswer is how long whoever has revoked himself may wait to be told so: a revoked session ends within a second.
	RevokedAnswer = 800 * time.Millisecond
	// RulesLook is how often it is looked whether the rules have changed without anybody having told so: rules that look at the time
	// do. A change counts for requests that wait within a second.
	RulesLook = 250 * time.Millisecond
	// RulesPause is how long a search of what waits for what has lost its rights is apart from the next one, at least: to look at
	// 10,000 requests takes some milliseconds, and a tool may change a thousand ACLs one by one.
	RulesPause = 20 * time.Millisecond
	// AcceptBackoffFirst and AcceptBackoffMost bound the pause after a failed accept (out of file descriptors).
	AcceptBackoffFirst = 5 * time.Millisecond
	AcceptBackoffMost  = time.Second
	// KeepAlive is how often an idle peer's host is probed, so that vanished ones end before Idle does.
	KeepAlive = 60 * time.Second
	// AbortWait is how long a shutdown waits for handlers after it has cancelled them.
	AbortWait = 5 * time.Second
)

// FrameRate is the slowest that a frame may arrive, in bytes per second: a poor mobile link. Slower frames would only hold
// memory that others wait for.
const FrameRate = 64 << 10

// WriteStep is how much of an answer is handed to the socket under one deadline, in bytes.
const WriteStep = 256 << 10
