package api

import (
	"context"
	"net/netip"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/authz"
)

// Conn says which connection a request came in by.
type Conn struct {
	// ID is unique within this run of the broker.
	ID uint64
	// Listener is the listener's name, such as SASL_SSL.
	Listener string
	// Host is the client's address.
	Host netip.Addr
}

// Call is one request on its way through the pipeline. It belongs to one goroutine at a time.
type Call struct {
	Conn Conn
	Key  int16
	// API is the row's name: Apache Kafka's of the API.
	API           string
	Version       int16
	CorrelationID int32
	// ClientID is what the client calls itself; "" where it sent none.
	ClientID string
	// SoftwareName and SoftwareVersion are what the connection's ApiVersions request said, "" before it (KIP-511).
	SoftwareName    string
	SoftwareVersion string
	Received        time.Time
	// Bytes is the size of the request, its header included.
	Bytes int
	// Session is nil before the log-in.
	Session *auth.Session
	// Login is the connection's log-in state, for the two SASL rows only; nil on listeners without SASL.
	Login Login
	// Request is the decoded body, its version set. Byte slices in it alias the frame and live as long as the call.
	Request kmsg.Request
	// Creates is what the request is to create of topics.
	Creates Creates
	// Resolved is what the row's Resolve returned.
	Resolved any
	// Room is empty room that the row's Needs may put needs together in; nil where none is lent.
	Room []authz.Need
	// Granted answers what the row's Needs asked, or, for its Resolve, what its Before asked. A row that overlaps has it
	// until its Handle returns.
	Granted *authz.Granted
}

// Creates says how many topics a request asks for, and how many others its principal has created in the last hour or is about to.
type Creates struct{ Asked, Others int }

// Subject is the caller as the authorizer sees him.
func (c *Call) Subject() authz.Subject {
	if c.Session == nil {
		return authz.Subject{Host: c.Conn.Host.String(), Request: c}
	}
	s := c.Session
	return authz.Subject{Principal: s.Principal, Host: s.Host.String(), Listener: s.Listener, Session: s, Request: c}
}

var _ authz.Request = (*Call)(nil)

// RequestFacts implements authz.Request.
func (c *Call) RequestFacts() authz.RequestFacts {
	return authz.RequestFacts{
		API: c.API, Key: c.Key, Version: c.Version, CorrelationID: c.CorrelationID, ClientID: c.ClientID,
		SoftwareName: c.SoftwareName, SoftwareVersion: c.SoftwareVersion, Connection: c.Conn.ID,
		TopicsAsked: c.Creates.Asked, TopicsCreated: c.Creates.Others,
	}
}

// Login is the log-in state of one connection, as the two SASL rows drive it.
type Login interface {
	// Mechanisms lists the enabled mechanisms of the listener.
	Mechanisms() []string
	// Choose begins an exchange; the code is a Kafka error code, 0 for success.
	Choose(mechanism string, handshakeVersion int16) (code int16)
	// Step takes the client's next SASL message.
	Step(ctx context.Context, message []byte) LoginStep
}

// LoginStep is the answer to one SASL message.
type LoginStep struct {
	// Code is a Kafka error code, 0 for success; any other ends the connection after the answer.
	Code    int16
	Message string
	Answer  []byte
	// Lifetime is how long the session may last before it has to authenticate again; 0 means without end (KIP-368).
	Lifetime time.Duration
}
