package tls

import (
	"cmp"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

var (
	// ErrRevoked is wrapped where a certificate of a chain is in its issuer's revocation list.
	ErrRevoked = errors.New("the certificate has been revoked")
	// ErrUnknownRevocation is wrapped where nothing current is known of whether a certificate has been revoked.
	ErrUnknownRevocation = errors.New("whether the certificate has been revoked is not known")
)

// RevocationPolicy says what becomes of certificates whose issuer's list is missing or out of date. The zero value refuses them.
type RevocationPolicy struct {
	// AcceptExpired lets certificates in whose issuer's list is past its nextUpdate and does not name them.
	AcceptExpired bool
	// AcceptMissing lets certificates in whose issuer has no list.
	AcceptMissing bool
}

// revocations are the lists in force at one time.
type revocations struct {
	policy RevocationPolicy
	// all are the lists in the order of their files.
	all []*crl
	// byIssuer has the lists of an issuer, those of one key and scope together, the newest first.
	byIssuer map[string][][]*crl
	// warn is told of an issuer about whose certificates nothing current is known, and which are accepted.
	warn func(issuer string)

	mu     sync.Mutex
	warned map[string]bool
}

func newRevocations(policy RevocationPolicy, lists []*crl, warn func(issuer string)) *revocations {
	type kind struct{ issuer, key, scope string }
	kinds := map[kind][]*crl{}
	for _, c := range lists {
		k := kind{c.issuer, c.key, c.scope.raw}
		kinds[k] = append(kinds[k], c)
	}
	r := &revocations{policy: policy, all: lists, byIssuer: map[string][][]*crl{}, warn: warn, warned: map[string]bool{}}
	for k, same := range kinds {
		slices.SortFunc(same, func(a, b *crl) int { return b.thisUpdate.Compare(a.thisUpdate) })
		r.byIssuer[k.issuer] = append(r.byIssuer[k.issuer], same)
	}
	return r
}

// check says what stands against a verified chain, the leaf first: above all that one of its certificates has been revoked. The last
// one is trusted by itself.
func (r *revocations) check(chain []*x509.Certificate, now time.Time) error {
	var unknown error
	for i := range len(chain) - 1 {
		err := r.checkOne(chain[i], chain[i+1], now)
		if errors.Is(err, ErrRevoked) {
			return err
		}
		unknown = cmp.Or(unknown, err)
	}
	return unknown
}

// checkOne asks the newest lists that the issuer has signed; what somebody else has signed does not take the place of an older one. A
// list that is out of date still says who was revoked.
func (r *revocations) checkOne(cert, issuer *x509.Certificate, now time.Time) error {
	current, known := false, false
	id := sha256.Sum256(issuer.Raw)
	for _, same := range r.byIssuer[string(cert.RawIssuer)] {
		at := slices.IndexFunc(same, func(c *crl) bool { return c.signedBy(issuer, id) })
		if at < 0 {
			continue
		}
		c := same[at]
		if c.lists(cert) {
			return fmt.Errorf("%w: serial number %x of %q", ErrRevoked, cert.SerialNumber, cert.Issuer)
		}
		if c.scope.covers(cert) {
			known = true
			current = current || !now.After(c.nextUpdate)
		}
	}
	switch {
	case current:
		return nil
	case known && r.policy.AcceptExpired, !known && r.policy.AcceptMissing:
		r.warnOnce(cert.Issuer.String())
		return nil
	case known:
		return fmt.Errorf("%w: the revocation list of %q is out of date", ErrUnknownRevocation, cert.Issuer)
	default:
		return fmt.Errorf("%w: there is no revocation list of %q", ErrUnknownRevocation, cert.Issuer)
	}
}

// warnOnce warns of an issuer once for as long as the lists do not change.
func (r *revocations) warnOnce(issuer string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.warned) < maxSigners && !r.warned[issuer] {
		r.warned[issuer] = true
		r.warn(issuer)
	}
}

// trusted returns the first chain that nothing stands against, or what stands against the first one. Certificates that other
// authorities have signed too have several chains.
func (r *revocations) trusted(chains [][]*x509.Certificate, now time.Time) ([]*x509.Certificate, error) {
	var first error
	for _, chain := range chains {
		err := r.check(chain, now)
		if err == nil {
			return chain, nil
		}
		first = cmp.Or(first, err)
	}
	return nil, first
}
