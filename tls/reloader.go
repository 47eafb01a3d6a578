package tls

import (
	"context"
	"crypto/sha256"
	stdtls "crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// ErrStarted is returned where a Reloader is started twice.
var ErrStarted = errors.New("TLS reloader has been started already")

// Stats tell about the certificates in use.
type Stats struct {
	// LastReload is when those in use were taken.
	LastReload time.Time
	// Reloads counts the renewals since the first load, Failures the looks at files that could not be used.
	Reloads, Failures uint64
	// NotAfter is when the first of the server's certificates ends.
	NotAfter time.Time
	// ListReloads counts the renewals of revocation lists since the first load, ListFailures the looks at files of them that could not be
	// used.
	ListReloads, ListFailures uint64
	// StapleFailures counts the failed attempts to get an OCSP response.
	StapleFailures uint64
}

// Reloader holds a TLS configuration and renews it when its files change. What does not parse, does not fit together or has
// expired is reported and not taken: the last good one stays. Connections keep what they were made with.
type Reloader struct {
	cfg      Config
	settings settings
	outer    *stdtls.Config
	current  atomic.Pointer[snapshot]
	// inForce are the revocation lists; nil where none are configured.
	inForce atomic.Pointer[revocations]

	// reading is held while files are looked at, which may take for ever where a mount has stalled; it guards lists and their marks.
	reading sync.Mutex
	lists   *crlFiles

	mu      sync.Mutex // guards all below; nothing is read while it is held
	stats   Stats
	failure string // the last reported failure, "" after a success
	// listFailure is as failure, of revocation lists; revoked is told when they have changed.
	listFailure string
	revoked     func()
	// staples are the OCSP responses by the digests of the certificates; only the stapler changes it. renewed wakes the stapler.
	staples       map[[sha256.Size]byte]stapled
	stapleFailure string
	renewed       chan struct{}
	cancel        context.CancelFunc
	done          chan struct{}
}

// snapshot is one state of the files and the configuration made from it.
type snapshot struct {
	digest   [sha256.Size]byte
	config   *stdtls.Config
	notAfter time.Time
	// chains are the server's, trust the certificates of the trust store.
	chains [][]*x509.Certificate
	trust  []*x509.Certificate
}

// Load reads and checks everything that cfg names. Nothing is renewed until Start.
func Load(cfg Config) (*Reloader, error) {
	if cfg.KeyStore.Type == "" {
		cfg.KeyStore.Type = DefaultStoreType
	}
	if cfg.TrustStore.Type == "" {
		cfg.TrustStore.Type = DefaultStoreType
	}
	if cfg.ReloadInterval == 0 {
		cfg.ReloadInterval = DefaultReloadInterval
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	s, err := cfg.settings()
	if err != nil {
		return nil, err
	}
	if err := errors.Join(cfg.KeyStore.check(), cfg.TrustStore.check()); err != nil {
		return nil, err
	}
	r := &Reloader{cfg: cfg, settings: s, renewed: make(chan struct{}, 1)}
	first, err := r.read()
	if err != nil {
		return nil, err
	}
	r.current.Store(first)
	if err := r.loadLists(); err != nil {
		return nil, err
	}
	r.stats = Stats{LastReload: cfg.Clock(), NotAfter: first.notAfter}
	r.outer = &stdtls.Config{
		MinVersion: s.min,
		MaxVersion: s.max,
		GetConfigForClient: func(hello *stdtls.ClientHelloInfo) (*stdtls.Config, error) {
			remember(hello)
			return r.current.Load().config, nil
		},
	}
	return r, nil
}

// Config returns the configuration of a server, which each new connection takes the current certificates from. It must not
// be changed.
func (r *Reloader) Config() *stdtls.Config { return r.outer }

// Listener puts the server's side of TLS on every connection that inner accepts.
func (r *Reloader) Listener(inner net.Listener) net.Listener {
	return stdtls.NewListener(inner, r.outer)
}

// Stats returns what is known of the certificates in use.
func (r *Reloader) Stats() Stats {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stats
}

// Start looks at the files every ReloadInterval until Stop, or until ctx is done.
func (r *Reloader) Start(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.done != nil {
		return ErrStarted
	}
	ctx, r.cancel = context.WithCancel(ctx)
	r.done = make(chan struct{})
	go r.poll(ctx, r.done)
	return nil
}

// Stop ends what Start began and waits for it, but not for a file that is being read.
func (r *Reloader) Stop() {
	r.mu.Lock()
	cancel, done := r.cancel, r.done
	r.mu.Unlock()
	if done == nil {
		return
	}
	cancel()
	<-done
}

func (r *Reloader) poll(ctx context.Context, done chan<- struct{}) {
	defer close(done)
	var stapler sync.WaitGroup
	defer stapler.Wait()
	if r.cfg.Staple.wanted() {
		stapler.Go(func() { r.keepStapled(ctx) })
	}
	warnings := expiryWarnings{before: r.cfg.ExpiryWarnings}
	interval := r.cfg.ReloadInterval
	if interval < 0 {
		interval = expiryInterval
	}
	next := interval
	for {
		warnings.look(r.Certificates(), r.cfg.Clock(), r.cfg.Logger)
		timer := time.NewTimer(next)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		next = interval
		if r.cfg.ReloadInterval < 0 {
			continue
		}
		if _, err := unlessDone(ctx, func() (struct{}, error) { return struct{}{}, r.Reload() }); err != nil {
			next = min(next, retryInterval)
		}
	}
}

// Reload looks at the files now. Its error says why what is in them is not taken; what was last good stays.
func (r *Reloader) Reload() error {
	r.reading.Lock()
	defer r.reading.Unlock()
	return errors.Join(r.reloadStores(), r.reloadLists())
}

// reloadStores looks at the files of key store and trust store. The caller holds r.reading.
func (r *Reloader) reloadStores() error {
	next, err := r.read()
	news, stats := r.take(next, err)
	if !news {
		return err
	}
	if err != nil {
		r.cfg.Logger.Warn("TLS certificates not renewed, the last good ones stay", "cause", err, "not_after", stats.NotAfter)
	} else {
		r.cfg.Logger.Info("TLS certificates renewed", "not_after", stats.NotAfter)
	}
	if r.cfg.OnReload != nil {
		r.cfg.OnReload(stats, err)
	}
	return err
}

// take puts in use what was read, if it is something else than what is, or remembers why nothing was. It reports whether there is
// something to tell.
func (r *Reloader) take(next *snapshot, err error) (news bool, stats Stats) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		r.stats.Failures++
		news = err.Error() != r.failure
		r.failure = err.Error()
		return news, r.stats
	}
	r.failure = ""
	if next.digest == r.current.Load().digest {
		return false, r.stats
	}
	r.current.Store(next)
	r.show()
	select {
	case r.renewed <- struct{}{}:
	default:
	}
	r.stats.LastReload, r.stats.NotAfter = r.cfg.Clock(), next.notAfter
	r.stats.Reloads++
	return true, r.stats
}

