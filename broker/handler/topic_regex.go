package handler

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"time"

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

// matchTopics returns the names of the topics that a regular expression (RE2) matches as a whole, if they are found by
// the end.
func matchTopics(image *meta.Image, pattern string, end time.Time) ([]string, error) {
	re, err := compileTopicRegex(pattern)
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
		return nil, badRegex(pattern, stop)
	}
	return names, nil
}

func compileTopicRegex(pattern string) (*regexp.Regexp, error) {
	re, why := compileWhole(pattern)
	switch {
	case why == "":
		return re, nil
	case len(pattern) > maxRegexBytes:
		pattern = pattern[:64] + "..."
	}
	return nil, badRegex(pattern, why)
}

// compileWhole compiles a client's regular expression that is to match the whole of a name, or says why it may not be used.
func compileWhole(pattern string) (re *regexp.Regexp, why string) {
	if len(pattern) > maxRegexBytes {
		return nil, fmt.Sprintf("it is longer than %d bytes", maxRegexBytes)
	}
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil, err.Error()
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return nil, err.Error()
	}
	if len(program.Inst) > maxRegexSteps {
		return nil, "it is too complex"
	}
	re, err = regexp.Compile(`\A(?:` + pattern + `)\z`)
	if err != nil {
		return nil, err.Error()
	}
	return re, ""
}

// badRegex says it as Apache Kafka does.
func badRegex(pattern, why string) error {
	return wire.Errorf(wire.InvalidRegularExpression, "SubscribedTopicRegex `%s` is not a valid regular expression: %s.", pattern, why)
}
