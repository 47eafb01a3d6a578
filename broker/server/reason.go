package server

// reason says why a connection ended; it is the label of a counter.
type reason string

const (
	reasonClient   reason = "client"        // the client closed it
	reasonIdle     reason = "idle"          // connections.max.idle.ms
	reasonSlow     reason = "slow"          // half a frame, or an answer that is not taken
	reasonTLS      reason = "tls"           // the handshake failed
	reasonLogin    reason = "login"         // a failed log-in, or none in time
	reasonGate     reason = "before_login"  // a request that needs a log-in
	reasonRequest  reason = "malformed"     // not the Kafka protocol, or beyond its bounds
	reasonVersion  reason = "version"       // an API or version that is not served
	reasonExpired  reason = "expired"       // the session's time was over
	reasonRevoked  reason = "revoked"       // CloseSessions
	reasonHandler  reason = "handler"       // Answer.Close
	reasonShutdown reason = "shutdown"      // the server drains
	reasonFault    reason = "fault"         // a recovered panic
	reasonUnsent   reason = "write"         // the answer could not be sent
	reasonMemory   reason = "request_bytes" // queued.max.request.bytes stayed used up
)
