package broker

import (
	"context"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"time"

	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/chronik-stream/chronik/audit"
	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/fetchsession"
	"github.com/chronik-stream/chronik/broker/group"
	"github.com/chronik-stream/chronik/broker/handler"
	"github.com/chronik-stream/chronik/broker/httpd"
	"github.com/chronik-stream/chronik/broker/quota"
	"github.com/chronik-stream/chronik/broker/server"
	"github.com/chronik-stream/chronik/broker/storage"
	"github.com/chronik-stream/chronik/broker/txn"
)

const (
	// fetchSessionIdle is how long a fetch session keeps its place (Apache Kafka: FetchSession's 2 minutes).
	fetchSessionIdle = 2 * time.Minute
	// reopenInterval is how often partitions are opened again that could not be.
	reopenInterval = 5 * time.Second
	// createTimeout bounds the creation of a coordinators' topic.
	createTimeout = 30 * time.Second
)

// startServices starts what runs until the broker stops, and then opens the listeners.
func (b *Broker) startServices(ctx context.Context) error {
	b.startAudit(ctx)
	b.startPolicies(ctx)
	b.background(ctx, b.coordinators.run)
	b.background(ctx, func(ctx context.Context) { b.replicas.Retain(ctx, b.options.RetentionInterval) })
	b.background(ctx, b.watch)
	b.background(ctx, b.warmUpCache)
	b.background(ctx, b.reopen)
	b.background(ctx, b.replicas.Move)
	if err := b.startApprovals(ctx); err != nil {
		return err
	}
	if err := b.startCleaner(ctx); err != nil {
		return err
	}
	if err := b.startScrubber(ctx); err != nil {
		return err
	}
	if err := b.startServer(ctx); err != nil {
		return err
	}
	return b.startHTTP(ctx)
}

func (b *Broker) startAudit(ctx context.Context) {
	source := audit.Source{Version: b.options.Version, ClusterID: b.ClusterID(), NodeID: b.options.NodeID}
	log := &auditLog{replicas: b.replicas, clock: b.options.Clock}
	b.audit = audit.Start(audit.Config{
		Source: source, Log: log, OnFailure: b.options.AuditFailure, Budget: b.options.AuditBudget, Clock: b.options.Clock, Logger: b.logger,
	})
	b.registry.MustRegister(newAuditMetrics(b.audit))
	b.projector = newProjector(b.metadata, log, source, b.logger)
	b.store.Subscribe(b.projector.Follow)
	b.background(ctx, b.projector.run)
	start := audit.Lifecycle{Version: b.options.Version, Accesses: accessesSaid(b.options.AccessInterval), Approvals: b.options.Approvals.Operations}
	if err := b.audit.Record(ctx, start); err != nil {
		b.logger.Error("the start could not be recorded", "error", err)
	}
}

func (b *Broker) startServer(ctx context.Context) error {
	if err := b.startTokens(ctx); err != nil {
		return err
	}
	quotas, err := b.makeQuotas()
	if err != nil {
		return err
	}
	table, err := b.table(ctx, quotas)
	if err != nil {
		return err
	}
	metrics, err := server.NewMetrics(b.registry)
	if err != nil {
		return fmt.Errorf("register metrics: %w", err)
	}
	logins, err := b.guardLogins()
	if err != nil {
		return err
	}
	listeners, reloaders, err := serverListeners(b.options.Listeners, b.store, b.tokens)
	if err != nil {
		return err
	}
	b.reloaders = reloaders
	warnOfUnusable(b.store.Image(), b.logger)
	b.keepFresh(ctx, listeners)
	b.registry.MustRegister(newIssuerMetrics(listeners), newLDAPMetrics(listeners), newKeytabMetrics(listeners))
	s, err := server.New(server.Config{
		Listeners: listeners, Table: table, Authorizer: b.authorizer,
		Recorder: &recorder{audit: b.audit, clock: b.options.Clock, logger: b.logger},
		Guard:    logins, RevokedBefore: func(p auth.Principal) time.Time { return b.store.Image().RevokedBefore(p.String()) },
		Quotas: quotas, Limits: b.options.Limits, UsesInterval: b.options.AccessInterval, Clock: b.options.Clock, Logger: b.logger, Metrics: metrics,
	})
	if err != nil {
		return err
	}
	b.registry.MustRegister(newSessionMetrics(s.Sessions))
	b.startTokenExpiry(ctx, s)
	after := func(d time.Duration, f func()) { b.later(ctx, d, f) }
	b.store.Subscribe(endRevoked(s))
	b.store.Subscribe(tellOfACLs(s.RulesChanged))
	b.store.Subscribe(newRevocation(s, b.options.Listeners, b.options.RotationGrace, after).Follow)
	if err := b.startReloaders(ctx, s); err != nil {
		return err
	}
	if err := s.Start(); err != nil {
		return err
	}
	b.server = s
	return nil
}

