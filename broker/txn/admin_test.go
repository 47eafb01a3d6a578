package txn

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/wire"
)

func TestDescribe(t *testing.T) {
	h := newHarness(t, 2)
	h.code("unknown", h.described().ErrorCode, wire.TransactionalIDNotFound)
	none := h.reply(h.ask(Describe{})).Answer.(*kmsg.DescribeTransactionsResponseTransactionState)
	h.code("no id", none.ErrorCode, wire.InvalidRequest)
	p := h.producer()
	if d := h.described(); d.State != "Empty" || d.StartTimestamp != -1 || d.TimeoutMillis != 60_000 || len(d.Topics) != 0 ||
		d.TransactionalID != "t" || d.ProducerID != p.ID || d.ProducerEpoch != 0 {
		t.Fatalf("described = %+v", d)
	}
}

func TestListFilters(t *testing.T) {
	h := newHarness(t, 2)
	ids := map[string]Producer{}
	for _, id := range []string{"order-1", "order-2", "pay"} {
		ticket := h.ask(Init{TransactionalID: id, TimeoutMillis: 60_000, Expected: nobody})
		ids[id] = h.reply(ticket).Answer.(Producer)
	}
	h.ask(Add{TransactionalID: "pay", Producer: ids["pay"], Partitions: []TopicPartition{a0}, Level: 2})
	h.pass(5 * time.Second)
	for name, c := range map[string]struct {
		q    List
		want string
	}{
		"all":            {List{DurationMillis: -1}, "order-1 order-2 pay "},
		"state":          {List{DurationMillis: -1, States: []string{"Ongoing"}}, "pay "},
		"states":         {List{DurationMillis: -1, States: []string{"Ongoing", "Empty"}}, "order-1 order-2 pay "},
		"unknown state":  {List{DurationMillis: -1, States: []string{"ongoing"}}, ""},
		"producer id":    {List{DurationMillis: -1, ProducerIDs: []int64{ids["order-2"].ID, 9}}, "order-2 "},
		"not yet so old": {List{DurationMillis: 5000, States: []string{"Ongoing"}}, ""},
		"older":          {List{DurationMillis: 4999, States: []string{"Ongoing"}}, "pay "},
		"never began":    {List{DurationMillis: 5000}, "order-1 order-2 "},
	} {
		got := ""
		for _, one := range h.reply(h.ask(c.q)).Answer.([]kmsg.ListTransactionsResponseTransactionState) {
			got += one.TransactionalID + " "
			if one.ProducerID != ids[one.TransactionalID].ID || !KnownState(one.TransactionState) {
				t.Errorf("%s: %+v", name, one)
			}
		}
		if got != c.want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestNamesOfStates(t *testing.T) {
	for name, want := range map[string]bool{"Empty": true, "Dead": true, "PrepareEpochFence": true, "Unknown": false, "empty": false, "": false} {
		if KnownState(name) != want {
			t.Errorf("%q", name)
		}
	}
	if State(9).String() != "Unknown" || State(-1).String() != "Unknown" {
		t.Error("a number without a name has one")
	}
}
