package config

import (
	"errors"
	"maps"
	"slices"
	"strings"
)

// errJAAS says that a log-in module can not be read. It never holds the text: there are passwords in it.
var errJAAS = errors.New(`it is not of the form: CLASS required name="value" ... ;`)

// jaasModule is one entry of a JAAS configuration (javax.security.auth.login.Configuration).
type jaasModule struct {
	class   string
	options map[string]string
}

// parseJAAS reads: class, flag, options as name=value with quotes where needed, semicolon.
func parseJAAS(text string) (jaasModule, error) {
	words, err := jaasWords(text)
	if err != nil {
		return jaasModule{}, err
	}
	if len(words) < 3 || words[len(words)-1] != ";" {
		return jaasModule{}, errJAAS
	}
	m := jaasModule{class: words[0], options: map[string]string{}}
	switch strings.ToLower(words[1]) {
	case "required", "requisite", "sufficient", "optional":
	default:
		return jaasModule{}, errJAAS
	}
	rest := words[2 : len(words)-1]
	if len(rest)%3 != 0 {
		return jaasModule{}, errJAAS
	}
	for i := 0; i < len(rest); i += 3 {
		if rest[i+1] != "=" {
			return jaasModule{}, errJAAS
		}
		m.options[rest[i]] = rest[i+2]
	}
	return m, nil
}

// jaasWords splits into words, quoted strings, = and ;.
func jaasWords(text string) ([]string, error) {
	var words []string
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case strings.IndexByte(" \t\r\n", c) >= 0:
			i++
		case c == '=' || c == ';':
			words = append(words, string(c))
			i++
		case c == '"' || c == '\'':
			word, end, err := quotedWord(text, i)
			if err != nil {
				return nil, err
			}
			words, i = append(words, word), end
		default:
			end := i + strings.IndexAny(text[i:]+";", " \t\r\n=;\"'")
			words, i = append(words, text[i:end]), end
		}
	}
	return words, nil
}

// quotedWord reads a quoted string that begins at start, with \ before what is meant as it is.
func quotedWord(text string, start int) (word string, end int, err error) {
	var b strings.Builder
	for i := start + 1; i < len(text); i++ {
		switch text[i] {
		case text[start]:
			return b.String(), i + 1, nil
		case '\\':
			if i++; i == len(text) {
				return "", 0, errJAAS
			}
			b.WriteByte(text[i])
		default:
			b.WriteByte(text[i])
		}
	}
	return "", 0, errJAAS
}

// The log-in modules that are understood.
const (
	plainModule = "org.apache.kafka.common.security.plain.PlainLoginModule"
	scramModule = "org.apache.kafka.common.security.scram.ScramLoginModule"
)

// plainUsers are the users that the options user_NAME of a PlainLoginModule define; not nil.
func (m jaasModule) plainUsers() map[string]string {
	users := map[string]string{}
	for option, password := range m.options {
		if name, isUser := strings.CutPrefix(option, "user_"); isUser {
			users[name] = password
		}
	}
	return users
}

// names are the names of the options, in order.
func (m jaasModule) names() []string { return slices.Sorted(maps.Keys(m.options)) }
