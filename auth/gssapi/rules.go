package gssapi

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/auth/javapattern"
)

// Rules are sasl.kerberos.principal.to.local.rules: what turns a Kerberos name into the short one that ACLs are written for. They are
// immutable and safe for concurrent use.
type Rules struct {
	rules []rule
	name  *regexp.Regexp // nameForm
}

// rule is DEFAULT (isDefault), or RULE:[components:format](match)s/pattern/replacement/g with /L or /U.
type rule struct {
	isDefault bool
	realm     string

	components int
	format     []piece
	// match is what the formatted name has to match as a whole, nil for no condition.
	match *javapattern.Pattern
	// pattern is what is replaced: the first match, or every one.
	pattern     *javapattern.Pattern
	replacement javapattern.Replacement
	every       bool
	fold        string // "", "L" or "U"
}

// piece is text of a format, followed, where parameter >= 0, by the realm (0) or a component (1, 2).
type piece struct {
	text      string
	parameter int
}

const (
	// ruleForm is the form of one rule (Apache Kafka's KerberosShortNamer).
	ruleForm = `\A(?:(DEFAULT)|RULE:\[(\d*):([^\]]*)\](?:\(([^)]*)\))?(s/([^/]*)/([^/]*)/(g)?)?/?(L|U)?)`
	// nameForm is the form of a name that rules can be applied to (KerberosName).
	nameForm = `\A([^/@]*)(?:/([^/@]*))?@([^/@]*)\z`
)

// The groups of ruleForm.
const (
	groupDefault = iota + 1
	groupComponents
	groupFormat
	groupMatch
	groupSubstitution
	groupPattern
	groupReplacement
	groupEvery
	groupFold
)

// ParseRules reads rules in Apache Kafka's form; the first that applies to a name counts. DEFAULT applies to names of defaultRealm.
// Patterns are Java's; one that Go's RE2 cannot do, or would read differently, is an error that names the rule.
func ParseRules(defaultRealm string, rules []string) (*Rules, error) {
	parser := regexp.MustCompile(ruleForm)
	out := &Rules{name: regexp.MustCompile(nameForm)}
	size := 0
	for _, text := range rules {
		if size += len(text); size > maxRulesBytes {
			return nil, badRules("more than %d bytes", maxRulesBytes)
		}
		m := parser.FindStringSubmatchIndex(text)
		if m == nil || m[1] != len(text) {
			return nil, badRules("%q is neither DEFAULT nor RULE:[n:format](match)s/pattern/replacement/g/L", text)
		}
		r, err := newRule(text, m)
		if err != nil {
			return nil, badRules("%q: %w", text, err)
		}
		r.realm = defaultRealm
		out.rules = append(out.rules, r)
	}
	return out, nil
}

func badRules(format string, args ...any) error {
	return fmt.Errorf("%w: sasl.kerberos.principal.to.local.rules: %w", ErrBadConfig, fmt.Errorf(format, args...))
}

// newRule makes a rule of the places of ruleForm's groups.
func newRule(text string, m []int) (r rule, err error) {
	has := func(group int) bool { return m[2*group] >= 0 }
	get := func(group int) string {
		if !has(group) {
			return ""
		}
		return text[m[2*group]:m[2*group+1]]
	}
	if has(groupDefault) {
		return rule{isDefault: true}, nil
	}
	components, err := strconv.ParseInt(get(groupComponents), 10, 32)
	if err != nil {
		return rule{}, fmt.Errorf("the number of components: %w", err)
	}
	r.components = int(components)
	if r.format, err = parseFormat(get(groupFormat), r.components); err != nil {
		return rule{}, err
	}
	if has(groupMatch) {
		if r.match, err = javapattern.Compile(get(groupMatch)); err != nil {
			return rule{}, err
		}
	}
	r.every, r.fold = has(groupEvery), get(groupFold)
	if !has(groupSubstitution) {
		return r, nil
	}
	if r.pattern, err = javapattern.Compile(get(groupPattern)); err != nil {
		return rule{}, err
	}
	r.replacement, err = r.pattern.Replacement(get(groupReplacement))
	return r, err
}

// parseFormat takes a format apart: $0 is the realm, $1 and on are the components. What Apache Kafka would refuse at each log-in is
// refused here.
func parseFormat(format string, components int) ([]piece, error) {
	var out []piece
	for format != "" {
		text, rest, found := strings.Cut(format, "$")
		if !found {
			return append(out, piece{text: text, parameter: -1}), nil
		}
		digits := rest[:len(rest)-len(strings.TrimLeft(rest, "0123456789"))]
		n, err := strconv.Atoi(digits)
		if err != nil || n > components {
			return nil, fmt.Errorf("$%s in the format: a number from 0 to %d has to follow $", digits, components)
		}
		out = append(out, piece{text: text, parameter: n})
		format = rest[len(digits):]
	}
	return out, nil
}

// ShortName maps a name of the form a@REALM or a/b@REALM. As in Apache Kafka a name of three components has none, and a rule whose
// result still has / or @ is an error, whatever other rules there are.
func (r *Rules) ShortName(full string) (string, error) {
	m := r.name.FindStringSubmatch(full)
	if m == nil {
		return "", fmt.Errorf("%w: %.255q is not of the form a@REALM or a/b@REALM", ErrNoRule, full)
	}
	parameters := []string{m[3], m[1]}
	if strings.Contains(full, "/") {
		parameters = append(parameters, m[2])
	}
	for i := range r.rules {
		short, applies, err := r.rules[i].apply(parameters)
		switch {
		case err != nil:
			return "", fmt.Errorf("%w to %.255q: %w", ErrNoRule, full, err)
		case applies && (short == "" || len(short) > auth.MaxNameBytes):
			return "", fmt.Errorf("%w to %.255q: the short name has %d bytes", ErrNoRule, full, len(short))
		case applies:
			return short, nil
		}
	}
	return "", fmt.Errorf("%w to %.255q", ErrNoRule, full)
}

// apply returns the short name that a rule makes of realm and components, and whether it applies.
func (r *rule) apply(parameters []string) (short string, applies bool, err error) {
	switch {
	case r.isDefault && r.realm == parameters[0]:
		short = parameters[1]
	case r.isDefault || r.components != len(parameters)-1:
		return "", false, nil
	default:
		if short, applies, err = r.substitute(r.formatted(parameters)); !applies || err != nil {
			return "", false, err
		}
	}
	if strings.ContainsAny(short, "/@") {
		return "", false, fmt.Errorf("a rule makes %.255q of it, which is no short name", short)
	}
	return javapattern.Fold(short, r.fold), true, nil
}

func (r *rule) formatted(parameters []string) string {
	var b strings.Builder
	for _, p := range r.format {
		b.WriteString(p.text)
		if p.parameter >= 0 {
			b.WriteString(parameters[p.parameter])
		}
	}
	return b.String()
}

// substitute applies match and pattern to the formatted name.
func (r *rule) substitute(base string) (short string, applies bool, err error) {
	if (r.match != nil || r.pattern != nil) && javapattern.Ambiguous(base) {
		return "", false, fmt.Errorf("%.255q holds characters that rules can not be applied to", base)
	}
	switch {
	case r.match != nil && !r.match.Matches(base):
		return "", false, nil
	case r.pattern == nil:
		return base, true, nil
	case r.every:
		return r.pattern.ReplaceAll(base, r.replacement), true, nil
	default:
		return r.pattern.ReplaceFirst(base, r.replacement), true, nil
	}
}
