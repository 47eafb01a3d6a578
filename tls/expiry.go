package tls

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"log/slog"
	"time"
)

// The kinds of certificates in use.
const (
	// KindServer is the server's own, KindChain what it sends beside it, KindTrust one of the trust store.
	KindServer = "server"
	KindChain  = "chain"
	KindTrust  = "trust"
)

// CertificateInfo tells of a certificate in use.
type CertificateInfo struct {
	// Kind is KindServer, KindChain or KindTrust.
	Kind string
	// Subject is its distinguished name, Serial its serial number in hexadecimal.
	Subject, Serial string
	NotAfter        time.Time

	digest [sha256.Size]byte
}

// Certificates lists the certificates in use.
func (r *Reloader) Certificates() []CertificateInfo {
	var all []CertificateInfo
	add := func(kind string, c *x509.Certificate) {
		all = append(all, CertificateInfo{
			Kind: kind, Subject: c.Subject.String(), Serial: c.SerialNumber.Text(16), NotAfter: c.NotAfter, digest: sha256.Sum256(c.Raw),
		})
	}
	s := r.current.Load()
	for _, chain := range s.chains {
		for i, c := range chain {
			if i == 0 {
				add(KindServer, c)
			} else {
				add(KindChain, c)
			}
		}
	}
	for _, c := range s.trust {
		add(KindTrust, c)
	}
	return all
}

// expiryWarnings says of each certificate in use, once at each time before its end that is configured, that it will end.
type expiryWarnings struct {
	// before are the times, in any order.
	before []time.Duration
	// told is the shortest of them that was told of each certificate; 0 is that it has ended.
	told map[[sha256.Size]byte]time.Duration
}

// look warns of what has come near its end. What is not in use any more is forgotten.
func (w *expiryWarnings) look(certs []CertificateInfo, now time.Time, logger *slog.Logger) {
	if len(w.before) == 0 {
		return
	}
	told := map[[sha256.Size]byte]time.Duration{}
	for _, c := range certs {
		reached, is := w.reached(c.NotAfter.Sub(now))
		if !is {
			continue
		}
		last, was := w.told[c.digest]
		if _, again := told[c.digest]; again {
			continue
		}
		told[c.digest] = reached
		if was && last <= reached {
			continue
		}
		level, text := slog.LevelWarn, "a certificate expires soon"
		if reached == 0 {
			level, text = slog.LevelError, "a certificate has expired"
		}
		logger.Log(context.Background(), level, text, "kind", c.Kind, "subject", c.Subject, "serial", c.Serial, "not_after", c.NotAfter)
	}
	w.told = told
}

// reached is the shortest configured time that is not shorter than what is left, 0 where nothing is left.
func (w *expiryWarnings) reached(left time.Duration) (reached time.Duration, is bool) {
	if left <= 0 {
		return 0, true
	}
	for _, b := range w.before {
		if left <= b && (!is || b < reached) {
			reached, is = b, true
		}
	}
	return reached, is
}
