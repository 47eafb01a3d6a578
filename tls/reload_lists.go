package tls

import (
	"crypto/x509"
	"errors"
	"slices"
	"time"
)

// OnRevocation says whom to tell when the revocation lists have changed: sessions whose certificates StillTrusted does not hold with
// any more have to end. It is called before Start; told must not call the Reloader's Reload.
func (r *Reloader) OnRevocation(told func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.revoked = told
}

// StillTrusted returns an error that wraps ErrRevoked where the lists in force name a certificate of a verified chain.
func (r *Reloader) StillTrusted(chain []*x509.Certificate) error {
	lists := r.inForce.Load()
	if lists == nil {
		return nil
	}
	if err := lists.check(chain, r.cfg.Clock()); errors.Is(err, ErrRevoked) {
		return err
	}
	return nil
}

// trusted returns the first of the verified chains that the lists have nothing against.
func (r *Reloader) trusted(chains [][]*x509.Certificate) ([]*x509.Certificate, error) {
	lists := r.inForce.Load()
	if lists == nil {
		return chains[0], nil
	}
	return lists.trusted(chains, r.cfg.Clock())
}

// verifyConnection ends a handshake, of a resumed session too, whose client's certificate has been revoked.
func (r *Reloader) verifyConnection(state ConnectionState) error {
	if len(state.VerifiedChains) == 0 {
		return nil
	}
	if _, err := r.trusted(state.VerifiedChains); err != nil {
		return &ClientCertificateError{cause: err, leaf: state.VerifiedChains[0][0]}
	}
	return nil
}

// ListInfo tells of a revocation list in force.
type ListInfo struct {
	// Issuer is the issuer's distinguished name, File where the list is.
	Issuer, File string
	NextUpdate   time.Time
	// Revoked is how many certificates it names.
	Revoked int
}

// Lists are the revocation lists in force, in the order of their files.
func (r *Reloader) Lists() []ListInfo {
	inForce := r.inForce.Load()
	if inForce == nil {
		return nil
	}
	var out []ListInfo
	for _, c := range inForce.all {
		out = append(out, ListInfo{Issuer: c.name, File: c.path, NextUpdate: c.nextUpdate, Revoked: len(c.revoked)})
	}
	return out
}

// loadLists reads the revocation lists for the first time: all of them have to be good.
func (r *Reloader) loadLists() error {
	if len(r.cfg.RevocationLists) == 0 {
		return nil
	}
	r.lists = newCRLFiles(r.cfg.RevocationLists)
	if _, err := r.lists.read(r.authorities(), r.cfg.Clock()); err != nil {
		return err
	}
	r.inForce.Store(newRevocations(r.cfg.Revocation, r.lists.all(), r.warnUnknown))
	r.tellOverdue()
	return nil
}

// authorities are the certificates that lists are checked with when they are read.
func (r *Reloader) authorities() []*x509.Certificate {
	s := r.current.Load()
	return slices.Concat(slices.Concat(s.chains...), s.trust)
}

// reloadLists takes the revocation lists that have changed and are good. The others stay as they were. The caller holds r.reading.
func (r *Reloader) reloadLists() error {
	if r.lists == nil {
		return nil
	}
	changed, err := r.lists.read(r.authorities(), r.cfg.Clock())
	if changed {
		r.inForce.Store(newRevocations(r.cfg.Revocation, r.lists.all(), r.warnUnknown))
	}
	news, revoked := r.countLists(changed, err)
	r.tellOverdue()
	if changed {
		r.cfg.Logger.Info("revocation lists renewed", "files", len(r.lists.files))
		if revoked != nil {
			revoked()
		}
	}
	if news {
		r.cfg.Logger.Warn("revocation lists not renewed, the last good ones stay", "cause", err)
	}
	return err
}

// countLists remembers what came of a look at the revocation lists. It reports whether a failure is a new one, and who is to be told of
// changes.
func (r *Reloader) countLists(changed bool, err error) (news bool, revoked func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if changed {
		r.stats.ListReloads++
	}
	failure := ""
	if err != nil {
		r.stats.ListFailures++
		failure = err.Error()
	}
	news = failure != "" && failure != r.listFailure
	r.listFailure = failure
	return news, r.revoked
}

// warnUnknown tells of certificates that are accepted though it is not known whether they were revoked.
func (r *Reloader) warnUnknown(issuer string) {
	r.cfg.Logger.Warn("clients are accepted without a current revocation list of their issuer", "issuer", issuer)
}

// tellOverdue warns once of each list that is out of date. The caller holds r.reading, or nobody else has r yet.
func (r *Reloader) tellOverdue() {
	for _, c := range r.lists.all() {
		if c.overdue || !r.cfg.Clock().After(c.nextUpdate) {
			continue
		}
		c.overdue = true
		r.cfg.Logger.Warn("a revocation list is out of date", "file", c.path, "issuer", c.name, "next_update", c.nextUpdate,
			"clients_are_refused", !r.cfg.Revocation.AcceptExpired)
	}
}
