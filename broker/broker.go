package broker

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/chronik-stream/chronik/audit"
	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/authz/acl"
	"github.com/chronik-stream/chronik/authz/rego"
	"github.com/chronik-stream/chronik/broker/controller"
	"github.com/chronik-stream/chronik/broker/doctor"
	"github.com/chronik-stream/chronik/broker/group"
	"github.com/chronik-stream/chronik/broker/handler"
	"github.com/chronik-stream/chronik/broker/httpd"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/quorum"
	"github.com/chronik-stream/chronik/broker/record"
	"github.com/chronik-stream/chronik/broker/replica"
	"github.com/chronik-stream/chronik/broker/server"
	"github.com/chronik-stream/chronik/broker/shard"
	"github.com/chronik-stream/chronik/broker/storage"
	"github.com/chronik-stream/chronik/broker/txn"
	"github.com/chronik-stream/chronik/broker/vfs"
	"github.com/chronik-stream/chronik/tls"
)

// Broker is one running broker. Start and Shutdown are each called once.
type Broker struct {
	options Options
	logger  *slog.Logger

	clusterID    string
	topics       TopicRules
	cache        *storage.SegmentCache
	directories  []*storage.Directory
	store        *meta.Store
	quorum       *quorum.Quorum
	metadata     *metadataLog
	authorizer   authz.Authorizer
	policies     *rego.Engine // nil without policies
	replicas     *replica.Set
	movePace     *storage.MovePace
	groups       *shard.Groups
	transactions *shard.Transactions
	work         *transactionWork
	coordinators *coordinators
	tokens       *tokens
	audit        *audit.Recorder
	projector    *projector
	reloaders    map[string]*tls.Reloader
	server       *server.Server
	http         *httpd.Server
	registry     *prometheus.Registry

	defaultPasswords doctor.Trial

	// draining is closed by drainNow, when the broker begins to shut down.
	draining <-chan struct{}
	drainNow context.CancelFunc

	stop   context.CancelFunc // ends the goroutines below
	ended  sync.WaitGroup
	failed chan error
	ready  chan struct{}
}

// New returns a broker that is not started.
func New(o Options) *Broker {
	draining, drainNow := context.WithCancel(context.Background())
	if o.Files == nil {
		o.Files = vfs.OS{}
	}
	return &Broker{
		options: o, logger: o.Logger, store: meta.NewStore(), registry: prometheus.NewRegistry(),
		draining: draining.Done(), drainNow: drainNow,
		failed: make(chan error, 1), ready: make(chan struct{}),
	}
}

// Start brings the broker up, step by step; when it returns nil the listeners serve. After an error what was started is stopped.
func (b *Broker) Start(ctx context.Context) error {
	background, stop := context.WithCancel(context.Background())
	b.stop = stop
	steps := []func(context.Context) error{
		b.makeCache, b.openDirectories, b.openMetadata, b.startReplicas, b.register, b.finalizeFeatures, b.makeTopics,
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return errors.Join(err, b.Shutdown(context.Background()))
		}
	}
	if err := b.startServices(background); err != nil {
		return errors.Join(err, b.Shutdown(context.Background()))
	}
	close(b.ready)
	return nil
}

// openMetadata opens the metadata log; the image is current when it returns.
func (b *Broker) openMetadata(ctx context.Context) error {
	q, err := quorum.Open(ctx, quorum.Config{Dir: b.options.MetadataDir, NodeID: b.options.NodeID, Machine: b.store, Logger: b.logger})
	if err != nil {
		return err
	}
	b.quorum, b.metadata = q, &metadataLog{Store: b.store, quorum: q, room: b.metadataRoom}
	if id := b.store.Image().ClusterID(); id != b.clusterID {
		return fmt.Errorf("%w: the log directories are of cluster %s, the metadata log of %s", ErrOtherNode, b.clusterID, id)
	}
	return b.store.Image().CheckFeatures()
}

