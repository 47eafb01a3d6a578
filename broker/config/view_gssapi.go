package config

import (
	"slices"
	"strings"
	"time"
)

// GSSAPI is what the configuration says of a listener's log-ins by Kerberos.
type GSSAPI struct {
	// Keytab is the file with the service's keys, Principal a name that it has to have, "" for any of Service.
	Keytab, Principal string
	// Service is sasl.kerberos.service.name, "" for the first part of Principal.
	Service string
	// Rules are sasl.kerberos.principal.to.local.rules.
	Rules []string
	// OutliveTickets says that sessions do not end with their tickets.
	OutliveTickets bool
	// ReloadInterval is how often the keytab is looked at; negative means never.
	ReloadInterval time.Duration
}

const krb5Module = "com.sun.security.auth.module.Krb5LoginModule"

// anyPrincipal is how a Krb5LoginModule says that every name of the keytab will do.
const anyPrincipal = "*"

// krb5Options are the options of Java's Krb5LoginModule, and serviceName, which Apache Kafka adds. Those with false have no meaning for
// a server that has a keytab.
func krb5Options() map[string]bool {
	return map[string]bool{
		"useKeyTab": true, "keyTab": true, "principal": true, "serviceName": true, "storeKey": true,
		"useTicketCache": false, "ticketCache": false, "renewTGT": false, "doNotPrompt": false, "isInitiator": false,
		"refreshKrb5Config": false, "debug": false, "useFirstPass": false, "tryFirstPass": false, "storePass": false, "clearPass": false,
	}
}

// gssapi fills in what GSSAPI needs on a listener that has it: its own Krb5LoginModule, else the general one, else chronik.sasl.gssapi.*.
func (l *loader) gssapi(e *Listener) {
	const mechanism = "GSSAPI"
	c := l.config
	if !slices.Contains(e.Mechanisms, mechanism) {
		if c.isSet("chronik.sasl.gssapi.keytab") {
			l.warn("chronik.sasl.gssapi.keytab", "chronik.sasl.gssapi.keytab has no effect on the listener %s, whose sasl.enabled.mechanisms has no GSSAPI", e.Name)
		}
		return
	}
	g := &GSSAPI{
		Keytab: c.text("chronik.sasl.gssapi.keytab"), Principal: c.text("chronik.sasl.gssapi.principal"),
		Service: c.of(e.Name, "sasl.kerberos.service.name"), Rules: SplitList(c.of(e.Name, "sasl.kerberos.principal.to.local.rules")),
		OutliveTickets: c.of(e.Name, "chronik.sasl.kerberos.session.bound.to.ticket") != "true",
		ReloadInterval: c.millis("chronik.sasl.gssapi.reload.interval.ms"),
	}
	key := strings.ToLower(mechanism) + jaasSuffix
	if m, given := l.module(e, mechanism, krb5Module); given {
		l.krb5(e, key, m, g)
	}
	if g.Principal == anyPrincipal {
		g.Principal = ""
	}
	if g.Keytab == "" {
		l.fail("the listener %s has GSSAPI and needs a keytab: chronik.sasl.gssapi.keytab, or keyTab in %s", e.Name, key)
	}
	if g.Service == "" && g.Principal == "" {
		l.fail("the listener %s has GSSAPI and needs sasl.kerberos.service.name, or chronik.sasl.gssapi.principal", e.Name)
	}
	e.GSSAPI = g
}

// krb5 takes what a Krb5LoginModule says.
func (l *loader) krb5(e *Listener, key string, m jaasModule, g *GSSAPI) {
	known := krb5Options()
	for option := range m.options {
		if _, isKnown := known[option]; !isKnown {
			l.fail("%s of the listener %s: Krb5LoginModule has no option %s", key, e.Name, option)
		}
	}
	if !strings.EqualFold(m.options["useKeyTab"], "true") || strings.EqualFold(m.options["storeKey"], "false") {
		l.fail("%s of the listener %s: a server needs the keys of a keytab, not a ticket: useKeyTab=true storeKey=true keyTab=\"FILE\"", key, e.Name)
	}
	if path := strings.TrimPrefix(m.options["keyTab"], "FILE:"); path != "" {
		g.Keytab = path
	}
	if principal := m.options["principal"]; principal != "" {
		g.Principal = principal
	}
	switch name := m.options["serviceName"]; {
	case name != "" && g.Service != "" && name != g.Service:
		l.fail("%s of the listener %s: serviceName %s differs from sasl.kerberos.service.name=%s", key, e.Name, name, g.Service)
	case name != "":
		g.Service = name
	}
}
