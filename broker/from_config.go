package broker

import (
	"crypto/fips140"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"time"

	"github.com/chronik-stream/chronik/audit"
	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/auth/guard"
	"github.com/chronik-stream/chronik/auth/operatorfile"
	"github.com/chronik-stream/chronik/auth/password"
	"github.com/chronik-stream/chronik/auth/plain"
	"github.com/chronik-stream/chronik/broker/config"
	"github.com/chronik-stream/chronik/broker/evict"
	"github.com/chronik-stream/chronik/broker/group"
	"github.com/chronik-stream/chronik/broker/journal"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/quota"
	"github.com/chronik-stream/chronik/broker/server"
	"github.com/chronik-stream/chronik/broker/storage"
	"github.com/chronik-stream/chronik/broker/txn"
	"github.com/chronik-stream/chronik/broker/vfs"
	"github.com/chronik-stream/chronik/tls"
)

const (
	// metadataDirName is the directory of the metadata log within metadata.log.dir; it is no partition's name.
	metadataDirName = "__chronik_metadata"
	// markerRetryMin and markerRetryMax bound the pause before a marker is sent again that a partition has not taken.
	markerRetryMin, markerRetryMax = 100 * time.Millisecond, 5 * time.Second
)

// FromConfig turns a configuration into options.
func FromConfig(c *config.Config, version string, logger *slog.Logger) (Options, error) {
	if err := checkFIPS(c, logger); err != nil {
		return Options{}, err
	}
	o := Options{
		NodeID: c.Node.ID, Rack: c.Node.Rack, Version: version,
		LogDirs: c.Storage.LogDirs, MetadataDir: filepath.Join(c.Storage.MetadataDir, metadataDirName),
		CordonedDirs: c.Storage.CordonedDirs, Files: vfs.OS{},
		Configuration: c, HTTPListen: c.HTTPListen, AllowIfNoACL: c.Security.AllowIfNoACL, ACLsOff: !c.Security.ACLEnabled,
		FlushPolicy: flushPolicy(c.Storage.FlushPolicy), FlushInterval: c.Storage.FlushInterval,
		JournalBytes: c.Storage.JournalBytes, SyncFiles: c.Storage.SyncFiles, CheckpointInterval: c.Storage.CheckpointInterval, FlushCheckInterval: c.Storage.FlushCheckInterval,
		ProducerIDExpiration: c.Storage.ProducerIDExpiration, ProducerIDExpirationInterval: c.Storage.ProducerIDExpirationInterval,
		RetentionInterval: c.Storage.RetentionInterval, RecoveryThreads: c.Storage.RecoveryThreads,
		Segments:       segmentsOf(c.Storage.Segments),
		WarmUpSegments: c.Storage.Segments.WarmUp,
		Cleaner:        cleanerOf(c.Cleaner),
		Scrub:          storage.ScrubConfig{Interval: c.Storage.ScrubInterval, BytesPerSecond: c.Storage.ScrubBytesPerSecond},
		Limits:         limitsOf(c.Limits), Group: groupsOf(c.Groups, c.ConsumerGroup(nil, config.Dynamic{}).SessionTimeout), ConsumerGroups: c.Groups.Consumer.Served,
		OffsetsTopic: offsetsTopicOf(c.OffsetsTopic), OffsetCommitTimeout: c.Groups.CommitTimeout,
		Transactions: transactionsOf(c.Transactions), TransactionTopic: transactionTopicOf(c.TransactionTopic),
		AddPause: c.Transactions.AddPause, AddLimit: c.Transactions.AddLimit,
		FetchSessions: c.Limits.FetchSessions, MaxFetchBytes: c.Limits.FetchBytes, DescribedPartitions: c.Limits.DescribedPartitions,
		Logins: loginsOf(c.Limits), RotationGrace: c.Security.RotationGrace,
		Passwords: password.Policy{MinLength: c.Security.PasswordMinLength},
		Tokens:    TokenOptions(c.Tokens),
		Quotas: quota.Config{
			Samples: c.Quotas.Samples, Window: c.Quotas.Window,
			ControllerSamples: c.Quotas.ControllerSamples, ControllerWindow: c.Quotas.ControllerWindow,
		},
		AccessInterval: c.Security.AuditAccessInterval,
		AuditBudget: audit.BudgetConfig{
			Burst: c.Security.AuditClientBurst, BytesPerSecond: c.Security.AuditClientRate, Interval: c.Security.AuditMergeInterval,
		},
		Features: FeatureLevels(), Clock: time.Now, Logger: logger,
	}
	if c.Security.AuditAllowOnFailure {
		o.AuditFailure = audit.Allow
	}
	var err error
	if o.SuperUsers, err = principalsOf(c.Security.SuperUsers); err != nil {
		return Options{}, err
	}
	if o.Policies, err = policiesOf(c.Policies); err != nil {
		return Options{}, err
	}
	users, err := plainUsersFile(c.Security.PlainUsersFile, o.Passwords)
	if err != nil {
		return Options{}, err
	}
	for i := range c.Listeners {
		l, err := listenerOf(&c.Listeners[i], c.Security.TLSReloadInterval, users, logger)
		if err != nil {
			return Options{}, fmt.Errorf("listener %s: %w", c.Listeners[i].Name, err)
		}
		o.Listeners = append(o.Listeners, l)
	}
	shareReplays(o.Listeners)
	o.Topics = func(image func() *meta.Image) TopicRules { return &topicRules{config: c, image: image} }
	o.Approvals = approvalsOf(c)
	o.ConfigRows = configRows(c, o.Approvals)
	o.ConsumerGroup = consumerGroupOf(c)
	return o, nil
}