// startReplicas opens the partitions and the authorizer, which follow the metadata from here on.
func (b *Broker) startReplicas(ctx context.Context) error {
	b.topics = b.options.Topics(b.store.Image)
	acls := acl.New(acl.Config{SuperUsers: b.options.SuperUsers, SuperUsersBy: superUsersBy(b.options.Listeners), AllowIfNoACL: b.options.AllowIfNoACL})
	if err := b.makeAuthorizer(ctx, acls); err != nil {
		return err
	}
	metrics, err := replica.NewMetrics(b.registry)
	if err != nil {
		return err
	}
	b.movePace = storage.NewMovePace(b.topics.MoveBytesPerSecond())
	if err := registerMoves(b.registry, b.movePace); err != nil {
		return err
	}
	b.replicas = replica.NewSet(replica.Config{
		NodeID: b.options.NodeID, Directories: b.directories, Walker: record.NewWalker(), Settings: b.topics.ReplicaSettings, MovePace: b.movePace,
		Metrics: metrics, Clock: b.options.Clock, Logger: b.logger,
	})
	troubled, err := newCoordinatorMetrics(b.registry)
	if err != nil {
		return err
	}
	b.groups = shard.NewGroups(shard.GroupsConfig{
		Group: b.options.Group, Partitions: b.partitionsOf(group.Topic), Clock: b.options.Clock, Logger: b.logger,
		Troubled: troubled.WithLabelValues(group.Topic).Inc,
	})
	if err := b.makeTransactions(troubled.WithLabelValues(txn.Topic).Inc); err != nil {
		return err
	}
	b.coordinators = newCoordinators(b.options.NodeID, b.store, b.groups, b.transactions, b.replicas, b.topics.ReplicaSettings, b.logger)
	b.replicas.RemoveStrays(b.store.Image())
	b.store.Subscribe(feedAuthorizer(acls))
	b.store.Subscribe(b.replicas.Follow)
	b.store.Subscribe(b.followDefaults)
	b.store.Subscribe(b.coordinators.Follow)
	return nil
}

// makeTransactions makes the coordinators of transactions, without partitions, and what they call for. troubled counts requests that they
// refuse for no fault of the client.
func (b *Broker) makeTransactions(troubled func()) error {
	metrics, err := newTransactionMetrics(b.registry)
	if err != nil {
		return err
	}
	b.work = &transactionWork{
		ids: handler.NewProducerIDs(b.metadata, b.options.NodeID), image: b.store.Image, metrics: metrics, logger: b.logger,
		markers: &handler.Markers{
			Partitions: handler.Partitions{Image: b.store.Image, Replicas: b.replicas}, Groups: b.groups, Clock: b.options.Clock,
		},
	}
	b.transactions = shard.NewTransactions(shard.TransactionsConfig{
		Transactions: b.options.Transactions, Level: transactionLevel(b.store.Image()), Partitions: b.partitionsOf(txn.Topic), Do: b.work.do,
		Clock: b.options.Clock, Logger: b.logger, Troubled: troubled,
	})
	if err := b.registry.Register(newTransactionStates(b.transactions)); err != nil {
		return fmt.Errorf("register metrics: %w", err)
	}
	return nil
}

// followDefaults gives topics their settings anew when what they inherit from the broker has changed, and moves their pace.
func (b *Broker) followDefaults(_, next *meta.Image, d meta.Delta) {
	for _, key := range d.ConfigsChanged {
		if key.Type == meta.BrokerConfig {
			b.movePace.Set(b.topics.MoveBytesPerSecond())
			b.replicas.Reconfigure(next)
			return
		}
	}
}

// register tells the cluster that this process is the node now: leader epochs begin anew.
func (b *Broker) register(ctx context.Context) error {
	r := meta.Broker{ID: b.options.NodeID, Rack: b.options.Rack, Cordoned: len(b.options.CordonedDirs) == len(b.options.LogDirs)}
	_, _ = rand.Read(r.Incarnation[:]) // never fails
	for _, l := range b.options.Listeners {
		r.Endpoints = append(r.Endpoints, meta.Endpoint{
			Listener: l.Name, Protocol: l.Protocol, Host: l.AdvertisedHost, Port: l.AdvertisedPort,
		})
	}
	_, err := b.metadata.Propose(ctx, &meta.RegisterBroker{Broker: r})
	return err
}

