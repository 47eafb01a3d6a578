package server

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/goleak"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/auth/guard"
	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rules is an authorizer that allows all but what is denied.
type rules struct {
	mu     sync.Mutex
	epoch  uint64
	denied map[string]bool
}

func (r *rules) deny(names ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.epoch++
	next := map[string]bool{}
	for _, n := range names {
		next[n] = true
	}
	r.denied = next
}

func (r *rules) Pin() authz.View {
	r.mu.Lock()
	defer r.mu.Unlock()
	return ruleView{r.epoch, r.denied}
}

func (r *rules) Epoch() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.epoch
}

type ruleView struct {
	epoch  uint64
	denied map[string]bool
}

func (v ruleView) Epoch() uint64 { return v.epoch }

func (v ruleView) Decide(_ authz.Subject, _ authz.Operation, on authz.Resource) authz.Decision {
	return authz.Decision{Allowed: !v.denied[on.Name], Reason: "test"}
}

func (v ruleView) DecideAny(authz.Subject, authz.Operation, authz.ResourceType) authz.Decision {
	return authz.Decision{}
}

// record is a Recorder that keeps what it is told.
type record struct {
	mu       sync.Mutex
	sessions []*auth.Session
	failures []LoginFailure
	lockouts []Lockout
	denied   []authz.Need
	more     int
	ended    []string
	used     []toldUses
	refuse   error
}

// toldUses is what Used was told at once.
type toldUses struct {
	session  *auth.Session
	clientID string
	uses     []Use
}

func (r *record) Used(_ api.Conn, s *auth.Session, clientID string, uses []Use) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.used = append(r.used, toldUses{s, clientID, uses})
}

// usesTold is how often Used was called, and what it was told.
func (r *record) usesTold() []toldUses {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.used)
}

func (r *record) LoggedIn(_ api.Conn, s *auth.Session, _ bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sessions = append(r.sessions, s)
	return r.refuse
}

func (r *record) LoginFailed(_ api.Conn, f LoginFailure) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures = append(r.failures, f)
}

func (r *record) LockedOut(_ api.Conn, l Lockout) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lockouts = append(r.lockouts, l)
}

func (r *record) Denied(_ *api.Call, n authz.Need, _ authz.Decision, more int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.denied = append(r.denied, n)
	r.more += more
}

func (r *record) Disconnected(_ api.Conn, _ *auth.Session, reason string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = append(r.ended, reason)
}

func (r *record) lastFailure(t *testing.T) LoginFailure {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.failures) == 0 {
		t.Fatal("no failed log-in was recorded")
	}
	return r.failures[len(r.failures)-1]
}

// password is a mechanism whose one message is "user:password"; it first answers "who" to an empty message.
type password struct {
	name    string
	expires time.Time
}

func (p password) Name() string         { return p.name }
func (p password) Start() auth.Exchange { return &passwordExchange{mechanism: p} }

type passwordExchange struct {
	mechanism password
	user      string
}

func (e *passwordExchange) Step(_ context.Context, m []byte) ([]byte, *auth.Outcome, error) {
	if len(m) == 0 {
		return []byte("who"), nil, nil
	}
	user, word, _ := strings.Cut(string(m), ":")
	e.user = user
	if word != "right" {
		return nil, nil, auth.ErrBadCredential
	}
	return []byte("welcome"), &auth.Outcome{Principal: auth.User(user), Expires: e.mechanism.expires, Iterations: 4711, Proven: user + "@REALM"}, nil
}

func (e *passwordExchange) Claimed() string { return e.user }

// rig is a running server with its table of fake rows.
type rig struct {
	t      testing.TB
	server *Server
	rules  *rules
	record *record
	// now is what the server's clock says, behind its lock.
	clock struct {
		sync.Mutex
		now time.Time
	}
	// produce answers a Produce request; heartbeat one of Heartbeat.
	produce   func(context.Context, *api.Call) api.Answer
	heartbeat func(context.Context, *api.Call) api.Answer
}

func (r *rig) now() time.Time {
	r.clock.Lock()
	defer r.clock.Unlock()
	return r.clock.now
}

func (r *rig) advance(d time.Duration) {
	r.clock.Lock()
	defer r.clock.Unlock()
	r.clock.now = r.clock.now.Add(d)
}

