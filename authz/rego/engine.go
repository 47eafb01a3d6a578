package rego

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// Config says where an engine's policies are, and what they may take.
type Config struct {
	Source Source
	// Allowed are functions of the language, by name, that policies may use beside those without side effects, such as http.send.
	Allowed []string
	Limits  Limits
	// Required, where set, tells the digest of the only policies that may come into force, in hexadecimal; "" lets any.
	Required func() string
	Clock    func() time.Time
	Logger   *slog.Logger
	// Changed, where set, is told of policies that have come into force, and of those that were refused.
	Changed func(Change)
}

// Change is a change of the policies.
type Change struct {
	// Digest is the SHA-256 of the files, in hexadecimal; "" where they could not be read.
	Digest string
	// Required is the digest of the policies that alone might come into force, "" where any might.
	Required string
	// Err says why they were refused: then those before stay in force.
	Err error
}

// Stats count what an engine has done.
type Stats struct {
	// Evaluations are those that were not in the cache; Undecided are those of them that failed or took too long, and so denied.
	Evaluations, Cached, Undecided uint64
	// Loaded, Refused and NotRequired are changes of the policies: in force, not right, and others than those that are required.
	Loaded, Refused, NotRequired uint64
	// LoadedAt is when the policies in force came into force.
	LoadedAt time.Time
	// Broken says that what is in the source was refused, or is not what is required.
	Broken bool
}

// Engine holds the policies in force. It is safe for concurrent use; deciding takes no lock.
type Engine struct {
	cfg     Config
	current atomic.Pointer[state]

	evaluations, cached, undecided, loaded, refused, notRequired atomic.Uint64
	broken                                                       atomic.Bool
	// questions are those that nobody asks at the moment: what a leaf is given is on the heap.
	questions sync.Pool

	// The rest is for whoever looks at the source: last is what it held at the last look, judged is what was last compiled or refused, and
	// judgedBy is what was required then.
	last, judged look
	judgedBy     string
}

// state is the policies that are in force since a time.
type state struct {
	*policy
	// epoch counts the states.
	epoch  uint64
	since  time.Time
	digest [sha256.Size]byte
}

// look is what was seen of the source.
type look struct {
	digest [sha256.Size]byte
	failed string
}

// ErrNotRequired says that policies are not those that are required.
var ErrNotRequired = errors.New("these are not the policies that are required")

// New returns an engine with the policies of its source. Policies that are not right, or not those that are required, are an error.
func New(ctx context.Context, cfg Config) (*Engine, error) {
	cfg.Limits = cfg.Limits.orDefault()
	e := &Engine{cfg: cfg}
	snapshot, err := cfg.Source.Read()
	if err != nil {
		return nil, err
	}
	e.last = look{digest: snapshot.Digest}
	e.judged, e.judgedBy = e.last, e.required()
	if err := e.load(ctx, snapshot); err != nil {
		return nil, err
	}
	return e, nil
}

// Run looks at the source for changes until ctx ends. A change counts when two looks in a row see the same, so that nothing half written is
// taken for a policy.
func (e *Engine) Run(ctx context.Context, interval time.Duration) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			e.Look(ctx)
		case <-ctx.Done():
			return
		}
	}
}

// Look looks once at the source, and at what is required. It is called by one goroutine at a time.
func (e *Engine) Look(ctx context.Context) {
	snapshot, err := e.cfg.Source.Read()
	now := look{digest: snapshot.Digest}
	if err != nil {
		now = look{failed: err.Error()}
	}
	settled, required := now == e.last, e.required()
	e.last = now
	if !settled || now == e.judged && required == e.judgedBy {
		return
	}
	before := e.judged
	e.judged, e.judgedBy = now, required
	if err == nil {
		err = e.judge(ctx, snapshot)
	}
	if errors.Is(err, errUnread) { // so the next look tries again; it is told of once
		if e.judged = (look{failed: err.Error()}); e.judged == before {
			return
		}
	}
	if err != nil {
		e.refuse(now, err)
	}
}

// judge puts a snapshot into force unless it is.
func (e *Engine) judge(ctx context.Context, snapshot Snapshot) error {
	if snapshot.Digest != e.current.Load().digest {
		return e.load(ctx, snapshot)
	}
	if err := e.check(snapshot); err != nil {
		return err
	}
	e.broken.Store(false)
	return nil
}

func (e *Engine) required() string {
	if e.cfg.Required == nil {
		return ""
	}
	return e.cfg.Required()
}

