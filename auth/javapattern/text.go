package javapattern

import (
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
)

// Ambiguous reports whether s has characters that Java's and Go's patterns take differently: Java's '.' and '$' know more ends
// of lines, and Go's (?i) takes the long s and the Kelvin sign for s and k. A name that has one is nobody's, rather than
// somebody else's.
func Ambiguous(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r == '\u017f' || r == '\u212a'
	})
}

// Fold is s in lower case where fold is L, in upper case where it is U, as Java's String does by Locale.ENGLISH.
func Fold(s, fold string) string {
	switch fold {
	case "L":
		return cases.Lower(language.English).String(s)
	case "U":
		return cases.Upper(language.English).String(s)
	}
	return s
}
