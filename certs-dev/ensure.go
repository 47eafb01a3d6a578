package certsdev

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// DefaultClientName is the common name of the client certificate where Options has none.
const DefaultClientName = "chronik-client"

// Options say what the certificates are made out to. The zero value is right for most.
type Options struct {
	// ClientName is the client certificate's common name; "" is DefaultClientName.
	ClientName string
	// Hosts are names and addresses that the server certificate is valid for beside localhost, 127.0.0.1, ::1 and the
	// machine's name, such as those of advertised.listeners.
	Hosts []string
	// Clock tells what is valid; nil is time.Now.
	Clock func() time.Time
}

// Paths are where everything is; absolute if the directory was given so.
type Paths struct {
	// CA is the authority's certificate.
	CA string
	// ServerChain and ServerKey are the server's certificate, with its issuer, and its private key; ServerKeyStore is both in
	// one file, the key first, as ssl.keystore.location wants it.
	ServerChain, ServerKey, ServerKeyStore string
	// ClientChain and ClientKey are the same of the client; ClientKeyStore is both in one file, the key first.
	ClientChain, ClientKey, ClientKeyStore string
}

// Ensure makes what is missing in dir, damaged, or close to its end, and leaves alone what is good. Two processes must not do
// it in one directory at the same time.
func Ensure(dir string, opts Options) (*Paths, error) {
	if opts.ClientName == "" {
		opts.ClientName = DefaultClientName
	}
	if opts.Clock == nil {
		opts.Clock = time.Now
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the directory of development certificates: %w", err)
	}
	in := func(name string) string { return filepath.Join(dir, name) }
	paths := &Paths{
		CA: in("ca.pem"), ServerChain: in("server.pem"), ServerKey: in("server.key"), ServerKeyStore: in("server.keystore.pem"),
		ClientChain: in("client.pem"), ClientKey: in("client.key"), ClientKeyStore: in("client.keystore.pem"),
	}
	m := maker{now: opts.Clock()}
	authority, err := m.authority(paths.CA, in("ca.key"))
	if err != nil {
		return nil, err
	}
	server, err := m.leaf(authority, serverTemplate(opts.Hosts), paths.ServerChain, paths.ServerKey)
	if err != nil {
		return nil, err
	}
	if err := keepKeyStore(server, paths.ServerKeyStore); err != nil {
		return nil, err
	}
	client, err := m.leaf(authority, clientTemplate(opts.ClientName), paths.ClientChain, paths.ClientKey)
	if err != nil {
		return nil, err
	}
	return paths, keepKeyStore(client, paths.ClientKeyStore)
}

// maker makes certificates that are valid from one moment on.
type maker struct{ now time.Time }

func (m *maker) authority(certPath, keyPath string) (*pair, error) {
	p, err := readPair(certPath, keyPath)
	if err == nil && p.leaf().IsCA && m.fresh(p.leaf()) {
		return p, nil
	}
	if err != nil && !unusable(err) {
		return nil, err
	}
	if p, err = m.signSelf(authorityTemplate()); err != nil {
		return nil, err
	}
	return p, p.write(certPath, keyPath)
}

// leaf keeps a certificate that is fresh, of this authority, and made out to all that template names, or makes one.
func (m *maker) leaf(authority *pair, template *x509.Certificate, certPath, keyPath string) (*pair, error) {
	p, err := readPair(certPath, keyPath)
	if err == nil && m.fresh(p.leaf()) && p.leaf().CheckSignatureFrom(authority.leaf()) == nil && covers(p.leaf(), template) {
		return p, nil
	}
	if err != nil && !unusable(err) {
		return nil, err
	}
	if p, err = m.sign(template, authority); err != nil {
		return nil, err
	}
	return p, p.write(certPath, keyPath)
}

// unusable reports errors that are mended by making the files anew. What cannot be read at all, for want of rights or for a
// broken disk, is not overwritten.
func unusable(err error) bool { return errors.Is(err, os.ErrNotExist) || errors.Is(err, errDamaged) }

func (m *maker) fresh(cert *x509.Certificate) bool {
	return !m.now.Before(cert.NotBefore) && m.now.Add(renewBefore).Before(cert.NotAfter)
}

func covers(cert, template *x509.Certificate) bool {
	if cert.Subject.CommonName != template.Subject.CommonName {
		return false
	}
	names := func(name string) bool { return slices.Contains(cert.DNSNames, name) }
	addresses := func(ip net.IP) bool { return slices.ContainsFunc(cert.IPAddresses, ip.Equal) }
	return all(template.DNSNames, names) && all(template.IPAddresses, addresses)
}

func all[T any](values []T, holds func(T) bool) bool {
	return !slices.ContainsFunc(values, func(v T) bool { return !holds(v) })
}
