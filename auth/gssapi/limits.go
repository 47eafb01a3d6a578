package gssapi

import "time"

const (
	// defaultSkew is how far the clocks of clients may be off where krb5.conf says nothing (RFC 4120 section 3.2.3), maxSkew the most that
	// it may say: authenticators are remembered for twice as long.
	defaultSkew, maxSkew = 5 * time.Minute, time.Hour
	// shortestSession is the least time that a session is given which ends with its ticket. Clients renew theirs 1 s (franz-go) or 15 %
	// (Java) before the end, and the server refuses to renew one more than once a second.
	shortestSession = 3 * time.Second
	// defaultReload is how often the keytab is looked at.
	defaultReload = 10 * time.Second
	// maxKeytabBytes bounds the keytab; with four keys a principal it holds some thousand principals.
	maxKeytabBytes = 1 << 20
	// maxListedNames bounds the names that an error lists of a keytab.
	maxListedNames = 8
	// maxReplays bounds the authenticators that are remembered: 1,700 log-ins a second for ten minutes, 50 MB.
	maxReplays = 1 << 20
	// ticketReserve is how long before its end a ticket for another broker is not used any more, maxTickets bounds those that are kept.
	ticketReserve, maxTickets = time.Minute, 1024
	// maxAnswer bounds the offer of layers and the answer to it: header, choice, a name and a checksum.
	maxAnswer = 4096
	// maxComponents bounds the parts of a name.
	maxComponents = 8
	// maxRulesBytes bounds sasl.kerberos.principal.to.local.rules.
	maxRulesBytes = 64 << 10
	// maxConfigBytes bounds a krb5.conf, maxIncludes the files that it includes.
	maxConfigBytes, maxIncludes = 1 << 20, 64
)
