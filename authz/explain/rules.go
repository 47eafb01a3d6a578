package explain

import (
	"maps"
	"net/netip"
	"slices"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/authz"
)

// maxHosts bounds the hosts that one question is asked for beside its own: each may be a question to policies.
const maxHosts = 64

// Rules are what decides in a broker.
type Rules struct {
	Mode       string
	Authorizer authz.Authorizer
	// ACLs calls yield for each ACL that the filter matches.
	ACLs func(f authz.Filter, yield func(authz.Binding) bool)
	// Invariant says why an operation is refused to every client, whatever the rules say; "" where it is not.
	Invariant func(authz.Operation, authz.Resource) string
	// Protocols are the security protocols of the broker's listeners, by name.
	Protocols map[string]string
}

// Answer answers a question by the rules as they are now.
func (r *Rules) Answer(q *Question) (*Answer, error) {
	a, err := q.parse()
	if err != nil {
		return nil, err
	}
	view := r.Authorizer.Pin()
	at := func(host, listener string) Case {
		c := caseOf(authz.Explain(view, r.subject(q, a.who, host, listener), a.op, a.on))
		c.Host, c.Listener = host, listener
		return c
	}
	answer := &Answer{Mode: r.Mode, Case: at(q.Host, q.Listener), Invariant: r.Invariant(a.op, a.on)}
	var more []Case
	if q.Host == "" {
		var hosts []string
		hosts, answer.Omitted = r.hosts(a)
		for _, host := range hosts {
			more = append(more, at(host, q.Listener))
		}
	}
	if q.Listener == "" {
		for _, listener := range slices.Sorted(maps.Keys(r.Protocols)) {
			more = append(more, at(q.Host, listener))
		}
	}
	for i := range more {
		if !sameVerdict(&more[i].Verdict, &answer.Case.Verdict) {
			answer.Elsewhere = append(answer.Elsewhere, more[i])
		}
	}
	return answer, nil
}

func sameVerdict(a, b *Verdict) bool {
	sameACL := a.ACL == b.ACL || a.ACL != nil && b.ACL != nil && *a.ACL == *b.ACL
	return a.Allowed == b.Allowed && a.Reason == b.Reason && sameACL
}

// subject is the principal as a log-in from there would have made him.
func (r *Rules) subject(q *Question, who auth.Principal, host, listener string) authz.Subject {
	s := &auth.Session{Principal: who, Groups: q.Groups, Method: q.Method, Listener: listener, Protocol: r.Protocols[listener]}
	if ip, err := netip.ParseAddr(host); err == nil {
		s.Host = ip
	}
	return authz.Subject{Principal: who, Host: host, Listener: listener, Session: s}
}

// hosts are those that ACLs on the resource name for the principal, and how many more there are.
func (r *Rules) hosts(a asked) (hosts []string, omitted int) {
	named := map[string]bool{}
	f := authz.Filter{
		Type: a.on.Type, Name: &a.on.Name, Pattern: authz.Match, Operation: authz.AnyOperation, Permission: authz.AnyPermission,
	}
	r.ACLs(f, func(b authz.Binding) bool {
		if b.Host != authz.AnyHost && (b.Principal == a.who.String() || b.Principal == Everybody) {
			named[b.Host] = true
		}
		return true
	})
	hosts = slices.Sorted(maps.Keys(named))
	if len(hosts) > maxHosts {
		return hosts[:maxHosts], len(hosts) - maxHosts
	}
	return hosts, 0
}