// table makes the closed table of APIs.
func (b *Broker) table(ctx context.Context, quotas *quota.Manager) (*api.Table, error) {
	var table *api.Table
	entry := &handler.Entry{
		ClusterID: b.ClusterID(), NodeID: b.options.NodeID,
		Listed: func() *api.Table { return table },
		Features: func() (map[string]int16, int64) {
			img := b.store.Image()
			return img.Features(), int64(img.Index()) //nolint:gosec // an index is far below 2^63
		},
	}
	topics := &handler.Topics{Metadata: b.metadata, Defaults: b.topics, Draw: mathrand.IntN, Quotas: quotas, Creations: &handler.Creations{}, Approvals: b.options.Approvals}
	cluster := &handler.Cluster{
		Metadata: b.metadata, Topics: topics, ControllerID: b.controllerID, MaxDescribed: b.options.DescribedPartitions,
		Offline: func(topic string, partition int32) bool {
			r := b.replicas.Get(topic, partition)
			return r == nil || r.Online() != nil
		},
	}
	verification := &handler.Verification{
		Verifier: handler.LocalVerifier{Coordinator: b.transactions}, Pause: b.options.AddPause, Limit: b.options.AddLimit, Refused: b.work.metrics.refused,
	}
	records := &handler.Records{
		Image: b.store.Image, Replicas: b.replicas, Verification: verification,
		Sessions: fetchsession.NewCache(fetchsession.Config{
			Slots: b.options.FetchSessions, MinIdle: fetchSessionIdle, Clock: b.options.Clock,
		}),
		Changes: &changes{audit: b.audit}, Approvals: b.options.Approvals, Metadata: b.metadata, Quotas: quotas,
		Clock: b.options.Clock, MaxFetchBytes: b.options.MaxFetchBytes, Draining: b.draining,
	}
	groups := &handler.Groups{
		Coordinator: b.groups, Image: b.store.Image, Endpoint: b.endpoint, CreateTopic: b.createCoordinatorTopic(ctx),
		ConsumerSettings: b.options.ConsumerGroup, CommitTimeout: b.options.OffsetCommitTimeout, Changes: &changes{audit: b.audit},
	}
	matches, err := handler.NewTopicMatches()
	if err != nil {
		return nil, err
	}
	refusedRegex, err := newRefusedRegexes(b.registry, b.logger)
	if err != nil {
		return nil, err
	}
	consumers := &handler.ConsumerGroups{
		Groups: groups, Served: b.options.ConsumerGroups, Assignors: b.options.Group.Consumer.Assignors, RefusedRegex: refusedRegex,
		Matches: matches,
	}
	transactions := &handler.Transactions{
		Coordinator: b.transactions, Groups: groups, ProducerIDs: b.work.ids, Markers: b.work.markers, Verification: verification,
		Changes: &changes{audit: b.audit}, RefusedRegex: refusedRegex,
	}
	directories := &handler.Directories{Replicas: b.replicas, Changes: &changes{audit: b.audit}}
	security := &handler.Security{Metadata: b.metadata, NoAuthorizer: b.options.ACLsOff, Approvals: b.options.Approvals}
	var rows []api.Row
	for _, area := range [][]api.Row{
		entry.Rows(), topics.Rows(), cluster.Rows(), records.Rows(), directories.Rows(), groups.Rows(), consumers.Rows(), transactions.Rows(), security.Rows(), b.tokens.handler(b.metadata, &b.options.Approvals).Rows(), b.options.ConfigRows(b.metadata, b.rules()),
	} {
		rows = append(rows, area...)
	}
	table, err = api.NewTable(rows...)
	return table, err
}