// principalsOf reads the principals of super.users.
func principalsOf(texts []string) ([]auth.Principal, error) {
	var out []auth.Principal
	for _, text := range texts {
		p, err := auth.ParsePrincipal(text)
		if err != nil {
			return nil, fmt.Errorf("super.users: %w", err)
		}
		out = append(out, p)
	}
	return out, nil
}

func flushPolicy(p config.FlushPolicy) journal.FlushPolicy {
	switch p {
	case config.FlushInterval:
		return journal.FlushInterval
	case config.FlushOS:
		return journal.FlushOS
	default:
		return journal.FlushAcks
	}
}

func segmentsOf(s config.SegmentCache) storage.CacheConfig {
	cfg := storage.CacheConfig{Files: s.Files, IndexBytes: s.IndexBytes, TTL: s.TTL, Policy: evict.LRU}
	if s.LeastOften {
		cfg.Policy = evict.LFU
	}
	return cfg
}

func cleanerOf(c config.Cleaner) storage.CleanerConfig {
	return storage.CleanerConfig{
		Threads: c.Threads, Backoff: c.Backoff, DedupeBytes: c.DedupeBytes, LoadFactor: c.LoadFactor, IOBytes: c.IOBytes,
		BytesPerSecond: c.BytesPerSecond,
	}
}

func limitsOf(l config.Limits) server.Limits {
	return server.Limits{
		Connections: l.Connections, ConnectionsPerAddress: l.ConnectionsPerAddress, PerAddress: l.PerAddress,
		FrameBeforeLogin: l.FrameBeforeLogin, FrameAfterLogin: l.FrameAfterLogin, BytesInFlight: l.BytesInFlight,
		InFlight: l.RequestsInFlight, Handshake: l.Handshake, Login: l.Login, Idle: l.Idle,
		FailedLoginDelay: orNone(l.FailedLoginDelay),
	}
}

// orNone is a time as the server takes it, to whom 0 means the default and a negative one none.
func orNone(d time.Duration) time.Duration {
	if d == 0 {
		return -1
	}
	return d
}

func loginsOf(l config.Limits) guard.Config {
	cfg := guard.Config{
		First: l.FailedLoginDelay, Most: l.Logins.MaxDelay, Attempts: l.Logins.LockoutAttempts, Lockout: l.Logins.Lockout,
		Scope: guard.UserAddress,
	}
	if l.Logins.LockoutByUser {
		cfg.Scope = guard.User
	}
	return cfg
}

func groupsOf(g config.Groups, sessionTimeout time.Duration) group.Config {
	return group.Config{
		InitialRebalanceDelay: g.InitialRebalanceDelay, MinSessionTimeout: g.MinSessionTimeout, MaxSessionTimeout: g.MaxSessionTimeout,
		MaxSize: g.MaxSize, MaxOffsetMetadata: g.MaxOffsetMetadata, OffsetsRetention: g.OffsetsRetention,
		ExpiryInterval: g.ExpiryInterval,
		Consumer: group.ConsumerConfig{
			MaxSize: g.Consumer.MaxSize, Assignors: g.Consumer.Assignors, RegexRefresh: g.Consumer.RegexRefresh,
			SessionTimeout: sessionTimeout, Upgrade: g.Consumer.Upgrade, Downgrade: g.Consumer.Downgrade,
		},
	}
}

// consumerGroupOf is what is in force for a group of the consumer protocol, with what was changed at run time.
func consumerGroupOf(c *config.Config) func(image *meta.Image, groupID string) group.BeatSettings {
	return func(image *meta.Image, groupID string) group.BeatSettings {
		rules := topicRules{config: c, image: func() *meta.Image { return image }}
		explicit := image.Config(meta.ResourceKey{Type: meta.GroupConfig, Name: groupID})
		s := c.ConsumerGroup(explicit, rules.dynamic())
		return group.BeatSettings{
			SessionTimeout: s.SessionTimeout, HeartbeatInterval: s.HeartbeatInterval, AssignmentInterval: s.AssignmentInterval,
		}
	}
}

// offsetsTopicOf is how Apache Kafka makes __consumer_offsets: compacted, in small segments.
func offsetsTopicOf(t config.InternalTopic) InternalTopic {
	return InternalTopic{Partitions: t.Partitions, Factor: t.ReplicationFactor, Configs: map[string]string{
		"cleanup.policy": "compact", "compression.type": "producer", "segment.bytes": fmt.Sprint(t.SegmentBytes),
	}}
}

