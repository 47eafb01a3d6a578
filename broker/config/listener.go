package config

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Listener is one entry of listeners with all that is configured for it.
type Listener struct {
	// Name is the listener's name in upper case, Protocol one of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL.
	Name, Protocol string
	// Host is the address to listen on, "" for every interface; port 0 takes a free one.
	Host string
	Port int32
	// AdvertisedHost and AdvertisedPort are what clients are told; port 0 means the port that was taken.
	AdvertisedHost string
	AdvertisedPort int32
	// TLS is nil on listeners without it.
	TLS *TLS
	// Mechanisms are the SASL mechanisms, in the order that clients are told; none on listeners without SASL.
	Mechanisms []string
	// MaxSession is connections.max.reauth.ms by mechanism, where it is above 0.
	MaxSession map[string]time.Duration
	// SuperUsers are principals as Type:name, who may do everything that they ask by this listener (listener.name.NAME.super.users).
	SuperUsers []string
	// PrincipalRules is ssl.principal.mapping.rules, PrincipalSource chronik.ssl.principal.source.
	PrincipalRules, PrincipalSource string
	// Require is chronik.listener.require: what every connection has to have beyond the protocol.
	Require []string
	// PlainUsers are users of PLAIN with their passwords, from a PlainLoginModule; nil where none is configured.
	PlainUsers map[string]string
	// LDAP is nil where PLAIN asks no directory.
	LDAP *LDAP
	// GSSAPI is nil on listeners without it.
	GSSAPI *GSSAPI
	// OAuth is nil on listeners without OAUTHBEARER.
	OAuth *OAuth
}

// Address is host:port as for net.Listen.
func (l *Listener) Address() string { return net.JoinHostPort(l.Host, formatInt(int64(l.Port))) }

func (l *Listener) usesTLS() bool  { return l.Protocol == "SSL" || l.Protocol == "SASL_SSL" }
func (l *Listener) usesSASL() bool { return strings.HasPrefix(l.Protocol, "SASL_") }

func formatInt(n int64) string { return strconv.FormatInt(n, 10) }

// listeners reads listeners, advertised.listeners and all that is per listener.
func (l *loader) listeners() {
	protocols := l.protocolMap()
	controllers := SplitList(strings.ToUpper(l.config.text("controller.listener.names")))
	all := l.endpoints("listeners", l.listenersText())
	l.distinct(all)
	for _, name := range controllers {
		if !slices.ContainsFunc(all, func(e Listener) bool { return e.Name == name }) {
			l.fail("controller.listener.names=%s: %s is none of listeners", l.config.text("controller.listener.names"), name)
		}
	}
	for _, e := range all {
		isController := slices.Contains(controllers, e.Name)
		if e.Protocol = protocols[e.Name]; e.Protocol == "" && isController && !l.config.isSet("listener.security.protocol.map") {
			e.Protocol = "PLAINTEXT"
		}
		switch {
		case e.Protocol == "":
			l.fail("listeners: %s has no security protocol in listener.security.protocol.map", e.Name)
		case isController:
			l.config.ControllerListeners = append(l.config.ControllerListeners, e)
		default:
			l.config.Listeners = append(l.config.Listeners, e)
		}
	}
	if len(l.config.Listeners) == 0 && len(l.errs) == 0 {
		l.fail("listeners: none is for clients")
	}
	l.advertise()
	for i := range l.config.Listeners {
		l.secure(&l.config.Listeners[i])
	}
	l.amongBrokers()
}

// listenersText is listeners, whose default follows chronik.tls.enabled.
func (l *loader) listenersText() string {
	c := l.config
	if c.isSet("chronik.tls.enabled") && !c.boolean("chronik.tls.enabled") {
		if !c.boolean("chronik.allow.insecure") {
			l.fail("chronik.tls.enabled=false needs chronik.allow.insecure=true")
		}
		if !c.isSet("listeners") {
			return "SASL_PLAINTEXT://:9092"
		}
	}
	return c.text("listeners")
}

func (l *loader) protocolMap() map[string]string {
	out := map[string]string{}
	text := l.config.text("listener.security.protocol.map")
	for _, part := range SplitList(text) {
		name, protocol, found := strings.Cut(part, ":")
		name, protocol = strings.ToUpper(strings.TrimSpace(name)), strings.ToUpper(strings.TrimSpace(protocol))
		switch {
		case !found || name == "":
			l.fail("listener.security.protocol.map: %q is not NAME:PROTOCOL", part)
		case !slices.Contains(protocols(), protocol):
			l.fail("listener.security.protocol.map: %q is no security protocol; allowed: %s", protocol, strings.Join(protocols(), ", "))
		case out[name] != "" && out[name] != protocol:
			l.fail("listener.security.protocol.map: %s stands twice", name)
		default:
			out[name] = protocol
		}
	}
	return out
}