func newRig(t testing.TB, listener Listener, change func(*Config)) *rig {
	t.Helper()
	r := &rig{t: t, rules: &rules{}, record: &record{}}
	r.clock.now = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	r.produce = func(_ context.Context, c *api.Call) api.Answer { return api.Now(c.Request.ResponseKind()) }
	r.heartbeat = r.produce
	table, err := api.NewTable(r.rows()...)
	if err != nil {
		t.Fatal(err)
	}
	metrics, err := NewMetrics(prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	if listener.Name == "" {
		listener.Name = "TEST"
	}
	listener.Addr = "127.0.0.1:0"
	cfg := Config{
		Listeners: []Listener{listener}, Table: table, Authorizer: r.rules, Recorder: r.record, Guard: lenient(t), RevokedBefore: func(auth.Principal) time.Time { return time.Time{} },
		Limits: Limits{FailedLoginDelay: time.Millisecond}, Clock: r.now,
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil)), Metrics: metrics,
	}
	if change != nil {
		change(&cfg)
	}
	if r.server, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	if err := r.server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.stop)
	return r
}

// lenient is a guard that delays next to nothing and locks nobody out.
func lenient(t testing.TB) *guard.Guard {
	t.Helper()
	return newGuard(t, guard.Config{First: time.Millisecond, Most: time.Millisecond, Lockout: time.Minute, Scope: guard.UserAddress})
}

func newGuard(t testing.TB, cfg guard.Config) *guard.Guard {
	t.Helper()
	g, err := guard.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func (r *rig) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := r.server.Shutdown(ctx); err != nil {
		r.t.Errorf("shutdown: %v", err)
	}
}

// rows are the three rows before log-in, Metadata (fails whole without the topic), Produce (overlapping), Fetch (rechecked)
// and Heartbeat.
func (r *rig) rows() []api.Row {
	row := func(key int16, name string, from, to int16, gate api.Gate, handle func(context.Context, *api.Call) api.Answer) api.Row {
		return api.Row{
			Key: key, Name: name, Min: from, Max: to, Gate: gate, MaxBytes: 1 << 20,
			Resolve: func(*api.Call) any { return nil },
			Needs:   func(*api.Call) authz.Needs { return authz.Needs{} },
			Refuse: func(c *api.Call, code int16) kmsg.Response {
				response := kmsg.NewPtrHeartbeatResponse()
				response.ErrorCode = code
				return response
			},
			Handle: handle,
		}
	}
	echo := func(_ context.Context, c *api.Call) api.Answer { return api.Now(c.Request.ResponseKind()) }
	topicNeed := func(*api.Call) authz.Needs {
		return authz.Needs{All: []authz.Need{{Op: authz.Read, On: authz.Resource{Type: authz.Topic, Name: "secret"}}}}
	}
	produce := row(0, "Produce", 3, 13, api.Authenticated, func(ctx context.Context, c *api.Call) api.Answer { return r.produce(ctx, c) })
	produce.Overlap, produce.MaxBytes = true, 100<<20
	metadata := row(3, "Metadata", 0, 13, api.Authenticated, echo)
	metadata.Needs = topicNeed
	heartbeat := row(12, "Heartbeat", 0, 4, api.Authenticated, func(ctx context.Context, c *api.Call) api.Answer { return r.heartbeat(ctx, c) })
	heartbeat.Recheck, heartbeat.Needs = true, topicNeed
	return []api.Row{
		produce, metadata, heartbeat,
		row(17, "SaslHandshake", 0, 1, api.BeforeLogin, handshakeRow),
		row(18, "ApiVersions", 0, 4, api.BeforeLogin, echo),
		row(36, "SaslAuthenticate", 0, 2, api.BeforeLogin, authenticateRow),
	}
}

func handshakeRow(_ context.Context, c *api.Call) api.Answer {
	response := kmsg.NewPtrSASLHandshakeResponse()
	response.ErrorCode = wire.IllegalSASLState
	if c.Login != nil {
		response.ErrorCode = c.Login.Choose(c.Request.(*kmsg.SASLHandshakeRequest).Mechanism, c.Version)
		response.SupportedMechanisms = c.Login.Mechanisms()
	}
	return api.Now(response)
}

