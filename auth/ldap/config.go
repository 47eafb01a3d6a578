package ldap

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/chronik-stream/chronik/tls"
)

// ErrBadConfig is wrapped by the errors about a configuration that can not work or would not be safe.
var ErrBadConfig = errors.New("bad LDAP configuration")

// Config says which directory is asked, and how users are found there: by BindTemplate, or by a search.
type Config struct {
	// URL is ldaps://host[:port] or ldap://host[:port].
	URL string
	// StartTLS says that a connection to ldap:// is secured before anything is sent on it. Without it, only loopback is allowed.
	StartTLS bool
	// TLS is whom the directory is verified by. Its ServerName is set here.
	TLS *tls.ClientConfig
	// BindTemplate is the distinguished name of users, of the form ATTRIBUTE=%s,...; "" where they are searched for.
	BindTemplate string
	// SearchBase and SearchFilter find a user's entry, in the whole subtree. The filter holds (ATTRIBUTE=%s) once. BindDN and
	// BindPassword are who searches; both empty is anonymous.
	SearchBase, SearchFilter string
	BindDN, BindPassword     string
	// GroupsAttribute is the attribute whose values are the user's groups; "" means none.
	GroupsAttribute string
	// Timeout bounds the check of one password, connecting included.
	Timeout time.Duration
	// Remember is how long a right log-in is known without asking again; 0 means not at all.
	Remember time.Duration
}

// Patterns of names are strict, so that the attribute is known by which users are named: the directory compares it without regard to case.
var (
	templateForm = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9-]*)=%s,[^%]+$`)
	filterForm   = regexp.MustCompile(`^[^%]*\(([A-Za-z][A-Za-z0-9-]*)=%s\)[^%]*$`)
)

// Check returns what is wrong with a configuration, beside what only the directory can tell.
func (c *Config) Check() error {
	if _, err := c.endpoint(); err != nil {
		return err
	}
	_, err := c.attribute()
	return err
}

// attribute is the one that holds the users' names.
func (c *Config) attribute() (string, error) {
	byTemplate, bySearch := c.BindTemplate != "", c.SearchBase != "" || c.SearchFilter != ""
	switch {
	case byTemplate == bySearch:
		return "", fmt.Errorf("%w: users are named by a bind.dn.template, or found by search.base and search.filter", ErrBadConfig)
	case byTemplate && (c.BindDN != "" || c.BindPassword != ""):
		return "", fmt.Errorf("%w: bind.dn and bind.password are for searches, and there is a bind.dn.template", ErrBadConfig)
	case byTemplate:
		return matched(templateForm, c.BindTemplate, "bind.dn.template has to be ATTRIBUTE=%s,... with one %s")
	case c.SearchBase == "":
		return "", fmt.Errorf("%w: search.filter needs a search.base", ErrBadConfig)
	case (c.BindDN == "") != (c.BindPassword == ""):
		return "", fmt.Errorf("%w: bind.dn and bind.password need each other", ErrBadConfig)
	}
	return matched(filterForm, c.SearchFilter, "search.filter has to hold (ATTRIBUTE=%s) once, and no other %")
}

func matched(form *regexp.Regexp, text, want string) (attribute string, err error) {
	m := form.FindStringSubmatch(text)
	if m == nil {
		return "", fmt.Errorf("%w: %q: %s", ErrBadConfig, text, want)
	}
	return m[1], nil
}

// endpoint is where the directory listens.
type endpoint struct {
	host, address string
	// secure says that the connection begins with TLS, upgrade that it is secured by StartTLS.
	secure, upgrade bool
}

func (c *Config) endpoint() (endpoint, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Hostname() == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return endpoint{}, fmt.Errorf("%w: the url is not of the form ldaps://host:port", ErrBadConfig)
	}
	e := endpoint{host: u.Hostname()}
	port := u.Port()
	switch u.Scheme {
	case "ldaps":
		e.secure = true
		if port == "" {
			port = "636"
		}
	case "ldap":
		e.upgrade = c.StartTLS
		if port == "" {
			port = "389"
		}
	default:
		return endpoint{}, fmt.Errorf("%w: the url begins with %q, allowed are ldaps and ldap", ErrBadConfig, u.Scheme)
	}
	if !e.secure && !e.upgrade && !isLoopback(e.host) {
		return endpoint{}, fmt.Errorf("%w: passwords would go to %s without TLS; that is for loopback alone", ErrBadConfig, e.host)
	}
	e.address = net.JoinHostPort(e.host, port)
	return e, nil
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && addr.IsLoopback()
}

// nameOf is a user's distinguished name, in which his name is one value whatever it holds (RFC 4514).
func (c *Config) nameOf(user string) string {
	return strings.Replace(c.BindTemplate, "%s", ldap.EscapeDN(user), 1)
}

// filterFor finds a user, whose name is one value in it whatever it holds (RFC 4515).
func (c *Config) filterFor(user string) string {
	return strings.Replace(c.SearchFilter, "%s", ldap.EscapeFilter(user), 1)
}
