package javapattern

import (
	"errors"
	"fmt"
	"strings"
)

// ErrReplacement is wrapped where Java would refuse a replacement whenever it is used.
var ErrReplacement = errors.New("bad replacement")

// part is a piece of a replacement: text, or, where group >= 0, what a group matched.
type part struct {
	text  string
	group int
}

func (p part) write(b *strings.Builder, s string, match []int) {
	if p.group < 0 {
		b.WriteString(p.text)
	} else if start := match[2*p.group]; start >= 0 {
		b.WriteString(s[start:match[2*p.group+1]])
	}
}

// Replacement is what matches of a pattern are replaced with.
type Replacement struct{ parts []part }

// Replacement takes a replacement of Java's Matcher.replaceAll apart: $0 to $9 and on as long as such a group exists,
// ${name}, and \ before any character. What Java would refuse whenever there is a match is refused here.
func (p *Pattern) Replacement(s string) (Replacement, error) {
	var parts []part
	text := func(t string) { parts = append(parts, part{text: t, group: -1}) }
	for len(s) > 0 {
		at := strings.IndexAny(s, `\$`)
		if at < 0 {
			text(s)
			break
		}
		text(s[:at])
		if s[at] == '\\' {
			if at+1 == len(s) {
				return Replacement{}, fmt.Errorf(`%w: nothing follows the last \`, ErrReplacement)
			}
			literal := string([]rune(s[at+1:])[0])
			text(literal)
			s = s[at+1+len(literal):]
			continue
		}
		group, length, err := reference(s[at:], p.groups, p.names)
		if err != nil {
			return Replacement{}, err
		}
		parts = append(parts, part{group: group})
		s = s[at+length:]
	}
	return Replacement{parts}, nil
}

// reference reads the group reference at the beginning of s, and its length.
func reference(s string, groups int, names map[string]int) (group, length int, err error) {
	if name, found := strings.CutPrefix(s, "${"); found {
		name, _, closed := strings.Cut(name, "}")
		group, known := names[name]
		if !closed || !known {
			return 0, 0, fmt.Errorf("%w: no group named %q", ErrReplacement, name)
		}
		return group, len(name) + len("${}"), nil
	}
	if len(s) < 2 || !isDigit(s[1]) {
		return 0, 0, fmt.Errorf(`%w: no group follows $; a literal one is \$`, ErrReplacement)
	}
	group, length = int(s[1]-'0'), 2
	if group > groups {
		return 0, 0, fmt.Errorf("%w: $%d, but the pattern has %d groups", ErrReplacement, group, groups)
	}
	for length < len(s) && isDigit(s[length]) && group*10+int(s[length]-'0') <= groups {
		group = group*10 + int(s[length]-'0')
		length++
	}
	return group, length, nil
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
