package oauth

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-jose/go-jose/v4/json"

	"github.com/chronik-stream/chronik/auth"
)

// Causes of a refused token, for the log and the audit event.
var (
	errClaim     = errors.New("claim of the token")
	errExpired   = errors.New("the token has expired")
	errNotYet    = errors.New("the token is not valid yet")
	errIssuer    = errors.New("the token is of another issuer")
	errAudience  = errors.New("the token is for another audience")
	errSignature = errors.New("the token's signature is wrong")
)

// claims are the members of a JSON object, of a token's header or payload. None stands twice, and their names keep their case.
type claims map[string]json.RawMessage

// parseObject reads a JSON object. A member that stands twice is an error: of two readers each could take the other one.
func parseObject(text []byte) (claims, error) {
	if !utf8.Valid(text) {
		return nil, fmt.Errorf("%w: JSON is not UTF-8", auth.ErrMalformed)
	}
	var c claims
	if err := json.Unmarshal(text, &c); err != nil || c == nil {
		return nil, fmt.Errorf("%w: no JSON object, or one with a member that stands twice", auth.ErrMalformed)
	}
	return c, nil
}

// has reports whether a claim is there; null counts as not.
func (c claims) has(name string) bool {
	raw, found := c[name]
	return found && string(raw) != "null"
}

func wrong(name, what string) error { return fmt.Errorf("%w: %.64q %s", errClaim, name, what) }

// text is a claim that is a string.
func (c claims) text(name string) (string, error) {
	if !c.has(name) {
		return "", wrong(name, "is missing")
	}
	var s string
	if err := json.Unmarshal(c[name], &s); err != nil {
		return "", wrong(name, "is no string")
	}
	return s, nil
}

// texts is a claim that is a string or a list of strings; none where it is missing.
func (c claims) texts(name string) ([]string, error) {
	if !c.has(name) {
		return nil, nil
	}
	if s, err := c.text(name); err == nil {
		return []string{s}, nil
	}
	var list []*string
	if err := json.Unmarshal(c[name], &list); err != nil {
		return nil, wrong(name, "is neither a string nor a list of strings")
	}
	out := make([]string, 0, len(list))
	for _, s := range list {
		if s == nil {
			return nil, wrong(name, "has null in its list")
		}
		out = append(out, *s)
	}
	return out, nil
}

// instant is a claim that is a time: a number of seconds since 1970, which may have a fraction (RFC 7519 section 2).
func (c claims) instant(name string) (time.Time, error) {
	if !c.has(name) {
		return time.Time{}, wrong(name, "is missing")
	}
	seconds, err := strconv.ParseFloat(string(c[name]), 64)
	if err != nil || math.IsNaN(seconds) || seconds < 0 || seconds > latest {
		return time.Time{}, wrong(name, "is no time")
	}
	return time.UnixMilli(int64(seconds * 1000)), nil
}

// subject is the claim that becomes the principal's name. As in Apache Kafka blanks around it do not count.
func (c claims) subject(name string) (string, error) {
	s, err := c.text(name)
	if err != nil {
		return "", err
	}
	s = strings.Trim(s, " \t\r\n")
	if err := checkName(s, auth.MaxNameBytes); err != nil {
		return "", wrong(name, err.Error())
	}
	return s, nil
}

var errName = errors.New("is empty, too long, or holds control characters")

// checkName holds that a name can stand in ACLs, logs and events.
func checkName(s string, most int) error {
	if s == "" || len(s) > most || strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || r == utf8.RuneError }) {
		return errName
	}
	return nil
}

// checkScopes holds the claim of scopes to Apache Kafka's rules: a string, which is one scope, or a list; none blank, none twice.
func (c claims) checkScopes(name string) error {
	list, err := c.texts(name)
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, s := range list {
		s = strings.TrimSpace(s)
		if s == "" || seen[s] {
			return wrong(name, "has a scope that is blank or stands twice")
		}
		seen[s] = true
	}
	return nil
}

// groups is the claim of groups. More or longer ones than allowed refuse the token: to leave some out could hide the one that a
// policy denies.
func (c claims) groups(name string) ([]string, error) {
	list, err := c.texts(name)
	if err != nil {
		return nil, err
	}
	slices.Sort(list)
	list = slices.Compact(list)
	if len(list) > auth.MaxGroups {
		return nil, wrong(name, fmt.Sprintf("has %d groups, allowed are %d", len(list), auth.MaxGroups))
	}
	for _, g := range list {
		if err := checkName(g, auth.MaxGroupBytes); err != nil {
			return nil, wrong(name, "has a group whose name "+err.Error())
		}
	}
	return list, nil
}
