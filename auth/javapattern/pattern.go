package javapattern

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Pattern is a regular expression of java.util.regex, as far as RE2 gives the same matches. It is immutable and safe for concurrent use.
type Pattern struct {
	whole *regexp.Regexp // all of the text, nothing else
	start *regexp.Regexp // a search from the start of the text
	// after is a search from any later place: it is given the text from one character before that place (all that RE2 ever
	// looks back), and its group 1 is the match.
	after  *regexp.Regexp
	groups int
	names  map[string]int
}

// ErrUnsupported is wrapped where a pattern cannot be had, or would mean something else than in Java.
var ErrUnsupported = errors.New("the pattern uses what only Java's regular expressions have")

// ErrNamedTwice is wrapped where two groups have one name, which Java refuses and Go does not.
var ErrNamedTwice = errors.New("two groups of the pattern have the same name")

// Compile reads a pattern. One that RE2 cannot do, or would read differently than Java, is an error.
func Compile(expression string) (*Pattern, error) {
	if err := checkDialect(expression); err != nil {
		return nil, err
	}
	start, err := regexp.Compile(expression)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnsupported, err)
	}
	p := &Pattern{start: start, groups: start.NumSubexp(), names: map[string]int{}}
	for i, name := range start.SubexpNames() {
		if name == "" {
			continue
		}
		if _, twice := p.names[name]; twice {
			return nil, fmt.Errorf("%w: %q", ErrNamedTwice, name)
		}
		p.names[name] = i
	}
	if p.whole, err = regexp.Compile(`\A(?:` + expression + `)\z`); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnsupported, err)
	}
	if p.after, err = regexp.Compile(`\A(?s:.)(?s:.*?)(` + expression + `)`); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnsupported, err)
	}
	return p, nil
}

// checkDialect refuses what both dialects accept and mean differently, so that no pattern silently changes its meaning.
// What they differ in on control characters alone is let through: no rule is applied to a name that has any.
func checkDialect(expression string) error {
	foldsCase, inClass := false, false
	for i := 0; i < len(expression); i++ {
		rest := expression[i:]
		switch {
		case strings.HasPrefix(rest, `\Q`):
			end := strings.Index(rest, `\E`)
			if end < 0 {
				return fmt.Errorf(`%w: \Q without \E`, ErrUnsupported)
			}
			i += end + 1
		case rest[0] == '\\' && len(rest) > 1:
			if strings.IndexByte("0123456789bB", rest[1]) >= 0 {
				return fmt.Errorf(`%w: \%c`, ErrUnsupported, rest[1])
			}
			i++
		case inClass && (rest[0] == '[' || strings.HasPrefix(rest, "&&")):
			return fmt.Errorf("%w: a character class in another, or &&", ErrUnsupported)
		case strings.HasPrefix(rest, "[]") || strings.HasPrefix(rest, "[^]"):
			return fmt.Errorf("%w: a character class that begins with ]", ErrUnsupported)
		case rest[0] == '[':
			inClass = true
		case rest[0] == ']':
			inClass = false
		case !inClass && strings.HasPrefix(rest, "(?"):
			flags := letters(rest[len("(?"):])
			if strings.ContainsAny(flags, "PU") {
				return fmt.Errorf("%w: (?%s", ErrUnsupported, flags)
			}
			foldsCase = foldsCase || strings.Contains(flags, "i")
		}
	}
	if foldsCase && (strings.ContainsFunc(expression, notASCII) || strings.Contains(expression, `\x`) || strings.Contains(expression, `\p`)) {
		return fmt.Errorf("%w: (?i) with letters outside of ASCII", ErrUnsupported)
	}
	return nil
}

func notASCII(r rune) bool { return r >= utf8.RuneSelf }

// letters returns the letters and dashes at the beginning of s.
func letters(s string) string {
	return s[:len(s)-len(strings.TrimLeft(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-"))]
}

// find returns the places of the first match at or after from, and of its groups, as regexp's FindStringSubmatchIndex.
func (p *Pattern) find(s string, from int) []int {
	if from == 0 {
		return p.start.FindStringSubmatchIndex(s)
	}
	_, back := utf8.DecodeLastRuneInString(s[:from])
	base := from - back
	m := p.after.FindStringSubmatchIndex(s[base:])
	if m == nil {
		return nil
	}
	m = m[2:]
	for i := range m {
		if m[i] >= 0 {
			m[i] += base
		}
	}
	return m
}

// Groups is how many groups the pattern has.
func (p *Pattern) Groups() int { return p.groups }

// Matches reports whether the pattern matches all of s, as Java's Matcher.matches.
func (p *Pattern) Matches(s string) bool { return p.whole.MatchString(s) }

// ReplaceAll replaces each match as Java's Matcher.replaceAll does: after a match the search goes on at its end, or one
// character later where it was empty. (Go's own ReplaceAll passes over an empty match right after another one.)
func (p *Pattern) ReplaceAll(s string, r Replacement) string { return p.replace(s, r, len(s)+1) }

// ReplaceFirst replaces the first match, as Java's Matcher.replaceFirst.
func (p *Pattern) ReplaceFirst(s string, r Replacement) string { return p.replace(s, r, 1) }

func (p *Pattern) replace(s string, r Replacement, most int) string {
	var b strings.Builder
	copied, from := 0, 0
	for range most {
		if from > len(s) {
			break
		}
		m := p.find(s, from)
		if m == nil {
			break
		}
		b.WriteString(s[copied:m[0]])
		for _, part := range r.parts {
			part.write(&b, s, m)
		}
		copied, from = m[1], m[1]
		if m[0] == m[1] {
			_, width := utf8.DecodeRuneInString(s[from:])
			from += max(1, width)
		}
	}
	b.WriteString(s[copied:])
	return b.String()
}