func (b *Broker) controllerID() int32 {
	if b.quorum.IsLeader() {
		return b.options.NodeID
	}
	return -1
}

func (b *Broker) endpoint(nodeID int32, listener string) (host string, port int32, ok bool) {
	node := b.store.Image().Broker(nodeID)
	if node == nil {
		return "", 0, false
	}
	e, ok := node.Endpoint(listener)
	return e.Host, e.Port, ok
}

// createCoordinatorTopic returns a function that asks for a coordinators' topic and does not wait. One request for each is under way.
func (b *Broker) createCoordinatorTopic(ctx context.Context) func(topic string) {
	topics := map[string]InternalTopic{group.Topic: b.options.OffsetsTopic, txn.Topic: b.options.TransactionTopic}
	turns := map[string]chan struct{}{group.Topic: make(chan struct{}, 1), txn.Topic: make(chan struct{}, 1)}
	return func(topic string) {
		select {
		case turns[topic] <- struct{}{}:
		default:
			return
		}
		b.background(ctx, func(ctx context.Context) {
			defer func() { <-turns[topic] }()
			ctx, cancel := context.WithTimeout(ctx, createTimeout)
			defer cancel()
			if err := ensureTopic(ctx, b.metadata, topic, topics[topic], b.options.Clock()); err != nil {
				b.logger.Error("a topic of the coordinators can not be made", "topic", topic, "error", err)
			}
		})
	}
}

// startHTTP serves metrics and health.
func (b *Broker) startHTTP(ctx context.Context) error {
	if b.options.HTTPListen == "" {
		return nil
	}
	b.registry.MustRegister(newDirectoryMetrics(b.directories), collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	h, err := httpd.New(httpd.Config{
		Addr: b.options.HTTPListen, Logger: b.logger,
		Routes: []httpd.Route{httpd.Metrics(b.registry), httpd.Healthz(b.healthy), httpd.Readyz(b.serving), cacheRoute(b.cache.Stats), b.postureRoute(), b.sessionsRoute()},
	})
	if err != nil {
		return err
	}
	if err := h.Start(ctx); err != nil {
		return err
	}
	b.http = h
	return nil
}

var (
	errNotReady = errors.New("the broker is starting")
	errOffline  = errors.New("every log directory is offline")
)

// healthy says whether the process should go on living.
func (b *Broker) healthy(context.Context) error {
	if err := b.quorum.Err(); err != nil {
		return err
	}
	if b.online() == 0 {
		return errOffline
	}
	return nil
}

// serving says whether clients should be sent here.
func (b *Broker) serving(ctx context.Context) error {
	select {
	case <-b.ready:
		return b.healthy(ctx)
	default:
		return errNotReady
	}
}

func (b *Broker) online() int {
	n := 0
	for _, d := range b.directories {
		if d.Err() == nil {
			n++
		}
	}
	return n
}

// watch reports when the broker can not go on.
func (b *Broker) watch(ctx context.Context) {
	offline := make(chan *storage.Directory)
	for _, d := range b.directories {
		b.background(ctx, func(ctx context.Context) {
			select {
			case <-ctx.Done():
				return
			case <-d.Failed():
			}
			select {
			case <-ctx.Done():
			case offline <- d:
			}
		})
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-b.quorum.Failed():
			b.fail(fmt.Errorf("the metadata log failed: %w", b.quorum.Err()))
			return
		case d := <-offline:
			b.logger.Error("a log directory is offline; its partitions are not served", "directory", d.Path(), "error", d.Err())
			if b.online() == 0 {
				b.fail(fmt.Errorf("%w: %w", errOffline, d.Err()))
				return
			}
		}
	}
}

// reopen tries again what a full disk has kept from being opened.
func (b *Broker) reopen(ctx context.Context) {
	tick := time.NewTicker(reopenInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			b.replicas.Reopen(b.store.Image)
		}
	}
}

func (b *Broker) fail(err error) {
	select {
	case b.failed <- err:
	default:
	}
}