// check refuses a snapshot that is not what is required now.
func (e *Engine) check(snapshot Snapshot) error {
	if want := e.required(); want != "" && snapshot.digest() != want {
		return fmt.Errorf("%w: sha256 %s is required, the files have %s", ErrNotRequired, want, snapshot.digest())
	}
	return nil
}

// load compiles a snapshot and puts it into force. What is not required is not even compiled; and since a compilation takes its time,
// in which something else may come to be required, it is asked again after it.
func (e *Engine) load(ctx context.Context, snapshot Snapshot) (err error) {
	defer contain(&err)
	if err := e.check(snapshot); err != nil {
		return err
	}
	files, err := snapshot.Files()
	if err != nil {
		return err
	}
	p, err := newPolicy(ctx, files, e.cfg.Allowed, e.cfg.Limits)
	if err != nil {
		return err
	}
	if err := e.check(snapshot); err != nil {
		return err
	}
	next := &state{policy: p, epoch: 1, since: e.cfg.Clock(), digest: snapshot.Digest}
	if old := e.current.Load(); old != nil {
		next.epoch = old.epoch + 1
	}
	e.current.Store(next)
	e.loaded.Add(1)
	e.broken.Store(false)
	e.cfg.Logger.Info("policies are in force", "sha256", snapshot.digest(), "modules", len(files.Modules), "cached", p.cache != nil)
	e.tell(Change{Digest: snapshot.digest(), Required: e.required()})
	return nil
}

func (e *Engine) refuse(seen look, err error) {
	e.broken.Store(true)
	c := Change{Required: e.required(), Err: err}
	if seen.failed == "" {
		c.Digest = hex.EncodeToString(seen.digest[:])
	}
	if errors.Is(err, ErrNotRequired) {
		e.notRequired.Add(1)
		e.cfg.Logger.Warn("the files hold other policies than those that are required; those before stay in force",
			"sha256", c.Digest, "required", c.Required, "in_force", e.Digest())
	} else {
		e.refused.Add(1)
		e.cfg.Logger.Error("policies were refused; those before stay in force", "sha256", c.Digest, "error", err)
	}
	e.tell(c)
}

func (e *Engine) tell(c Change) {
	if e.cfg.Changed != nil {
		e.cfg.Changed(c)
	}
}

// question returns an empty question, to be given back by done.
func (e *Engine) question() *Question {
	if q, found := e.questions.Get().(*Question); found {
		return q
	}
	return &Question{}
}

// done gives back a question that nobody looks at any more.
func (e *Engine) done(q *Question) {
	*q = Question{}
	e.questions.Put(q)
}

// decide asks one state of the policies. An error is a denial; it is counted, and logged.
func (e *Engine) decide(s *state, q *Question) (o Outcome, fresh bool) {
	q.complete()
	o, fresh, err := s.decide(q)
	switch {
	case !fresh:
		e.cached.Add(1)
	case err != nil:
		e.evaluations.Add(1)
		// A client can bring about as many as it likes: the log has the first, the second, the fourth, and so on.
		if n := e.undecided.Add(1); n&(n-1) == 0 {
			e.cfg.Logger.Error("policies did not decide; it is denied", "principal", q.Who.Principal.String(), "operation", q.Op.String(),
				"resource", q.On.Name, "error", err, "so_far", n)
		}
		return Outcome{Reason: undecidedReason(err)}, true
	default:
		e.evaluations.Add(1)
	}
	return o, fresh
}

// try asks one state of the policies for the sake of the answer only: it is not counted, not logged, and neither taken from the cache nor
// put there, so that what is recorded when a question is evaluated is recorded when somebody does what was tried.
func (e *Engine) try(s *state, q *Question) Outcome {
	q.complete()
	o, err := s.evaluate(q)
	if err != nil {
		return Outcome{Reason: undecidedReason(err)}
	}
	return o
}

func undecidedReason(err error) string {
	if errors.Is(err, ErrTimeout) {
		return "undecided: took too long"
	}
	return clip(fmt.Sprintf("undecided: %v", err))
}

// Digest is the SHA-256 of the files of the policies in force, in hexadecimal.
func (e *Engine) Digest() string {
	s := e.current.Load()
	return hex.EncodeToString(s.digest[:])
}

// Stats are the counts so far.
func (e *Engine) Stats() Stats {
	return Stats{
		Evaluations: e.evaluations.Load(), Cached: e.cached.Load(), Undecided: e.undecided.Load(),
		Loaded: e.loaded.Load(), Refused: e.refused.Load(), NotRequired: e.notRequired.Load(), LoadedAt: e.current.Load().since, Broken: e.broken.Load(),
	}
}
