package txn

import (
	"regexp"
	"regexp/syntax"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/wire"
)

// Bounds of a pattern of transactional ids. A request of a few bytes, for which nobody needs a right, has every id compared with it, and
// the coordinators do nothing else meanwhile. Apache Kafka has no bounds.
const (
	maxPatternBytes = 4 << 10
	// maxPatternSteps is what it may take to compare one character.
	maxPatternSteps = 1000
)

// CompilePattern makes what List takes for a pattern that has to match a whole transactional id; it returns nil for an empty one. The
// syntax is RE2's, as Apache Kafka's.
func CompilePattern(pattern string) (*regexp.Regexp, error) {
	if pattern == "" {
		return nil, nil //nolint:nilnil // no pattern is a good answer
	}
	if len(pattern) > maxPatternBytes {
		return nil, badPattern("it has %d bytes, more than %d", len(pattern), maxPatternBytes)
	}
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil, badPattern("%v", err)
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return nil, badPattern("%v", err)
	}
	if len(program.Inst) > maxPatternSteps {
		return nil, badPattern("it is too complex")
	}
	whole, err := regexp.Compile(`\A(?:` + pattern + `)\z`)
	if err != nil {
		return nil, badPattern("%v", err)
	}
	return whole, nil
}

func badPattern(why string, args ...any) error {
	return wire.Errorf(wire.InvalidRegularExpression, "pattern of transactional ids: "+why, args...)
}

func (m *Machine) describe(ticket uint64, q Describe) {
	r := kmsg.NewDescribeTransactionsResponseTransactionState()
	r.TransactionalID = q.TransactionalID
	t := m.transactions[q.TransactionalID]
	switch {
	case q.TransactionalID == "":
		r.ErrorCode = wire.InvalidRequest
	case t == nil:
		r.ErrorCode = wire.TransactionalIDNotFound
	default:
		r.State, r.TimeoutMillis, r.StartTimestamp = t.state.String(), t.timeoutMillis, t.startMillis
		r.ProducerID, r.ProducerEpoch = t.producer.ID, t.producer.Epoch
		for _, topic := range t.topics() {
			one := kmsg.NewDescribeTransactionsResponseTransactionStateTopic()
			one.Topic, one.Partitions = topic.Topic, topic.Partitions
			r.Topics = append(r.Topics, one)
		}
	}
	m.answer(ticket, &r)
}

func (m *Machine) list(ticket uint64, q List) {
	var list []kmsg.ListTransactionsResponseTransactionState
	for _, id := range sortedKeys(m.transactions) {
		t := m.transactions[id]
		if !q.includes(t, m.now.UnixMilli()) {
			continue
		}
		one := kmsg.NewListTransactionsResponseTransactionState()
		one.TransactionalID, one.ProducerID, one.TransactionState = id, t.producer.ID, t.state.String()
		list = append(list, one)
	}
	m.answer(ticket, list)
}

func (q List) includes(t *transaction, nowMillis int64) bool {
	switch {
	case len(q.ProducerIDs) > 0 && !slices.Contains(q.ProducerIDs, t.producer.ID):
		return false
	case len(q.States) > 0 && !slices.Contains(q.States, t.state.String()):
		return false
	case q.DurationMillis >= 0 && nowMillis-t.startMillis <= q.DurationMillis:
		return false
	default:
		return q.Pattern == nil || q.Pattern.MatchString(t.id)
	}
}
