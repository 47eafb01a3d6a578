package config

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestTransactionsAreRead(t *testing.T) {
	type view struct {
		Transactions Transactions
		Topic        InternalTopic
	}
	for name, test := range map[string]struct {
		text string
		want view
	}{
		"by default": {want: view{
			Transactions{
				MaxTimeout: 15 * time.Minute, AbortInterval: 10 * time.Second, IDExpiration: 7 * 24 * time.Hour, ExpiryInterval: time.Hour,
				AddPause: 20 * time.Millisecond, AddLimit: 100 * time.Millisecond,
			},
			InternalTopic{Partitions: 50, ReplicationFactor: 3, SegmentBytes: 100 << 20, MinISR: 2},
		}},
		"as set": {
			text: `transaction.max.timeout.ms=1
transaction.abort.timed.out.transaction.cleanup.interval.ms=2
transactional.id.expiration.ms=3
transaction.remove.expired.transaction.cleanup.interval.ms=4
add.partitions.to.txn.retry.backoff.ms=5
add.partitions.to.txn.retry.backoff.max.ms=6
transaction.state.log.num.partitions=7
transaction.state.log.replication.factor=8
transaction.state.log.segment.bytes=9
transaction.state.log.min.isr=10
`,
			want: view{
				Transactions{
					MaxTimeout: time.Millisecond, AbortInterval: 2 * time.Millisecond, IDExpiration: 3 * time.Millisecond,
					ExpiryInterval: 4 * time.Millisecond, AddPause: 5 * time.Millisecond, AddLimit: 6 * time.Millisecond,
				},
				InternalTopic{Partitions: 7, ReplicationFactor: 8, SegmentBytes: 9, MinISR: 10},
			},
		},
	} {
		c := mustLoad(t, loopback+test.text)
		if diff := cmp.Diff(test.want, view{c.Transactions, c.TransactionTopic}); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
