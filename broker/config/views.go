package config

import (
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Node is who this broker is.
type Node struct {
	// ID is node.id, or broker.id where only that is set.
	ID int32
	// Rack is broker.rack, "" for none.
	Rack string
}

// Security is what the configuration says of users and rights.
type Security struct {
	// AllowInsecure is chronik.allow.insecure.
	AllowInsecure bool
	// ACLEnabled is chronik.acl.enabled: without it everyone may do everything who has logged in.
	ACLEnabled bool
	// SuperUsers are principals as Type:name.
	SuperUsers []string
	// AllowIfNoACL is allow.everyone.if.no.acl.found.
	AllowIfNoACL bool
	// PlainUsersFile is a file with users of PLAIN, "" for none.
	PlainUsersFile string
	// PasswordMinLength is chronik.password.min.length.
	PasswordMinLength int
	// RotationGrace is chronik.credential.rotation.grace.ms.
	RotationGrace time.Duration
	// TLSReloadInterval is how often certificates are looked at; negative means never.
	TLSReloadInterval time.Duration
	// FIPSRequired is chronik.fips.required.
	FIPSRequired bool
	// AuditAllowOnFailure is chronik.audit.on.failure=allow.
	AuditAllowOnFailure bool
	// AuditAccessInterval is chronik.audit.access.interval.ms, 0 with chronik.audit.access=none.
	AuditAccessInterval time.Duration
	// AuditClientBurst, AuditClientRate and AuditMergeInterval are chronik.audit.client.burst.bytes, chronik.audit.client.bytes.per.second
	// and chronik.audit.merge.interval.ms.
	AuditClientBurst, AuditClientRate int64
	AuditMergeInterval                time.Duration
}

// FlushPolicy is chronik.flush.policy.
type FlushPolicy uint8

// The policies; see chronik.flush.policy.
const (
	FlushAcks FlushPolicy = iota + 1
	FlushInterval
	FlushOS
)

// Storage is what the configuration says of data on disk.
type Storage struct {
	// LogDirs are the log directories, MetadataDir is the one of the metadata log.
	LogDirs     []string
	MetadataDir string
	// CordonedDirs are those of LogDirs that take no new partitions.
	CordonedDirs []string

	FlushPolicy   FlushPolicy
	FlushInterval time.Duration
	// JournalBytes is chronik.journal.bytes.
	JournalBytes int64
	// SyncFiles is chronik.checkpoint.sync=files.
	SyncFiles bool
	// ScrubInterval is chronik.scrub.interval.ms, ScrubBytesPerSecond is chronik.scrub.bytes.per.second.
	ScrubInterval       time.Duration
	ScrubBytesPerSecond int64
	// CheckpointInterval is log.flush.offset.checkpoint.interval.ms.
	CheckpointInterval time.Duration
	// FlushCheckInterval is log.flush.scheduler.interval.ms.
	FlushCheckInterval time.Duration
	// RecoveryThreads is num.recovery.threads.per.data.dir.
	RecoveryThreads int
	// RetentionInterval is log.retention.check.interval.ms.
	RetentionInterval time.Duration
	// ProducerIDExpiration is producer.id.expiration.ms.
	ProducerIDExpiration time.Duration
	// ProducerIDExpirationInterval is producer.id.expiration.check.interval.ms.
	ProducerIDExpirationInterval time.Duration
	// HeaderOnly is chronik.record.validation=header.
	HeaderOnly bool
	Segments   SegmentCache

	// NumPartitions, ReplicationFactor, AutoCreateTopics and DeleteTopics are num.partitions, default.replication.factor,
	// auto.create.topics.enable and delete.topic.enable.
	NumPartitions     int
	ReplicationFactor int
	AutoCreateTopics  bool
	DeleteTopics      bool
}

// SegmentCache is what the configuration says of open files and of indexes in memory.
type SegmentCache struct {
	// Files, IndexBytes, TTL (0 means without end) and WarmUp are chronik.segment.cache.files, .index.bytes, .ttl.ms and .warmup.
	Files      int
	IndexBytes int64
	TTL        time.Duration
	WarmUp     int
	// LeastOften is chronik.segment.cache.policy=lfu.
	LeastOften bool
}

// Cleaner is what the configuration says of compaction.
type Cleaner struct {
	// Threads is log.cleaner.threads, 0 where log.cleaner.enable is false.
	Threads int
	Backoff time.Duration
	// DedupeBytes, IOBytes and LoadFactor are log.cleaner.dedupe.buffer.size, log.cleaner.io.buffer.size and
	// log.cleaner.io.buffer.load.factor.
	DedupeBytes, IOBytes int64
	LoadFactor           float64
	// BytesPerSecond is log.cleaner.io.max.bytes.per.second.
	BytesPerSecond float64
}

// Limits bound what clients may take.
type Limits struct {
	// Connections, ConnectionsPerAddress and PerAddress are max.connections, max.connections.per.ip and its overrides.
	Connections           int
	ConnectionsPerAddress int
	PerAddress            map[netip.Addr]int
	// FrameBeforeLogin and FrameAfterLogin are the largest requests, in bytes.
	FrameBeforeLogin int32
	FrameAfterLogin  int32
	// BytesInFlight is queued.max.request.bytes, 0 where it is without a bound of its own.
	BytesInFlight int64
	// RequestsInFlight bounds those of one connection.
	RequestsInFlight int
	// Handshake, Login, Idle (negative means never) and FailedLoginDelay are times of connections.
	Handshake        time.Duration
	Login            time.Duration
	Idle             time.Duration
	FailedLoginDelay time.Duration
	// Logins says how those are held back who guess passwords.
	Logins Logins
	// FetchSessions is max.incremental.fetch.session.cache.slots, FetchBytes is fetch.max.bytes.
	FetchSessions int
	FetchBytes    int32
	// DescribedPartitions is max.request.partition.size.limit.
	DescribedPartitions int
}

// Logins are the settings of delays and lock-outs after failed log-ins.
type Logins struct {
	// MaxDelay is chronik.login.failures.delay.max.ms.
	MaxDelay time.Duration
	// LockoutAttempts is chronik.login.lockout.attempts, 0 for no lock-outs; Lockout is chronik.login.lockout.ms.
	LockoutAttempts int
	Lockout         time.Duration
	// LockoutByUser is chronik.login.lockout.scope=user.
	LockoutByUser bool
}

// Groups are the settings of groups and their offsets.
type Groups struct {
	InitialRebalanceDelay time.Duration
	MinSessionTimeout     time.Duration
	MaxSessionTimeout     time.Duration
	MaxSize               int
	// MaxOffsetMetadata is offset.metadata.max.bytes.
	MaxOffsetMetadata int
	OffsetsRetention  time.Duration
	ExpiryInterval    time.Duration
	// CommitTimeout is offsets.commit.timeout.ms.
	CommitTimeout time.Duration
	Consumer      ConsumerGroups
}

// InternalTopic says how a topic of the broker's own is made.
type InternalTopic struct {
	Partitions        int
	ReplicationFactor int
	SegmentBytes      int64
	// MinISR is how many replicas have to be in sync, 0 for what topics have by default.
	MinISR int
}

// views fills the typed views from the values and checks what spans several keys.
func (l *loader) views() {
	c := l.config
	l.node()
	l.quorum()
	c.Security = Security{
		AllowInsecure: c.boolean("chronik.allow.insecure"), ACLEnabled: c.boolean("chronik.acl.enabled"),
		SuperUsers: splitPrincipals(c.text("super.users")), AllowIfNoACL: c.boolean("allow.everyone.if.no.acl.found"),
		PlainUsersFile: c.text("chronik.sasl.plain.users.file"), TLSReloadInterval: c.millis("chronik.tls.reload.interval.ms"),
		FIPSRequired:        c.boolean("chronik.fips.required"),
		AuditAllowOnFailure: c.text("chronik.audit.on.failure") == "allow", RotationGrace: c.millis("chronik.credential.rotation.grace.ms"),
		PasswordMinLength: int(c.long("chronik.password.min.length")),
		AuditClientBurst:  c.long("chronik.audit.client.burst.bytes"), AuditClientRate: c.long("chronik.audit.client.bytes.per.second"),
		AuditMergeInterval: c.millis("chronik.audit.merge.interval.ms"),
	}
	if c.text("chronik.audit.access") != "none" {
		c.Security.AuditAccessInterval = c.millis("chronik.audit.access.interval.ms")
	}
	if !c.Security.ACLEnabled && !c.Security.AllowInsecure {
		l.fail("chronik.acl.enabled=false needs chronik.allow.insecure=true")
	}
	l.policies()
	l.approvals()
	l.listeners()
	l.storage()
	l.cleaner()
	l.limits()
	l.tokens()
	l.quotas()
	l.groups()
	l.consumerGroups()
	l.transactions()
	c.HTTPListen = c.text("chronik.http.listen")
	c.LogFormat, c.LogLevel = c.text("chronik.log.format"), c.text("chronik.log.level")
	c.ShutdownTimeout = c.millis("chronik.shutdown.timeout.ms")
}

func (l *loader) node() {
	c := l.config
	c.Node = Node{ID: int32(c.long("node.id")), Rack: c.text("broker.rack")} //nolint:gosec // it was parsed as an int
	if !c.isSet("broker.id") || c.long("broker.id") == -1 {
		return
	}
	older := int32(c.long("broker.id")) //nolint:gosec // it was parsed as an int
	switch {
	case older < 0:
		l.fail("broker.id=%d: it has to be at least 0", older)
	case c.isSet("node.id") && older != c.Node.ID:
		l.fail("broker.id=%d differs from node.id=%d", older, c.Node.ID)
	default:
		c.Node.ID = older
	}
}

// quorum holds that this node is alone: a part of a cluster of Apache Kafka must not start as a cluster of its own.
func (l *loader) quorum() {
	c := l.config
	roles := SplitList(c.text("process.roles"))
	if !slices.Contains(roles, "broker") || !slices.Contains(roles, "controller") {
		l.fail("process.roles=%s: a single node has both roles: broker,controller", c.text("process.roles"))
	}
	if voters := SplitList(c.text("controller.quorum.voters")); len(voters) > 0 {
		id, _, found := strings.Cut(voters[0], "@")
		switch {
		case len(voters) > 1:
			l.fail("controller.quorum.voters=%s: a single node may name only itself", c.text("controller.quorum.voters"))
		case !found:
			l.fail("controller.quorum.voters=%s: it has to be id@host:port", voters[0])
		case id != formatInt(int64(c.Node.ID)):
			l.fail("controller.quorum.voters=%s: the id has to be node.id, %d", voters[0], c.Node.ID)
		}
	}
	if servers := SplitList(c.text("controller.quorum.bootstrap.servers")); len(servers) > 1 {
		l.fail("controller.quorum.bootstrap.servers=%s: a single node may name only itself", c.text("controller.quorum.bootstrap.servers"))
	}
}

func (l *loader) storage() {
	c := l.config
	dirs := SplitList(c.text("log.dirs"))
	if len(dirs) == 0 {
		dirs = SplitList(c.text("log.dir"))
	}
	for i, d := range dirs {
		if d == "" || slices.ContainsFunc(dirs[:i], func(o string) bool { return filepath.Clean(o) == filepath.Clean(d) }) {
			l.fail("log.dirs=%s: directories have to be named, each once", strings.Join(dirs, ","))
		}
	}
	if len(dirs) == 0 {
		l.fail("log.dirs: at least one directory is needed")
		return
	}
	c.Storage = Storage{
		LogDirs: dirs, MetadataDir: c.text("metadata.log.dir"), FlushInterval: c.millis("chronik.flush.interval.ms"),
		ScrubInterval: c.millis("chronik.scrub.interval.ms"), ScrubBytesPerSecond: c.long("chronik.scrub.bytes.per.second"),
		SyncFiles:    c.text("chronik.checkpoint.sync") == "files",
		JournalBytes: c.long("chronik.journal.bytes"), CheckpointInterval: c.millis("log.flush.offset.checkpoint.interval.ms"),
		FlushCheckInterval:   c.millis("log.flush.scheduler.interval.ms"),
		RecoveryThreads:      int(c.long("num.recovery.threads.per.data.dir")),
		RetentionInterval:    c.millis("log.retention.check.interval.ms"),
		ProducerIDExpiration: c.millis("producer.id.expiration.ms"), ProducerIDExpirationInterval: c.millis("producer.id.expiration.check.interval.ms"),
		HeaderOnly:    c.text("chronik.record.validation") == "header",
		NumPartitions: int(c.long("num.partitions")), ReplicationFactor: int(c.long("default.replication.factor")),
		AutoCreateTopics: c.boolean("auto.create.topics.enable"), DeleteTopics: c.boolean("delete.topic.enable"),
	}
	if c.Storage.MetadataDir == "" {
		c.Storage.MetadataDir = dirs[0]
	}
	c.Storage.CordonedDirs = l.cordoned(dirs)
	c.Storage.Segments = SegmentCache{
		Files: int(c.long("chronik.segment.cache.files")), IndexBytes: c.long("chronik.segment.cache.index.bytes"),
		TTL: c.millis("chronik.segment.cache.ttl.ms"), WarmUp: int(c.long("chronik.segment.cache.warmup")),
		LeastOften: c.text("chronik.segment.cache.policy") == "lfu",
	}
	switch c.text("chronik.flush.policy") {
	case "interval":
		c.Storage.FlushPolicy = FlushInterval
	case "os":
		c.Storage.FlushPolicy = FlushOS
	default:
		c.Storage.FlushPolicy = FlushAcks
	}
}

// cordoned reads cordoned.log.dirs: some of the log directories, or * for all of them.
func (l *loader) cordoned(dirs []string) []string {
	named := SplitList(l.config.text("cordoned.log.dirs"))
	if len(named) == 1 && named[0] == "*" {
		return dirs
	}
	for _, d := range named {
		if !slices.Contains(dirs, d) {
			l.fail("cordoned.log.dirs: %s is not one of log.dirs", d)
		}
	}
	return named
}

// cleaner checks, as Apache Kafka does not, that compaction can make progress.
func (l *loader) cleaner() {
	c := l.config
	c.Cleaner = Cleaner{
		Threads: int(c.long("log.cleaner.threads")), Backoff: c.millis("log.cleaner.backoff.ms"),
		DedupeBytes: c.long("log.cleaner.dedupe.buffer.size"), IOBytes: c.long("log.cleaner.io.buffer.size"),
		LoadFactor: c.double("log.cleaner.io.buffer.load.factor"), BytesPerSecond: c.double("log.cleaner.io.max.bytes.per.second"),
	}
	if !c.boolean("log.cleaner.enable") {
		c.Cleaner.Threads = 0
	}
	if c.Cleaner.LoadFactor <= 0 || c.Cleaner.LoadFactor > 1 {
		l.fail("log.cleaner.io.buffer.load.factor=%s: it has to be above 0 and at most 1", c.text("log.cleaner.io.buffer.load.factor"))
	}
	if threads := max(c.Cleaner.Threads, 1); c.Cleaner.DedupeBytes < int64(threads)*minDedupeBytes {
		l.fail("log.cleaner.dedupe.buffer.size=%d: each of the %d threads of compaction needs at least %d", c.Cleaner.DedupeBytes, threads, minDedupeBytes)
	}
	if c.Cleaner.BytesPerSecond <= 0 {
		l.fail("log.cleaner.io.max.bytes.per.second=%s: it has to be above 0", c.text("log.cleaner.io.max.bytes.per.second"))
	}
}

// minDedupeBytes is what Apache Kafka asks for each thread of compaction.
const minDedupeBytes = 1 << 20

func (l *loader) limits() {
	c := l.config
	perAddress, err := parsePerAddress(c.text("max.connections.per.ip.overrides"))
	if err != nil {
		l.fail("max.connections.per.ip.overrides: %w", err)
	}
	c.Limits = Limits{
		Connections: int(c.long("max.connections")), ConnectionsPerAddress: int(c.long("max.connections.per.ip")), PerAddress: perAddress,
		FrameBeforeLogin: int32(min(c.long("sasl.server.max.receive.size"), c.long("chronik.max.preauth.frame.bytes"))), //nolint:gosec // ints
		FrameAfterLogin:  int32(c.long("socket.request.max.bytes")),                                                     //nolint:gosec // parsed as an int
		BytesInFlight:    max(0, c.long("queued.max.request.bytes")), RequestsInFlight: int(c.long("chronik.max.inflight.requests")),
		Handshake: c.millis("chronik.tls.handshake.timeout.ms"), Login: c.millis("chronik.login.timeout.ms"),
		Idle: c.millis("connections.max.idle.ms"), FailedLoginDelay: c.millis("connection.failed.authentication.delay.ms"),
		FetchSessions:       int(c.long("max.incremental.fetch.session.cache.slots")),
		FetchBytes:          int32(c.long("fetch.max.bytes")), //nolint:gosec // parsed as an int
		DescribedPartitions: int(c.long("max.request.partition.size.limit")),
	}
	c.Limits.Logins = Logins{
		MaxDelay: c.millis("chronik.login.failures.delay.max.ms"), LockoutAttempts: int(c.long("chronik.login.lockout.attempts")),
		Lockout: c.millis("chronik.login.lockout.ms"), LockoutByUser: c.text("chronik.login.lockout.scope") == "user",
	}
	if c.Limits.Idle >= 0 && c.Limits.FailedLoginDelay >= c.Limits.Idle {
		l.fail("connection.failed.authentication.delay.ms=%s has to be less than connections.max.idle.ms=%s",
			c.text("connection.failed.authentication.delay.ms"), c.text("connections.max.idle.ms"))
	}
}

func (l *loader) groups() {
	c := l.config
	c.Groups = Groups{
		InitialRebalanceDelay: c.millis("group.initial.rebalance.delay.ms"),
		MinSessionTimeout:     c.millis("group.min.session.timeout.ms"), MaxSessionTimeout: c.millis("group.max.session.timeout.ms"),
		MaxSize: int(c.long("group.max.size")), MaxOffsetMetadata: int(c.long("offset.metadata.max.bytes")),
		OffsetsRetention: time.Duration(c.long("offsets.retention.minutes")) * time.Minute,
		ExpiryInterval:   c.millis("offsets.retention.check.interval.ms"), CommitTimeout: c.millis("offsets.commit.timeout.ms"),
	}
	if c.Groups.MinSessionTimeout > c.Groups.MaxSessionTimeout {
		l.fail("group.min.session.timeout.ms=%s is above group.max.session.timeout.ms=%s",
			c.text("group.min.session.timeout.ms"), c.text("group.max.session.timeout.ms"))
	}
	c.OffsetsTopic = InternalTopic{
		Partitions: int(c.long("offsets.topic.num.partitions")), ReplicationFactor: int(c.long("offsets.topic.replication.factor")),
		SegmentBytes: c.long("offsets.topic.segment.bytes"),
	}
}