func authenticateRow(ctx context.Context, c *api.Call) api.Answer {
	response := kmsg.NewPtrSASLAuthenticateResponse()
	response.ErrorCode = wire.IllegalSASLState
	if c.Login != nil {
		step := c.Login.Step(ctx, c.Request.(*kmsg.SASLAuthenticateRequest).SASLAuthBytes)
		response.ErrorCode, response.SASLAuthBytes = step.Code, step.Answer
		response.SessionLifetimeMillis = step.Lifetime.Milliseconds()
		if step.Message != "" {
			response.ErrorMessage = &step.Message
		}
	}
	return api.Now(response)
}

// client is a connection to a rig.
type client struct {
	t  testing.TB
	nc net.Conn
	in *bufio.Reader
	id int32
}

func (r *rig) dial() *client {
	r.t.Helper()
	nc, err := net.Dial("tcp", r.server.Addr(r.server.cfg.Listeners[0].Name).String())
	if err != nil {
		r.t.Fatal(err)
	}
	if err := nc.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = nc.Close() })
	return &client{t: r.t, nc: nc, in: bufio.NewReader(nc)}
}

func (c *client) write(b []byte) {
	c.t.Helper()
	if _, err := c.nc.Write(b); err != nil {
		c.t.Fatal(err)
	}
}

// ask sends a request and returns its correlation id.
func (c *client) ask(r kmsg.Request, version int16) int32 {
	c.t.Helper()
	c.id++
	r.SetVersion(version)
	c.write(kmsg.NewRequestFormatter(kmsg.FormatterClientID("test")).AppendRequest(nil, r, c.id))
	return c.id
}

func (c *client) frame() ([]byte, error) {
	var prefix [4]byte
	size, err := wire.ReadSize(c.in, &prefix, 1<<30)
	if err != nil {
		return nil, err
	}
	b := make([]byte, size)
	_, err = io.ReadFull(c.in, b)
	return b, err
}

// get reads the answer to a request that was asked with an id.
func (c *client) get(id int32, into kmsg.Response) {
	c.t.Helper()
	b, err := c.frame()
	if err != nil {
		c.t.Fatalf("no answer: %v", err)
	}
	if got := int32(b[0])<<24 | int32(b[1])<<16 | int32(b[2])<<8 | int32(b[3]); got != id {
		c.t.Fatalf("answer to request %d came, want %d", got, id)
	}
	b = b[4:]
	if into.IsFlexible() && into.Key() != keyAPIVersions {
		b = b[1:]
	}
	if err := into.ReadFrom(b); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) call(r kmsg.Request, version int16) kmsg.Response {
	c.t.Helper()
	id := c.ask(r, version)
	response := r.ResponseKind()
	c.get(id, response)
	return response
}

// closed fails the test unless the server has closed the connection without sending anything more.
func (c *client) closed() {
	c.t.Helper()
	b, err := c.frame()
	var timeout net.Error
	if err == nil {
		c.t.Fatalf("an answer came instead of the end: %x", b)
	}
	if errors.As(err, &timeout) && timeout.Timeout() {
		c.t.Fatal("the connection was not closed")
	}
}

func (c *client) handshake(mechanism string, version int16) *kmsg.SASLHandshakeResponse {
	c.t.Helper()
	r := kmsg.NewPtrSASLHandshakeRequest()
	r.Mechanism = mechanism
	return c.call(r, version).(*kmsg.SASLHandshakeResponse)
}

func (c *client) authenticate(message string) *kmsg.SASLAuthenticateResponse {
	c.t.Helper()
	r := kmsg.NewPtrSASLAuthenticateRequest()
	r.SASLAuthBytes = []byte(message)
	return c.call(r, 2).(*kmsg.SASLAuthenticateResponse)
}

func (c *client) logIn(user string) *client {
	c.t.Helper()
	if code := c.handshake("TEST", 1).ErrorCode; code != 0 {
		c.t.Fatalf("handshake: %s", wire.CodeName(code))
	}
	if code := c.authenticate(user + ":right").ErrorCode; code != 0 {
		c.t.Fatalf("log-in: %s", wire.CodeName(code))
	}
	return c
}

func saslListener() Listener {
	return Listener{Protocol: SASLPlaintext, Mechanisms: []auth.Mechanism{password{name: "TEST"}, password{name: "OTHER"}}}
}

func plainListener() Listener { return Listener{Protocol: Plaintext} }
