package rego

import (
	"encoding/binary"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
)

// leaf is one value of the input document: where it is and how it comes from a question. One of text, number, list and flag is set.
type leaf struct {
	path   []string
	text   func(*Question) string
	number func(*Question) int64
	list   func(*Question) []string
	flag   func(*Question) bool
	// shown, where set, is how a text is written in the document. It is injective, so that the text itself will do as a key.
	shown func(string) string
	// has, where set, says whether the document has the value at all.
	has func(*Question) bool
	// every, where set, is how long the value stays the same: it is of the time.
	every time.Duration
}

func at(path string) []string { return strings.Split(path, ".") }

// leaves are the input document. The first part is what the OPA plugin sends, then come the fields of its first version, then ours.
func leaves() []leaf {
	all := pluginLeaves()
	all = append(all, firstPluginLeaves()...)
	all = append(all, sessionLeaves()...)
	all = append(all, certificateLeaves()...)
	all = append(all, creationLeaves()...)
	return append(all, timeLeaves()...)
}

func pluginLeaves() []leaf {
	all := []leaf{
		{path: at("action.operation"), text: func(q *Question) string { return q.Op.String() }},
		{path: at("action.resourcePattern.resourceType"), text: func(q *Question) string { return q.On.Type.String() }},
		{path: at("action.resourcePattern.name"), text: func(q *Question) string { return q.On.Name }},
		{path: at("action.resourcePattern.patternType"), text: (*Question).patternType},
		{path: at("action.resourcePattern.unknown"), flag: func(*Question) bool { return false }},
		{path: at("action.resourceReferenceCount"), number: func(*Question) int64 { return 1 }},
		{path: at("action.logIfAllowed"), flag: func(*Question) bool { return true }},
		{path: at("action.logIfDenied"), flag: func(*Question) bool { return true }},
		{path: at("requestContext.clientAddress"), text: func(q *Question) string { return q.Who.Host }, shown: func(s string) string { return "/" + s }},
		{path: at("requestContext.clientInformation.softwareName"), text: func(q *Question) string { return q.facts.SoftwareName }},
		{path: at("requestContext.clientInformation.softwareVersion"), text: func(q *Question) string { return q.facts.SoftwareVersion }},
		{path: at("requestContext.connectionId"), number: func(q *Question) int64 { return int64(q.facts.Connection) }}, //nolint:gosec // a count
		{path: at("requestContext.listenerName"), text: func(q *Question) string { return q.Who.Listener }},
		{path: at("requestContext.principal.principalType"), text: func(q *Question) string { return q.Who.Principal.Type }},
		{path: at("requestContext.principal.name"), text: func(q *Question) string { return q.Who.Principal.Name }},
		{path: at("requestContext.securityProtocol"), text: func(q *Question) string { return q.Who.Session.Protocol }},
	}
	// The plugin's documentation has the header's fields under data, its code under name.
	for _, header := range []string{"requestContext.header.name.", "requestContext.header.data."} {
		all = append(
			all,
			leaf{path: at(header + "clientId"), text: func(q *Question) string { return q.facts.ClientID }},
			leaf{path: at(header + "correlationId"), number: func(q *Question) int64 { return int64(q.facts.CorrelationID) }},
			leaf{path: at(header + "requestApiKey"), number: func(q *Question) int64 { return int64(q.facts.Key) }},
			leaf{path: at(header + "requestApiVersion"), number: func(q *Question) int64 { return int64(q.facts.Version) }},
		)
	}
	return all
}

func firstPluginLeaves() []leaf {
	return []leaf{
		{path: at("operation.name"), text: func(q *Question) string { return q.Op.String() }, shown: inWords},
		{path: at("resource.resourceType.name"), text: func(q *Question) string { return q.On.Type.String() }, shown: inWords},
		{path: at("resource.name"), text: func(q *Question) string { return q.On.Name }},
		{path: at("session.principal.principalType"), text: func(q *Question) string { return q.Who.Principal.Type }},
		{path: at("session.principal.name"), text: func(q *Question) string { return q.Who.Principal.Name }},
		{path: at("session.clientAddress"), text: func(q *Question) string { return q.Who.Host }},
		{path: at("session.sanitizedUser"), text: func(q *Question) string { return q.Who.Principal.Name }, shown: sanitized},
	}
}

