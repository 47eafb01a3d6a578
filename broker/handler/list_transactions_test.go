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
			if ids, code := x.byPattern(bad); ids != "" || code != wire.InvalidRegularExpression {
				t.Errorf("%.20q: %q, %s", bad, ids, wire.CodeName(code))
			}
		}
	})
}

// TestPatternsEndInTime where there are more transactional ids than can be compared.
func TestPatternsEndInTime(t *testing.T) {
	re, why := compileWhole(".*")
	if why != "" {
		t.Fatal(why)
	}
	all := listedTransactions{states: make([]kmsg.ListTransactionsResponseTransactionState, 3)}
	if got := all.matching(re, time.Now().Add(time.Hour)); len(got.states) != 3 || got.code != wire.None {
		t.Errorf("within the time: %+v", got)
	}
	if got := all.matching(re, time.Now().Add(-time.Hour)); len(got.states) != 0 || got.code != wire.InvalidRegularExpression {
		t.Errorf("behind it: %+v", got)
	}
}
