package rego

import (
	"net/url"
	"strings"
	"time"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/authz"
)

// Question is what a policy is asked: may this subject do that.
type Question struct {
	Who authz.Subject
	Op  authz.Operation
	On  authz.Resource
	// AnyOfType asks about some resource of On.Type. As from the OPA plugin it comes as the prefix "".
	AnyOfType bool
	// Now is when it is asked.
	Now time.Time

	facts authz.RequestFacts
}

// complete gathers what the leaves read.
func (q *Question) complete() {
	if q.Who.Request != nil {
		q.facts = q.Who.Request.RequestFacts()
	}
	if q.Who.Session == nil {
		q.Who.Session = &auth.Session{}
	}
}

func (q *Question) patternType() string {
	if q.AnyOfType {
		return authz.Prefixed.String()
	}
	return authz.Literal.String()
}

// sanitized is a name as Apache Kafka's Sanitizer writes it.
func sanitized(name string) string {
	return strings.NewReplacer("+", "%20", "*", "%2A").Replace(url.QueryEscape(name))
}

// inWords is a name such as DESCRIBE_CONFIGS as DescribeConfigs, which the first version of the OPA plugin sends.
func inWords(name string) string {
	var b strings.Builder
	for word := range strings.SplitSeq(strings.ToLower(name), "_") {
		if word != "" {
			b.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	return b.String()
}
