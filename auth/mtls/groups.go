package mtls

import (
	"fmt"
	"strconv"

	"github.com/chronik-stream/chronik/auth/javapattern"
)

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
				return "", fmt.Errorf("%w: $%s", javapattern.ErrReplacement, digits)
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
