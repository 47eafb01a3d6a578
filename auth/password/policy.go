package password

import (
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/chronik-stream/chronik/auth"
)

// ErrWeak is wrapped by Check's errors. None of them repeats the password.
var ErrWeak = errors.New("the password is refused")

// DefaultMinLength is the least length in characters where nothing else is configured (PCI DSS 8.3.6).
const DefaultMinLength = 12

// common has one word a line, in lower case, without the digits and signs that people put around them.
//
//go:embed common.txt
var common string

// Policy says which passwords are taken.
type Policy struct {
	// MinLength is the least number of characters; 1 takes any.
	MinLength int
}

// Check returns why a user may not have a password, or nil.
func (p Policy) Check(user, password string) error {
	switch {
	case len(password) > auth.MaxPasswordBytes:
		return fmt.Errorf("%w: it is longer than %d bytes", ErrWeak, auth.MaxPasswordBytes)
	case !utf8.ValidString(password) || strings.ContainsFunc(password, unicode.IsControl):
		return fmt.Errorf("%w: it is not text in UTF-8, or has control characters", ErrWeak)
	case utf8.RuneCountInString(password) < max(1, p.MinLength):
		return fmt.Errorf("%w: it has fewer than %d characters", ErrWeak, max(1, p.MinLength))
	case p.MinLength <= 1:
		return nil
	case isName(user, password):
		return fmt.Errorf("%w: it is little more than the user's name", ErrWeak)
	case isCommon(password):
		return fmt.Errorf("%w: it is one of the commonest, with or without digits around it", ErrWeak)
	}
	return nil
}

// isName reports whether a password is a user's name, once or more, with fewer than 4 letters that are not of it.
func isName(user, password string) bool {
	name, text := strings.ToLower(user), strings.ToLower(password)
	if utf8.RuneCountInString(name) < 3 || !strings.Contains(text, name) {
		return false
	}
	letters := 0
	for _, r := range strings.ReplaceAll(text, name, "") {
		if unicode.IsLetter(r) {
			letters++
		}
	}
	return letters < 4
}

// bare is a password in lower case without what people put around a word to please a rule: digits and signs. A password of
// nothing else stays as it is.
func bare(s string) string {
	lower := strings.ToLower(s)
	word := strings.TrimFunc(lower, func(r rune) bool { return !unicode.IsLetter(r) })
	if word == "" {
		return lower
	}
	return word
}

// isCommon reports whether a password is a common word, or one repeated, or one character repeated.
func isCommon(password string) bool {
	lower := strings.ToLower(password)
	for _, s := range []string{lower, bare(lower), period(lower), period(bare(lower))} {
		if utf8.RuneCountInString(s) == 1 || listed(s) {
			return true
		}
	}
	return false
}

func listed(s string) bool {
	for line := range strings.SplitSeq(common, "\n") {
		if line == s && line != "" {
			return true
		}
	}
	return false
}

// period is the shortest text that s is a repetition of.
func period(s string) string {
	for n := 1; n <= len(s)/2; n++ {
		if len(s)%n == 0 && strings.Repeat(s[:n], len(s)/n) == s {
			return s[:n]
		}
	}
	return s
}
