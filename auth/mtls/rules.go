package mtls

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/chronik-stream/chronik/auth/javapattern"
)

// ErrBadRule is wrapped by New's errors.
var ErrBadRule = errors.New("bad ssl.principal.mapping.rules")

// rule is DEFAULT (pattern nil) or one RULE:pattern/replacement/[LU].
type rule struct {
	text        string
	pattern     *javapattern.Pattern
	replacement javapattern.Replacement
	fold        string // "", "L" or "U"
}

// ruleForm is the form of one rule, and of the empty one, which Apache Kafka passes over (SslPrincipalMapper).
const ruleForm = `(DEFAULT)|RULE:((?:\\.|[^\\/])*)/((?:\\.|[^\\/])*)/([LU]?).*?|(.*?)`

// splitRules separates rules at the commas that are not inside of a rule.
func splitRules(s string) []string {
	splitter := regexp.MustCompile(`\s*(` + ruleForm + `)\s*(?:,\s*|$)`)
	var rules []string
	for _, m := range splitter.FindAllStringSubmatch(strings.TrimFunc(s, func(r rune) bool { return r <= ' ' }), -1) {
		if m[1] != "" {
			rules = append(rules, m[1])
		}
	}
	return rules
}

func parseRules(s string) ([]rule, error) {
	if len(s) > maxRulesBytes {
		return nil, fmt.Errorf("%w: %d bytes, allowed are %d", ErrBadRule, len(s), maxRulesBytes)
	}
	parser := regexp.MustCompile(`\A(?:` + ruleForm + `)`)
	var rules []rule
	for _, text := range splitRules(s) {
		m := parser.FindStringSubmatch(text)
		if len(m[0]) != len(text) {
			return nil, fmt.Errorf("%w: %q: cannot read %q; a rule is DEFAULT or RULE:pattern/replacement/ with L or U after it", ErrBadRule, text, text[len(m[0]):])
		}
		if m[1] != "" {
			rules = append(rules, rule{text: text})
			continue
		}
		r, err := newRule(text, m[2], m[3], m[4])
		if err != nil {
			return nil, fmt.Errorf("%w: %q: %w", ErrBadRule, text, err)
		}
		rules = append(rules, r)
	}
	return rules, nil
}

func newRule(text, expression, replacement, fold string) (rule, error) {
	p, err := javapattern.Compile(expression)
	if err != nil {
		return rule{}, err
	}
	if replacement, err = escapeMissingGroups(replacement, p.Groups()); err != nil {
		return rule{}, err
	}
	r, err := p.Replacement(replacement)
	if err != nil {
		return rule{}, err
	}
	return rule{text: text, pattern: p, replacement: r, fold: fold}, nil
}

// apply returns the name that a rule makes of dn, or false where it does not match all of dn. As in Apache Kafka, what then
// counts is each match that a search finds in dn, one after the other, the empty match at its end included: so "RULE:.*/x/"
// makes "xx".
func (r *rule) apply(dn string) (string, bool) {
	if r.pattern == nil {
		return dn, true
	}
	if !r.pattern.Matches(dn) {
		return "", false
	}
	return javapattern.Fold(r.pattern.ReplaceAll(dn, r.replacement), r.fold), true
}