func transactionsOf(t config.Transactions) txn.Config {
	return txn.Config{
		MaxTimeout: t.MaxTimeout, AbortInterval: t.AbortInterval, IDExpiration: t.IDExpiration, ExpiryInterval: t.ExpiryInterval,
		MarkerRetryMin: markerRetryMin, MarkerRetryMax: markerRetryMax,
	}
}

// transactionTopicOf is how Apache Kafka makes __transaction_state: compacted, uncompressed, in small segments.
func transactionTopicOf(t config.InternalTopic) InternalTopic {
	return InternalTopic{Partitions: t.Partitions, Factor: t.ReplicationFactor, Configs: map[string]string{
		"cleanup.policy": "compact", "compression.type": "uncompressed", "segment.bytes": fmt.Sprint(t.SegmentBytes),
		"min.insync.replicas": fmt.Sprint(t.MinISR), "unclean.leader.election.enable": "false",
	}}
}

func plainUsersFile(path string, policy password.Policy) (*plain.Users, error) {
	if path == "" {
		return nil, nil
	}
	f, err := operatorfile.Open(path)
	if err != nil {
		return nil, fmt.Errorf("chronik.sasl.plain.users.file: %w", err)
	}
	defer func() { _ = f.Close() }()
	users, err := plain.ReadUsers(f, policy.Check)
	if errors.Is(err, password.ErrWeak) {
		err = fmt.Errorf("%w; see chronik.password.min.length", err)
	}
	if err != nil {
		return nil, fmt.Errorf("chronik.sasl.plain.users.file %s: %w", path, err)
	}
	return users, nil
}

func listenerOf(l *config.Listener, reload time.Duration, users *plain.Users, logger *slog.Logger) (Listener, error) {
	out := Listener{
		Name: l.Name, Protocol: l.Protocol, Address: l.Address(), AdvertisedHost: l.AdvertisedHost, AdvertisedPort: l.AdvertisedPort,
		Mechanisms: l.Mechanisms, MaxSession: l.MaxSession, PrincipalRules: l.PrincipalRules, PrincipalSource: l.PrincipalSource, PlainUsers: users,
		RequireCertificate: l.Requires(config.RequireCertificate),
	}
	var err error
	if out.SuperUsers, err = principalsOf(l.SuperUsers); err != nil {
		return Listener{}, err
	}
	if l.PlainUsers != nil {
		var text strings.Builder
		escape := strings.NewReplacer(`\`, `\\`, "=", `\=`, ":", `\:`, " ", `\ `, "\n", `\n`, "#", `\#`, "!", `\!`)
		for name, password := range l.PlainUsers {
			fmt.Fprintf(&text, "%s=%s\n", escape.Replace(name), escape.Replace(password))
		}
		if out.PlainUsers, err = plain.ReadUsers(strings.NewReader(text.String()), nil); err != nil {
			return Listener{}, err
		}
	}
	if l.LDAP != nil {
		if out.LDAP, err = ldapOf(l.LDAP); err != nil {
			return Listener{}, err
		}
	}
	if l.GSSAPI != nil {
		if out.GSSAPI, err = gssapiOf(l.GSSAPI, logger.With("listener", l.Name)); err != nil {
			return Listener{}, err
		}
	}
	if l.OAuth != nil {
		if out.OAuth, err = oauthOf(l.OAuth, logger.With("listener", l.Name)); err != nil {
			return Listener{}, err
		}
	}
	if l.TLS == nil {
		return out, nil
	}
	t, err := tlsOf(l)
	if err != nil {
		return Listener{}, err
	}
	t.ReloadInterval, t.Logger = reload, logger.With("listener", l.Name)
	out.TLS = t
	return out, nil
}

func tlsOf(l *config.Listener) (*tls.Config, error) {
	t := l.TLS
	clientAuth, err := tls.ParseClientAuth(t.ClientAuth)
	if err != nil {
		return nil, err
	}
	return &tls.Config{
		KeyStore: tls.KeyStore{
			Type: t.KeyStoreType, Location: t.KeyStoreLocation, KeyLocation: t.KeyLocation, Password: t.KeyStorePassword,
			KeyPassword: t.KeyPassword, Key: t.Key, CertificateChain: t.CertificateChain,
		},
		TrustStore: tls.TrustStore{
			Type: t.TrustStoreType, Location: t.TrustStoreLocation, Password: t.TrustStorePassword, Certificates: t.TrustedCertificates,
		},
		EnabledProtocols: t.EnabledProtocols, Protocol: t.Protocol, CipherSuites: t.CipherSuites, ClientAuth: clientAuth,
		PostQuantum: l.Requires(config.RequirePostQuantum), FIPS: fips140.Enabled(),
		RevocationLists: t.RevocationLists.Locations,
		Revocation:      tls.RevocationPolicy{AcceptExpired: t.RevocationLists.AcceptExpired, AcceptMissing: t.RevocationLists.AcceptMissing},
		Staple:          tls.Staple{On: t.Staple, Location: t.StapleLocation}, ExpiryWarnings: t.ExpiryWarnings,
	}, nil
}
