package mtls

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

var errReplacement = errors.New("bad replacement")

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

// parseReplacement takes a replacement of Java's Matcher.replaceAll apart: $0 to $9 and on as long as such a group exists,
// ${name}, and \ before any character. What Java would refuse at each log-in is refused here.
func parseReplacement(s string, groups int, names map[string]int) ([]part, error) {
	s, err := escapeMissingGroups(s, groups)
	if err != nil {
		return nil, err
	}
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
				return nil, fmt.Errorf(`%w: nothing follows the last \`, errReplacement)
			}
			literal := string([]rune(s[at+1:])[0])
			text(literal)
			s = s[at+1+len(literal):]
			continue
		}
		group, length, err := reference(s[at:], groups, names)
		if err != nil {
			return nil, err
		}
		parts = append(parts, part{group: group})
		s = s[at+length:]
	}
	return parts, nil
}

// reference reads the group reference at the beginning of s, and its length.
func reference(s string, groups int, names map[string]int) (group, length int, err error) {
	if name, found := strings.CutPrefix(s, "${"); found {
		name, _, closed := strings.Cut(name, "}")
		group, known := names[name]
		if !closed || !known {
			return 0, 0, fmt.Errorf("%w: no group named %q", errReplacement, name)
		}
		return group, len(name) + len("${}"), nil
	}
	if len(s) < 2 || !isDigit(s[1]) {
		return 0, 0, fmt.Errorf(`%w: no group follows $; a literal one is \$`, errReplacement)
	}
	group, length = int(s[1]-'0'), 2
	if group > groups {
		return 0, 0, fmt.Errorf("%w: $%d, but the pattern has %d groups", errReplacement, group, groups)
	}
	for length < len(s) && isDigit(s[length]) && group*10+int(s[length]-'0') <= groups {
		group = group*10 + int(s[length]-'0')
		length++
	}
	return group, length, nil
}

// escapeMissingGroups makes text of $n where the pattern has groups, but no nth (SslPrincipalMapper's
// escapeLiteralBackReferences). The second escape of one replacement lands one character early there, and so it does here.
func escapeMissingGroups(s string, groups int) (string, error) {
	if groups == 0 {
		return s, nil
	}
	value := s
	for at := 0; at < len(s); at++ {
		end := at + 1
		for end < len(s) && isDigit(s[end]) {
			end++
		}
		if s[at] != '$' || end == at+1 {
			continue
		}
		digits := s[at+1 : end]
		if digits[0] != '0' {
			number, err := strconv.ParseInt(digits, 10, 32)
			if err != nil {
				return "", fmt.Errorf("%w: $%s", errReplacement, digits)
			}
			for number > int64(groups) && number >= 10 {
				number /= 10
			}
			if number > int64(groups) {
				value = value[:at] + `\` + value[at:]
			}
		}
		at = end - 1
	}
	return value, nil
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
