//go:build interop

package interop

import (
	"regexp"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chronik-stream/chronik/test/harness"
)

// TestTransactionsTool runs kafka-transactions against this broker and against Apache Kafka, and compares what it prints. A transaction
// hangs that its coordinator knows nothing of; the tool finds it and aborts it, and readers of committed records get on.
func TestTransactionsTool(t *testing.T) {
	t.Parallel()
	b := harness.Start(t, "CHRONIK_TRANSACTION_PARTITION_VERIFICATION_ENABLE=false")
	k := harness.StartKafka(t, b, "transaction.partition.verification.enable=false")
	brokers := []string{b.Bootstrap(), k.Bootstrap()}
	for _, bootstrap := range brokers {
		setTransactions(t, newStepper(t, b, bootstrap))
	}
	for _, args := range []string{
		"list",
		"list --duration-filter 3600000",
		"list --duration-filter 0",
		"list --transactional-id-pattern i.*e",
		"list --transactional-id-pattern [",
		"describe --transactional-id open",
		"describe --transactional-id done",
		"describe --transactional-id idle",
		"describe --transactional-id nobody",
		"describe-producers --topic journaled --partition 0",
		"describe-producers --topic journaled --partition 1 --broker-id 1",
		"find-hanging --broker-id 1",
		"find-hanging --topic journaled",
		"find-hanging --topic journaled --partition 0",
		"find-hanging --broker-id 1 --max-transaction-timeout 180",
		"find-hanging",
		"abort --topic journaled --partition 1 --start-offset 77",
		"abort --topic journaled --partition 1 --start-offset 0",
		"abort --topic journaled --partition 1 --start-offset 0",
		"abort --topic journaled --partition 1",
		"find-hanging --broker-id 1",
		"describe-producers --topic journaled --partition 1",
		"forceTerminateTransaction --transactionalId open",
		"forceTerminateTransaction --transactionalId nobody",
		"describe --transactional-id open",
		"list",
	} {
		t.Run(args, func(t *testing.T) {
			var ours, kafkas printed
			for bootstrap, out := range map[string]*printed{b.Bootstrap(): &ours, k.Bootstrap(): &kafkas} {
				*out = runAt(t, bootstrap, b.ClientProperties(), transactionsCommand, args, "")
				for i, line := range out.Out {
					out.Out[i] = openFor.ReplaceAllString(line, "$1 TIME DURATION")
				}
			}
			if diff := cmp.Diff(kafkas, ours); diff != "" {
				t.Errorf("-Apache Kafka +this broker:\n%s", diff)
			}
		})
	}
	for _, bootstrap := range brokers {
		opts := append(franzSASL(t, b, "SCRAM-SHA-512"), kgo.SeedBrokers(bootstrap))
		if got, _ := readTopic(t, opts, journaled, kgo.ReadCommitted()); len(got) != 1 || string(got[0].Value) != "done" {
			t.Errorf("%s: committed are %v, want that of one transaction", bootstrap, got)
		}
	}
}

// openFor is the part of a described transaction that says since when and for how long it is open.
var openFor = regexp.MustCompile(`( (?:Ongoing|CompleteCommit|CompleteAbort) [0-9]+) TIME [0-9]+`)

// setTransactions leaves a transaction open, ends one, makes an id that has none, and leaves one open that its coordinator does not know.
func setTransactions(t *testing.T, s *stepper) {
	t.Helper()
	lost := s.begin(t, "lost", 10*time.Minute)
	lost.write(t, 1, time.Now().Add(-2*time.Hour))
	done := s.begin(t, "done", 10*time.Minute)
	done.add(t, 0, 1)
	done.write(t, 0, time.Now())
	done.end(t, true)
	open := s.begin(t, "open", 10*time.Minute)
	open.add(t, 0, 1)
	open.write(t, 0, time.Now())
	s.begin(t, "idle", 10*time.Minute)
}
