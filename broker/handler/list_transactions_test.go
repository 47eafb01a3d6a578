package handler

import (
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/wire"
)

// byPattern lists the transactional ids that a pattern matches.
func (x *txnBroker) byPattern(pattern string) (ids string, code int16) {
	x.t.Helper()
	list := x.list(&kmsg.ListTransactionsRequest{DurationFilterMillis: -1, TransactionalIDPattern: &pattern}, 2)
	for i := range list.TransactionStates {
		ids += list.TransactionStates[i].TransactionalID + " "
	}
	return ids, list.ErrorCode
}

func TestListTransactionsByPattern(t *testing.T) {
	withTransactions(t, func(t *testing.T, x *txnBroker) {
		for _, id := range []string{"order-1", "order-2", "pay"} {
			x.begin(id)
		}
		for pattern, want := range map[string]string{
			"order-.": "order-1 order-2 ", "order": "", "pay|order-1": "order-1 pay ", "": "order-1 order-2 pay ",
			strings.Repeat("a", maxRegexSteps/2): "",
		} {
			if ids, code := x.byPattern(pattern); ids != want || code != wire.None {
				t.Errorf("%.20q: %q, %s", pattern, ids, wire.CodeName(code))
			}
		}
		for _, bad := range []string{
			"(", "a)(b", "[", "a{2,1}", `\C`, strings.Repeat("a", maxRegexBytes+1), strings.Repeat("a", maxRegexBytes), "((a?){30}b?){30}",
		} {
			x.refused = 0
			ids, code := x.byPattern(bad)
			if ids != "" || code != wire.InvalidRegularExpression || x.refused != 1 {
				t.Errorf("%.20q: %q, %s, told of %d times", bad, ids, wire.CodeName(code), x.refused)
			}
		}
	})
}

// TestPatternsEndInTime where there are more transactional ids than can be compared.
func TestPatternsEndInTime(t *testing.T) {
	re, err := compileWhole(transactionPatternField, ".*")
	if err != nil {
		t.Fatal(err)
	}
	three := make([]transactionState, 3)
	if got, err := matchingIDs(re, three, time.Now().Add(time.Hour)); len(got) != 3 || err != nil {
		t.Errorf("within the time: %+v, %v", got, err)
	}
	if got, err := matchingIDs(re, three, time.Now().Add(-time.Hour)); len(got) != 0 || wire.CodeOf(err) != wire.InvalidRegularExpression {
		t.Errorf("behind it: %+v, %v", got, err)
	}
}
