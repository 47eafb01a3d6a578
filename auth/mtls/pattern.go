package mtls

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// pattern is a regular expression of java.util.regex, as far as RE2 gives the same matches.
type pattern struct {
	whole *regexp.Regexp // all of the text, nothing else
	start *regexp.Regexp // a search from the start of the text
	// after is a search from any later place: it is given the text from one character before that place (all that RE2 ever
	// looks back), and its group 1 is the match.
	after  *regexp.Regexp
	groups int
	names  map[string]int
}

var errUnsupported = errors.New("the pattern uses what only Java's regular expressions have")

func compile(expression string) (*pattern, error) {
	if err := checkDialect(expression); err != nil {
		return nil, err
	}
	start, err := regexp.Compile(expression)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUnsupported, err)
	}
	p := &pattern{start: start, groups: start.NumSubexp(), names: map[string]int{}}
	for i, name := range start.SubexpNames() {
		if name != "" {
			p.names[name] = i
		}
	}
	if p.whole, err = regexp.Compile(`\A(?:` + expression + `)\z`); err != nil {
		return nil, fmt.Errorf("%w: %w", errUnsupported, err)
	}
	if p.after, err = regexp.Compile(`\A(?s:.)(?s:.*?)(` + expression + `)`); err != nil {
		return nil, fmt.Errorf("%w: %w", errUnsupported, err)
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
				return fmt.Errorf(`%w: \Q without \E`, errUnsupported)
			}
			i += end + 1
		case rest[0] == '\\' && len(rest) > 1:
			if strings.IndexByte("0123456789bB", rest[1]) >= 0 {
				return fmt.Errorf(`%w: \%c`, errUnsupported, rest[1])
			}
			i++
		case inClass && (rest[0] == '[' || strings.HasPrefix(rest, "&&")):
			return fmt.Errorf("%w: a character class in another, or &&", errUnsupported)
		case strings.HasPrefix(rest, "[]") || strings.HasPrefix(rest, "[^]"):
			return fmt.Errorf("%w: a character class that begins with ]", errUnsupported)
		case rest[0] == '[':
			inClass = true
		case rest[0] == ']':
			inClass = false
		case !inClass && strings.HasPrefix(rest, "(?"):
			flags := letters(rest[len("(?"):])
			if strings.ContainsAny(flags, "PU") {
				return fmt.Errorf("%w: (?%s", errUnsupported, flags)
			}
			foldsCase = foldsCase || strings.Contains(flags, "i")
		}
	}
	if foldsCase && (strings.ContainsFunc(expression, notASCII) || strings.Contains(expression, `\x`) || strings.Contains(expression, `\p`)) {
		return fmt.Errorf("%w: (?i) with letters outside of ASCII", errUnsupported)
	}
	return nil
}

func notASCII(r rune) bool { return r >= utf8.RuneSelf }

// letters returns the letters and dashes at the beginning of s.
func letters(s string) string {
	return s[:len(s)-len(strings.TrimLeft(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-"))]
}

// find returns the places of the first match at or after from, and of its groups, as regexp's FindStringSubmatchIndex.
func (p *pattern) find(s string, from int) []int {
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

// replaceAll replaces each match as Java's Matcher.replaceAll does: after a match the search goes on at its end, or one
// character later where it was empty. (Go's own ReplaceAll passes over an empty match right after another one.)
func (p *pattern) replaceAll(s string, parts []part) string {
	var b strings.Builder
	copied, from := 0, 0
	for from <= len(s) {
		m := p.find(s, from)
		if m == nil {
			break
		}
		b.WriteString(s[copied:m[0]])
		for _, part := range parts {
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
