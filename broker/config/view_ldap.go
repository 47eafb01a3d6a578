package config

import (
	"slices"
	"strconv"
	"time"
)

// LDAP is what the configuration says of the directory that a listener's PLAIN asks.
type LDAP struct {
	// The fields are the keys chronik.sasl.plain.ldap.*.
	URL, CA                  string
	StartTLS                 bool
	BindTemplate             string
	SearchBase, SearchFilter string
	BindDN, BindPassword     string
	GroupsAttribute          string
	Timeout, Remember        time.Duration
}

const (
	plainMechanism = "PLAIN"
	ldapPrefix     = "chronik.sasl.plain.ldap."
)

// ldap fills in the directory of a listener's PLAIN, where there is one. PLAIN has one source of users.
func (l *loader) ldap(e *Listener) {
	get := func(key string) string { return l.config.of(e.Name, ldapPrefix+key) }
	if get("url") == "" || !slices.Contains(e.Mechanisms, plainMechanism) {
		return
	}
	if e.PlainUsers != nil || l.config.text("chronik.sasl.plain.users.file") != "" {
		l.fail("the listener %s has %surl, and users of PLAIN in its log-in module or in chronik.sasl.plain.users.file; one is allowed", e.Name, ldapPrefix)
	}
	number := func(key string) time.Duration {
		n, _ := strconv.ParseInt(get(key), 10, 64) // it was parsed when it was read
		return millis(n)
	}
	e.LDAP = &LDAP{
		URL: get("url"), CA: get("ca"), StartTLS: get("starttls") == "true", BindTemplate: get("bind.dn.template"),
		SearchBase: get("search.base"), SearchFilter: get("search.filter"), BindDN: get("bind.dn"), BindPassword: get("bind.password"),
		GroupsAttribute: get("groups.attribute"), Timeout: number("timeout.ms"), Remember: number("cache.ms"),
	}
}