// makeTopics makes the audit topic, which has to be there before the first log-in.
func (b *Broker) makeTopics(ctx context.Context) error {
	forever := map[string]string{"retention.ms": "-1", "retention.bytes": "-1", "max.message.bytes": auditBatchBytes}
	return ensureTopic(ctx, b.metadata, controller.AuditTopic, InternalTopic{Partitions: 1, Factor: b.options.OffsetsTopic.Factor, Configs: forever}, b.options.Clock())
}

// partitionsOf returns a function that counts a topic's partitions, 0 where it does not exist.
func (b *Broker) partitionsOf(topic string) func() int32 {
	return func() int32 {
		if t := b.store.Image().Topic(topic); t != nil {
			return int32(len(t.Partitions)) //nolint:gosec // partitions are far below 2^31
		}
		return 0
	}
}

// background runs a function until the broker stops.
func (b *Broker) background(ctx context.Context, run func(context.Context)) {
	b.ended.Add(1)
	go func() {
		defer b.ended.Done()
		run(ctx)
	}()
}

// later calls a function after a time, unless the broker stops before.
func (b *Broker) later(ctx context.Context, d time.Duration, run func()) {
	b.background(ctx, func(ctx context.Context) {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
			run()
		case <-ctx.Done():
		}
	})
}

// Failed gets the reason when the broker can not go on: its metadata log can not be followed, or every log directory is offline.
func (b *Broker) Failed() <-chan error { return b.failed }

// Addr is the address that a listener is bound to.
func (b *Broker) Addr(listener string) net.Addr { return b.server.Addr(listener) }

// ClusterID is the cluster's id, once Start has returned.
func (b *Broker) ClusterID() string { return b.clusterID }

// auditFlush bounds the wait for the last audit events at shutdown.
const auditFlush = 10 * time.Second

// Shutdown stops the broker: no new connections, the requests under way are answered until ctx ends, and what was acknowledged
// is on disk. It may be called after a failed Start.
func (b *Broker) Shutdown(ctx context.Context) error {
	var errs []error
	if b.http != nil {
		errs = append(errs, b.http.Shutdown(ctx))
	}
	if b.server != nil {
		errs = append(errs, b.drain(ctx))
	}
	b.closeCoordinators()
	for _, r := range b.reloaders {
		r.Stop()
	}
	if b.audit != nil {
		patience := auditFlush
		if b.online() == 0 {
			patience = 0 // there is nothing to wait for
		}
		flush, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
		errs = append(errs, b.audit.Record(flush, audit.Lifecycle{Stopping: true, Version: b.options.Version}), b.audit.Close(flush))
		cancel()
	}
	b.stop()
	b.ended.Wait()
	if b.quorum != nil {
		errs = append(errs, b.quorum.Close())
	}
	for _, d := range b.directories {
		errs = append(errs, d.Close())
	}
	return errors.Join(errs...)
}

// closeCoordinators ends the coordinators: transactions first, since their markers go to groups too.
func (b *Broker) closeCoordinators() {
	if b.transactions != nil {
		b.transactions.Close()
	}
	if b.groups != nil {
		b.groups.Close()
	}
}

// drain lets the connections finish; fetches that wait for records are answered at once, and group members that wait for a rebalance are let go when half of the time is over.
func (b *Broker) drain(ctx context.Context) error {
	done := make(chan error, 1)
	go func() { done <- b.server.Shutdown(ctx) }()
	b.drainNow()
	patience := time.Second
	if deadline, bounded := ctx.Deadline(); bounded {
		patience = min(patience, time.Until(deadline)/2)
	}
	select {
	case err := <-done:
		return err
	case <-time.After(patience):
	}
	b.closeCoordinators()
	return <-done
}