// read makes a snapshot of what is in the files. If they have not changed it is made of the digest alone.
func (r *Reloader) read() (*snapshot, error) {
	f, err := readFiles(r.cfg.KeyStore.Location, r.cfg.KeyStore.KeyLocation, r.cfg.TrustStore.Location)
	if err != nil {
		return nil, err
	}
	if now := r.current.Load(); now != nil && now.digest == f.digest {
		return &snapshot{digest: f.digest}, nil
	}
	ids, err := r.cfg.KeyStore.load(f)
	if err != nil {
		return nil, err
	}
	trust, err := r.cfg.TrustStore.load(f)
	if err != nil {
		return nil, err
	}
	s := &snapshot{digest: f.digest, trust: trust, config: &stdtls.Config{
		MinVersion:       r.settings.min,
		MaxVersion:       r.settings.max,
		CipherSuites:     r.settings.suites,
		CurvePreferences: r.settings.groups(),
		ClientAuth:       r.settings.clientAuth,
		ClientCAs:        poolOf(trust),
		Time:             r.cfg.Clock,
	}}
	if len(r.cfg.RevocationLists) > 0 {
		s.config.VerifyConnection = r.verifyConnection
	}
	for i := range ids {
		cert, err := ids[i].certificate(r.cfg.Clock())
		if err != nil {
			return nil, fmt.Errorf("ssl.keystore %s: %w", r.cfg.KeyStore.Location, err)
		}
		s.config.Certificates = append(s.config.Certificates, cert)
		s.chains = append(s.chains, ids[i].chain)
		if s.notAfter.IsZero() || cert.Leaf.NotAfter.Before(s.notAfter) {
			s.notAfter = cert.Leaf.NotAfter
		}
	}
	return s, nil
}
