package limit

// Sizes of frames and of what is decoded from them, in bytes.
const (
	// FrameBeforeLogin caps a frame from somebody who has not logged in. The largest honest one is a Kerberos token in a
	// SaslAuthenticate request: 64 KiB with the group list of a Windows domain, and some room for the header.
	FrameBeforeLogin = 96 << 10
	// FrameAfterLogin is the default of socket.request.max.bytes, Apache Kafka's own: a hundred 1 MiB batches.
	FrameAfterLogin = 100 << 20
	// FrameStep is how much is allocated for a frame before any of it has come; from there a buffer grows only as its
	// bytes arrive. It is one read of a busy socket, and larger than most requests.
	FrameStep = 64 << 10
	// FrameStepBeforeLogin is the same for somebody who has not logged in, whose honest frames fit into it.
	FrameStepBeforeLogin = 4 << 10
	// SmallFrame is the largest frame that never waits for memory, as long as it is its connection's only request: heartbeats,
	// commits and the fetches of a session. All connections together overdraw BytesInFlight by 40 MB at most with these.
	SmallFrame = 4 << 10
	// Response caps an answer. The length prefix could carry 2 GiB, but the largest that a client asks for by default is
	// a Fetch of 50 MiB, and Java's clients cannot hold a buffer beyond this.
	Response = 1 << 30

	// FetchBytes caps the records of all answers to Fetch together, from when they are read until the client has taken them. One
	// alone may have 50 MiB and its client may read it as slowly as WriteProgress lets it: ten clients would hold this much, a
	// thousand no machine's memory. Beyond it a fetch gets one batch.
	FetchBytes = 512 << 20

	// BytesInFlight is the default of queued.max.request.bytes: all requests that are being served, frames and decoded
	// structures together. Apache Kafka leaves it unbounded; a quarter of a gigabyte keeps two dozen of the largest
	// produce requests of Java's default client (1 MiB x 5 in flight) from each of dozens of connections.
	BytesInFlight = 256 << 20
	// BytesBeforeLogin is the same for all that have not logged in together, of what is beyond FrameStepBeforeLogin in each
	// frame. It is apart, so that strangers can use up no memory of clients; and log-ins by password need none of it.
	BytesBeforeLogin = 32 << 20
)

// Bounds of decoding. A request of 8 MiB can be made to decode into 640 MiB of structures, so the walk before it counts.
const (
	// DecodedBytesPerByte is how many bytes of structures one byte of a request may become. The worst that honest clients
	// send is Metadata with many names of three letters, at 13.
	DecodedBytesPerByte = 16
	// DecodedBase lets small requests be as dense as they like: a SaslHandshake is not worth refusing.
	DecodedBase = 16 << 10
	// DecodedMost caps the structures of one request, however large its frame is: about 400,000 fetched partitions.
	DecodedMost = 32 << 20
	// ArrayElements caps any one array. Apache Kafka's clusters end near a million partitions, of which one request
	// names a part.
	ArrayElements = 500_000
	// UnknownTags caps the tagged fields of one structure that this broker does not know (KIP-482). Kafka's richest
	// structure has eight of its own.
	UnknownTags = 16
	// NeedBytes is what one question to the authorizer takes with its answer, rounded up, so that a request that asks half a
	// million of them counts as what it is.
	NeedBytes = 512
	// NeedsAtHand is how many questions a connection has the memory for anyhow, as it has for its buffers: so many of a request are not
	// counted.
	NeedsAtHand = 4
	// DenialsPerRequest caps the audit events of denials that one request makes; the last one counts the others. A client that
	// subscribes to all the topics of an application stays below it, and an event is a hundred times what provokes it.
	DenialsPerRequest = 100
	// ClientIDBytes caps the client id, which goes into logs, metrics and audit events.
	ClientIDBytes = 1 << 10
)
