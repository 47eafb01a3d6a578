package oauth

import (
	"fmt"
	"strings"

	"github.com/chronik-stream/chronik/auth"
)

// separator ends each pair of a message and the message itself.
const separator = "\x01"

// first is the client's first message, taken apart.
type first struct {
	// authzid is the authorization id, "" where the client names none.
	authzid string
	token   string
}

// parseFirst reads the client's first message (RFC 7628 section 3.1) by the grammar of Apache Kafka's
// OAuthBearerClientInitialResponse: no channel binding, then pairs of which one is auth and the others are extensions. Errors hold
// nothing of the message.
func parseFirst(message []byte) (first, error) {
	if len(message) > auth.MaxOAuthMessage {
		return first{}, fmt.Errorf("%w: OAUTHBEARER message of %d bytes, allowed are %d", auth.ErrMalformed, len(message), auth.MaxOAuthMessage)
	}
	rest, plain := strings.CutPrefix(string(message), "n,")
	header, rest, ended := strings.Cut(rest, ",")
	rest, begun := strings.CutPrefix(rest, separator)
	pairs, closed := strings.CutSuffix(rest, separator+separator)
	if !plain || !ended || !begun || !closed {
		return first{}, malformed("it is not of the form n,[a=NAME],^Aauth=Bearer TOKEN^A^A")
	}
	authzid, err := parseAuthzid(header)
	if err != nil {
		return first{}, err
	}
	value, err := parsePairs(pairs)
	if err != nil {
		return first{}, err
	}
	token, err := parseBearer(value)
	if err != nil {
		return first{}, err
	}
	return first{authzid: authzid, token: token}, nil
}

func malformed(what string) error {
	return fmt.Errorf("%w: OAUTHBEARER: %s", auth.ErrMalformed, what)
}

// parseAuthzid reads a=NAME, in which a comma is =2C and an equals sign =3D (RFC 5801 section 4).
func parseAuthzid(header string) (string, error) {
	if header == "" {
		return "", nil
	}
	name, named := strings.CutPrefix(header, "a=")
	plain := strings.NewReplacer("=2C", ",", "=3D", "=").Replace(name)
	escapes := strings.Count(name, "=2C") + strings.Count(name, "=3D")
	switch {
	case !named || name == "" || strings.Count(name, "=") != escapes:
		return "", malformed("the authorization id is not of the form a=NAME")
	case len(plain) > auth.MaxNameBytes:
		return "", malformed("the authorization id is too long")
	case strings.ContainsFunc(name, func(r rune) bool { return r == 0 || r > 0x7f }):
		return "", malformed("the authorization id is not ASCII")
	}
	return plain, nil
}

// parsePairs returns the value of auth. The extensions have to be well formed, and none may stand twice; nothing acts on them,
// as with Apache Kafka's own validators.
func parsePairs(text string) (value string, err error) {
	seen := map[string]bool{}
	for pair := range strings.SplitSeq(text, separator) {
		key, v, found := strings.Cut(pair, "=")
		switch {
		case !found || key == "" || v == "" || strings.ContainsFunc(key, notLetter) || strings.ContainsFunc(v, notInValue):
			return "", malformed("a pair is not of the form KEY=VALUE")
		case seen[key]:
			return "", malformed("a key stands twice")
		}
		seen[key] = true
		if key == "auth" {
			value = v
		}
	}
	if value == "" {
		return "", malformed("there is no auth")
	}
	return value, nil
}

func notLetter(r rune) bool { return (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') }

func notInValue(r rune) bool {
	return (r < 0x21 || r > 0x7e) && r != ' ' && r != '\t' && r != '\r' && r != '\n'
}

// parseBearer takes the token from "Bearer TOKEN"; the scheme's case is free (RFC 6750 section 2.1).
func parseBearer(value string) (string, error) {
	scheme, token, found := strings.Cut(value, " ")
	token = strings.TrimLeft(token, " ")
	if !found || !strings.EqualFold(scheme, "bearer") {
		return "", malformed("auth is not of the form Bearer TOKEN")
	}
	if token == "" || strings.ContainsFunc(token, notInToken) {
		return "", malformed("the token has other characters than a JSON Web Token")
	}
	return token, nil
}

func notInToken(r rune) bool {
	return notLetter(r) && (r < '0' || r > '9') && r != '-' && r != '_' && r != '.'
}