func sessionLeaves() []leaf {
	encrypted := func(q *Question) bool { return q.Who.Session.Encryption != nil }
	return []leaf{
		{path: at("api"), text: func(q *Question) string { return q.facts.API }},
		{path: at("host"), text: func(q *Question) string { return q.Who.Host }},
		{path: at("listener"), text: func(q *Question) string { return q.Who.Listener }},
		{path: at("groups"), list: func(q *Question) []string { return q.Who.Session.Groups }},
		{path: at("authentication.method"), text: func(q *Question) string { return q.Who.Session.Method }},
		{path: at("authentication.token"), text: func(q *Question) string { return q.Who.Session.Token }},
		{path: at("authentication.proven"), text: func(q *Question) string { return q.Who.Session.Proven }},
		{path: at("authentication.established"), number: func(q *Question) int64 { return nanos(q.Who.Session.Established) }},
		{path: at("authentication.issued"), number: func(q *Question) int64 { return nanos(q.Who.Session.Issued) }},
		{path: at("authentication.expires"), number: func(q *Question) int64 { return nanos(q.Who.Session.Expires) }},
		{path: at("authentication.iterations"), number: func(q *Question) int64 { return int64(q.Who.Session.Iterations) }},
		{path: at("tls.version"), has: encrypted, text: func(q *Question) string { return q.Who.Session.Encryption.Version }},
		{path: at("tls.group"), has: encrypted, text: func(q *Question) string { return q.Who.Session.Encryption.Group }},
		{path: at("tls.suite"), has: encrypted, text: func(q *Question) string { return q.Who.Session.Encryption.Suite }},
		{path: at("tls.postQuantum"), has: encrypted, flag: func(q *Question) bool { return q.Who.Session.Encryption.PostQuantum }},
	}
}

func certificateLeaves() []leaf {
	shown := func(q *Question) bool { return q.Who.Session.Certificate != nil }
	return []leaf{
		{path: at("certificate.subject"), has: shown, text: func(q *Question) string { return q.Who.Session.Certificate.Subject }},
		{path: at("certificate.issuer"), has: shown, text: func(q *Question) string { return q.Who.Session.Certificate.Issuer }},
		{path: at("certificate.serial"), has: shown, text: func(q *Question) string { return q.Who.Session.Certificate.Serial }},
		{path: at("certificate.fingerprint"), has: shown, text: func(q *Question) string { return q.Who.Session.Certificate.Fingerprint }},
		{path: at("certificate.notBefore"), has: shown, number: func(q *Question) int64 { return nanos(q.Who.Session.Certificate.NotBefore) }},
		{path: at("certificate.notAfter"), has: shown, number: func(q *Question) int64 { return nanos(q.Who.Session.Certificate.NotAfter) }},
		{path: at("certificate.dnsNames"), has: shown, list: func(q *Question) []string { return q.Who.Session.Certificate.DNSNames }},
		{path: at("certificate.uris"), has: shown, list: func(q *Question) []string { return q.Who.Session.Certificate.URIs }},
		{path: at("certificate.emails"), has: shown, list: func(q *Question) []string { return q.Who.Session.Certificate.Emails }},
		{path: at("certificate.addresses"), has: shown, list: func(q *Question) []string { return q.Who.Session.Certificate.Addresses }},
	}
}

// creationLeaves are there for requests that are to create topics. Decisions are cached by these numbers, too: another number is another
// question.
func creationLeaves() []leaf {
	creates := func(q *Question) bool { return q.facts.TopicsAsked > 0 }
	return []leaf{
		{path: at("topics.asked"), has: creates, number: func(q *Question) int64 { return int64(q.facts.TopicsAsked) }},
		{path: at("topics.created"), has: creates, number: func(q *Question) int64 { return int64(q.facts.TopicsCreated) }},
	}
}

// timeLeaves are the time of the question, in nanoseconds since 1970, cut down to whole units: a policy that needs no more than the minute
// has decisions that hold for one.
func timeLeaves() []leaf {
	cut := func(name string, unit time.Duration) leaf {
		return leaf{path: at("time." + name), every: unit, number: func(q *Question) int64 { return q.Now.UnixNano() / int64(unit) * int64(unit) }}
	}
	return []leaf{cut("second", time.Second), cut("minute", time.Minute), cut("hour", time.Hour)}
}

func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

// appendKey appends the value so that no two different sequences of values are the same bytes.
func (l *leaf) appendKey(b []byte, q *Question) []byte {
	if l.has != nil {
		if !l.has(q) {
			return append(b, 0)
		}
		b = append(b, 1)
	}
	switch {
	case l.text != nil:
		return appendText(b, l.text(q))
	case l.number != nil:
		return binary.BigEndian.AppendUint64(b, uint64(l.number(q))) //nolint:gosec // as a key
	case l.flag != nil:
		if l.flag(q) {
			return append(b, 1)
		}
		return append(b, 0)
	default:
		texts := l.list(q)
		b = binary.AppendUvarint(b, uint64(len(texts)))
		for _, s := range texts {
			b = appendText(b, s)
		}
		return b
	}
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// term is the value as the document has it, nil where it has none.
func (l *leaf) term(q *Question) *ast.Term {
	switch {
	case l.has != nil && !l.has(q):
		return nil
	case l.text != nil && l.shown != nil:
		return ast.StringTerm(l.shown(l.text(q)))
	case l.text != nil:
		return ast.StringTerm(l.text(q))
	case l.number != nil:
		return ast.NewTerm(ast.Number(decimal(l.number(q))))
	case l.flag != nil:
		return ast.BooleanTerm(l.flag(q))
	default:
		var terms []*ast.Term
		for _, s := range l.list(q) {
			terms = append(terms, ast.StringTerm(s))
		}
		return ast.ArrayTerm(terms...)
	}
}
