package broker

import (
	"log/slog"
	"time"

	"github.com/chronik-stream/chronik/audit"
	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/auth/gssapi"
	"github.com/chronik-stream/chronik/auth/guard"
	"github.com/chronik-stream/chronik/auth/ldap"
	"github.com/chronik-stream/chronik/auth/password"
	"github.com/chronik-stream/chronik/auth/plain"
	"github.com/chronik-stream/chronik/authz/explain"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/config"
	"github.com/chronik-stream/chronik/broker/group"
	"github.com/chronik-stream/chronik/broker/handler"
	"github.com/chronik-stream/chronik/broker/journal"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/quota"
	"github.com/chronik-stream/chronik/broker/replica"
	"github.com/chronik-stream/chronik/broker/server"
	"github.com/chronik-stream/chronik/broker/storage"
	"github.com/chronik-stream/chronik/broker/txn"
	"github.com/chronik-stream/chronik/broker/vfs"
	"github.com/chronik-stream/chronik/tls"
)

// Options are what a broker needs to know, taken from its configuration by FromConfig.
type Options struct {
	NodeID  int32
	Rack    string
	Version string
	// LogDirs are log.dirs; MetadataDir is where the metadata log is.
	LogDirs     []string
	MetadataDir string
	// CordonedDirs are those of LogDirs that take no new partitions.
	CordonedDirs []string
	// Files holds the log directories; nil means the operating system's.
	Files     vfs.FS
	Listeners []Listener
	// Configuration is what these options were made from, ConfigurationFile where it was read, "" where it was not; for chronik doctor.
	Configuration     *config.Config
	ConfigurationFile string
	// HTTPListen is where metrics and health are served, host:port; "" means nowhere.
	HTTPListen string

	SuperUsers   []auth.Principal
	AllowIfNoACL bool
	// ACLsOff lets everybody who has logged in do everything.
	ACLsOff bool
	// Policies, where its mode is not 0, adds policies in Rego to the ACLs.
	Policies     PolicyOptions
	AuditFailure audit.FailurePolicy
	// AuditBudget bounds what one client can make the audit log grow by.
	AuditBudget audit.BudgetConfig
	// AccessInterval is how long uses of rights are gathered before they are recorded; 0 records none.
	AccessInterval time.Duration
	// Approvals say what takes two persons.
	Approvals handler.Approvals

	FlushPolicy   journal.FlushPolicy
	FlushInterval time.Duration
	// JournalBytes is how much the journal of a log directory may hold before its segments are made durable.
	JournalBytes int64
	// SyncFiles has checkpoints sync files alone, and no volume.
	SyncFiles          bool
	CheckpointInterval time.Duration
	// FlushCheckInterval is how often it is looked for logs to flush by time.
	FlushCheckInterval time.Duration
	// ProducerIDExpiration is how long an idle producer is remembered, the interval how often such are looked for.
	ProducerIDExpiration         time.Duration
	ProducerIDExpirationInterval time.Duration
	RetentionInterval            time.Duration
	// RecoveryThreads is how many logs of a directory are loaded at once.
	RecoveryThreads int
	// Segments bounds what segments keep open; Clock and Logger are the broker's to set. WarmUpSegments of each log are opened at
	// the start.
	Segments       storage.CacheConfig
	WarmUpSegments int
	// Scrub says how segments are verified; Directories is the broker's to set.
	Scrub storage.ScrubConfig
	// Cleaner says how logs are compacted; Logs, Metrics, Clock and Logger are the broker's to set.
	Cleaner storage.CleanerConfig

	Tokens TokenOptions
	// Quotas says over how long clients are measured for their quotas; Clock and Metrics of it are the broker's.
	Quotas quota.Config
	Limits server.Limits
	// Passwords says which passwords in clear are taken.
	Passwords password.Policy
	// RotationGrace is chronik.credential.rotation.grace.ms.
	RotationGrace time.Duration
	// Logins says how those are held back who guess passwords.
	Logins guard.Config
	Group  group.Config
	// ConsumerGroups says that groups of the consumer protocol are served, ConsumerGroup what is in force for one of them.
	ConsumerGroups bool
	ConsumerGroup  func(image *meta.Image, groupID string) group.BeatSettings
	OffsetsTopic   InternalTopic
	// OffsetCommitTimeout is how long a commit of offsets waits until it is durable.
	OffsetCommitTimeout time.Duration
	// Transactions are the settings of the transaction coordinators, TransactionTopic says how __transaction_state is made.
	Transactions     txn.Config
	TransactionTopic InternalTopic
	// AddPause and AddLimit are add.partitions.to.txn.retry.backoff.ms and .max.ms.
	AddPause, AddLimit time.Duration
	FetchSessions      int
	// DescribedPartitions is max.request.partition.size.limit.
	DescribedPartitions int
	MaxFetchBytes       int32
	// Features are the levels that features get which have never had one.
	Features map[string]int16

	// Topics makes what validates and explains topic configurations.
	Topics func(image func() *meta.Image) TopicRules
	// ConfigRows are the rows of the APIs that describe and change configurations.
	ConfigRows func(handler.MetadataLog, *explain.Rules) []api.Row

	Clock  func() time.Time
	Logger *slog.Logger
}

// TopicRules is what the configuration says of topics, for the handlers and for the replicas.
type TopicRules interface {
	handler.TopicDefaults
	// ReplicaSettings is a topic's effective configuration.
	ReplicaSettings(*meta.Topic) *replica.Settings
	// MoveBytesPerSecond is how fast partitions move between log directories at the most.
	MoveBytesPerSecond() int64
}

// InternalTopic says how a topic of the broker's own is made.
type InternalTopic struct {
	Partitions int
	// Factor is the wished number of replicas: there are never more than brokers.
	Factor  int
	Configs map[string]string
}

// Listener is one listener with all that it needs.
type Listener struct {
	Name     string
	Protocol string
	// Address is host:port to listen on; AdvertisedHost and AdvertisedPort are what clients are told.
	Address        string
	AdvertisedHost string
	AdvertisedPort int32
	// TLS is nil on listeners without it.
	TLS *tls.Config
	// RequireCertificate says that chronik.listener.require has mtls.
	RequireCertificate bool
	// Mechanisms are the SASL mechanisms, in the order that clients are told.
	Mechanisms []string
	// MaxSession is connections.max.reauth.ms by mechanism; 0 means without end.
	MaxSession map[string]time.Duration
	// SuperUsers may do everything that they ask by this listener.
	SuperUsers []auth.Principal
	// PrincipalRules is ssl.principal.mapping.rules, PrincipalSource chronik.ssl.principal.source.
	PrincipalRules, PrincipalSource string
	// PlainUsers are the users of PLAIN from the configuration; nil means that PLAIN checks the SCRAM users.
	PlainUsers *plain.Users
	// LDAP is the directory that PLAIN asks, nil where it asks none.
	LDAP *ldap.Config
	// GSSAPI is nil on listeners without it.
	GSSAPI *gssapi.Config
	// OAuth is nil on listeners without OAUTHBEARER.
	OAuth *OAuth
}