func protocols() []string { return []string{"PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"} }

// endpoints reads a list of NAME://host:port.
func (l *loader) endpoints(key, text string) []Listener {
	var out []Listener
	for _, part := range SplitList(text) {
		name, address, found := strings.Cut(part, "://")
		host, port, err := splitHostPort(address)
		if !found || name == "" || err != nil {
			l.fail("%s: %q is not NAME://host:port", key, part)
			continue
		}
		name = strings.ToUpper(name)
		if slices.ContainsFunc(out, func(e Listener) bool { return e.Name == name }) {
			l.fail("%s: the listener %s stands twice", key, name)
			continue
		}
		out = append(out, Listener{Name: name, Host: host, Port: port})
	}
	return out
}

func splitHostPort(address string) (host string, port int32, err error) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, fmt.Errorf("%w: %q is not host:port: %w", ErrInvalid, address, err)
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return "", 0, fmt.Errorf("%w: %q is no port", ErrInvalid, text)
	}
	return host, int32(n), nil //nolint:gosec // 16 bits
}

// distinct holds that no two listeners want one port. As in Apache Kafka an IPv4 and an IPv6 address may share one.
func (l *loader) distinct(all []Listener) {
	for i, a := range all {
		for _, b := range all[:i] {
			if a.Port != 0 && a.Port == b.Port && !differentFamilies(a.Host, b.Host) {
				l.fail("listeners: %s and %s have the same port, %d", b.Name, a.Name, a.Port)
			}
		}
	}
}

func differentFamilies(a, b string) bool {
	first, err1 := netip.ParseAddr(a)
	second, err2 := netip.ParseAddr(b)
	return err1 == nil && err2 == nil && first.Is4() != second.Is4()
}

// advertise fills in what clients are told: advertised.listeners, else where the broker listens, else this machine's name.
func (l *loader) advertise() {
	advertised := l.endpoints("advertised.listeners", l.config.text("advertised.listeners"))
	for _, a := range advertised {
		known := func(e Listener) bool { return e.Name == a.Name }
		if !slices.ContainsFunc(l.config.Listeners, known) && !slices.ContainsFunc(l.config.ControllerListeners, known) {
			l.fail("advertised.listeners: %s is none of listeners", a.Name)
		}
		if isWildcard(a.Host) && a.Host != "" {
			l.fail("advertised.listeners: %s has the address %s, which clients can not connect to", a.Name, a.Host)
		}
	}
	for i := range l.config.Listeners {
		e := &l.config.Listeners[i]
		e.AdvertisedHost, e.AdvertisedPort = e.Host, e.Port
		for _, a := range advertised {
			if a.Name == e.Name {
				e.AdvertisedHost, e.AdvertisedPort = a.Host, a.Port
			}
		}
		if isWildcard(e.AdvertisedHost) {
			e.AdvertisedHost = machineName()
		}
	}
}

func isWildcard(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "" || err == nil && addr.IsUnspecified()
}

func machineName() string {
	name, err := os.Hostname()
	if err != nil || name == "" {
		return "localhost"
	}
	return name
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && addr.IsLoopback()
}

// amongBrokers checks what is said of connections among brokers, though a single node has none.
func (l *loader) amongBrokers() {
	c := l.config
	name := strings.ToUpper(c.text("inter.broker.listener.name"))
	if name != "" && c.isSet("security.inter.broker.protocol") {
		l.fail("inter.broker.listener.name and security.inter.broker.protocol exclude each other")
	}
	if name != "" && !slices.ContainsFunc(c.Listeners, func(e Listener) bool { return e.Name == name }) {
		l.fail("inter.broker.listener.name=%s is none of listeners", name)
	}
	protocol := c.text("security.inter.broker.protocol")
	if c.isSet("security.inter.broker.protocol") && !slices.ContainsFunc(c.Listeners, func(e Listener) bool { return e.Protocol == protocol }) {
		l.fail("security.inter.broker.protocol=%s: no listener speaks it", protocol)
	}
}
