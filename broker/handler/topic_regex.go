package handler

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"time"

	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
)

// Bounds of subscriptions by regular expression. A heartbeat of a few bytes makes every topic's name be compared.
const (
	// maxRegexBytes and maxRegexSteps bound any client's regular expression and what it takes to compare one character with it.
	maxRegexBytes = 4 << 10
	maxRegexSteps = 1000
	// maxRegexTopics is how many topics a regular expression may match, and those together that are due: each topic is asked for the
	// right to see it.
	maxRegexTopics = 10_000
	// regexTime bounds the search for all that a request brings. RE2 has no expressions that take for ever, but there may be many names.
	regexTime = time.Second
)

// topicRegexField is the field of a heartbeat that has a regular expression.
const topicRegexField = "SubscribedTopicRegex"

// RefusedRegex is told of a client's regular expression that is not used, and why.
type RefusedRegex func(*api.Call, error)

// matchTopics returns the names of the topics that a regular expression (RE2) matches as a whole, if they are found by
// the end.
func matchTopics(image *meta.Image, pattern string, end time.Time) ([]string, error) {
	re, err := compileWhole(topicRegexField, pattern)
	if err != nil {
		return nil, err
	}
	var names []string
	var stop string
	image.Topics(func(t *meta.Topic) bool {
		if re.MatchString(t.Name) {
			names = append(names, t.Name)
		}
		switch {
		case len(names) > maxRegexTopics:
			stop = fmt.Sprintf("it matches more than %d topics", maxRegexTopics)
		case time.Now().After(end):
			stop = fmt.Sprintf("the topics can not be compared with it within %s", regexTime)
		}
		return stop == ""
	})
	if stop != "" {
		return nil, badRegex(topicRegexField, pattern, stop)
	}
	return names, nil
}

// compileWhole compiles a client's regular expression, of a field of its request, that is to match the whole of a name.
func compileWhole(field, pattern string) (*regexp.Regexp, error) {
	if len(pattern) > maxRegexBytes {
		return nil, badRegex(field, pattern[:64]+"...", fmt.Sprintf("it is longer than %d bytes", maxRegexBytes))
	}
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil, badRegex(field, pattern, err.Error())
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return nil, badRegex(field, pattern, err.Error())
	}
	if len(program.Inst) > maxRegexSteps {
		return nil, badRegex(field, pattern, "it is too complex")
	}
	re, err := regexp.Compile(`\A(?:` + pattern + `)\z`)
	if err != nil {
		return nil, badRegex(field, pattern, err.Error())
	}
	return re, nil
}

// badRegex says it as Apache Kafka does.
func badRegex(field, pattern, why string) error {
	return wire.Errorf(wire.InvalidRegularExpression, "%s `%s` is not a valid regular expression: %s.", field, pattern, why)
}
