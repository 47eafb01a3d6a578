//go:build interop

package interop

import "slices"

// step is one run of a tool. BOOTSTRAP and FILE in args stand for the broker's address and the client file; without BOOTSTRAP both
// are given as the admin tools take them.
type step struct {
	main  string
	args  string
	stdin string
}

func stepsOf(main string, args ...string) []step {
	out := make([]step, len(args))
	for i, a := range args {
		out[i] = step{main: main, args: a}
	}
	return out
}

// paritySteps are run in this order, at both brokers.
func paritySteps() []step {
	return slices.Concat(topicSteps(), configSteps(), userSteps(), quotaSteps(), aclSteps(), recordSteps(), groupSteps(), groupConfigSteps(), featureSteps(), []step{
		{main: topicCommand, args: "--delete --topic orders"},
		{main: topicCommand, args: "--delete --topic orders"},
		{main: topicCommand, args: "--delete --topic orders --if-exists"},
		{main: topicCommand, args: "--delete --topic assi.*"},
		{main: topicCommand, args: "--list --exclude-internal"},
		{main: clusterTool, args: "cluster-id --bootstrap-server BOOTSTRAP --config FILE"},
		{main: clusterTool, args: "list-endpoints --bootstrap-server BOOTSTRAP --config FILE"},
	})
}

func groupConfigSteps() []step {
	return stepsOf(configCommand,
		"--entity-type groups --entity-name set --alter --add-config consumer.session.timeout.ms=50000,consumer.heartbeat.interval.ms=15000",
		"--entity-type groups --entity-name set --alter --add-config consumer.assignment.interval.ms=0",
		"--entity-type groups --entity-name set --alter --add-config consumer.session.timeout.ms=44999",
		"--entity-type groups --entity-name set --alter --add-config consumer.session.timeout.ms=60001",
		"--entity-type groups --entity-name set --alter --add-config consumer.heartbeat.interval.ms=4999",
		"--entity-type groups --entity-name set --alter --add-config consumer.heartbeat.interval.ms=15001",
		"--entity-type groups --entity-name set --alter --add-config consumer.assignment.interval.ms=15001",
		"--entity-type groups --entity-name set --alter --add-config consumer.assignment.interval.ms=-1",
		"--entity-type groups --entity-name set --alter --add-config consumer.session.timeout.ms=soon",
		"--entity-type groups --entity-name set --alter --add-config no.such.key=1",
		"--entity-type groups --entity-name set --describe",
		"--group set --describe",
		"--entity-type groups --describe",
		"--entity-type groups --entity-name set --describe --all",
		"--entity-type groups --entity-name unset --describe --all",
		"--entity-type groups --entity-name set --alter --delete-config consumer.session.timeout.ms",
		"--entity-type groups --entity-name set --alter --delete-config no.such.key",
		"--entity-type groups --entity-name set --describe",
		"--entity-type brokers --entity-name 1 --alter --add-config group.consumer.assignment.interval.ms=2000",
		"--entity-type brokers --entity-name 1 --alter --add-config group.consumer.assignment.interval.ms=-1",
		"--entity-type brokers --entity-name 1 --alter --add-config group.consumer.session.timeout.ms=50000",
		"--entity-type groups --entity-name set --describe --all",
		"--entity-type brokers --entity-name 1 --alter --delete-config group.consumer.assignment.interval.ms",
	)
}

// featureSteps begin with the features turned off and end with the levels that Apache Kafka begins with.
func featureSteps() []step {
	return stepsOf(featureCommand,
		"disable --feature group.version --feature transaction.version",
		"describe",
		"upgrade --feature transaction.version=2 --dry-run",
		"upgrade --feature transaction.version=1",
		"describe",
		"upgrade --feature transaction.version=3",
		"upgrade --feature transaction.version=3 --dry-run",
		"upgrade --feature transaction.version=0",
		"upgrade --feature group.version=1 --feature no.such.feature=1",
		"upgrade",
		"downgrade --feature transaction.version=2",
		"downgrade --feature transaction.version=-1",
		"downgrade --feature transaction.version=0 --dry-run",
		"downgrade --feature transaction.version=0",
		"downgrade --feature transaction.version=0 --unsafe",
		"disable --feature no.such.feature",
		"describe",
		"upgrade --feature group.version=1 --feature transaction.version=2",
		"describe",
	)
}

func topicSteps() []step {
	return stepsOf(topicCommand,
		"--create --topic orders --partitions 3 --config retention.ms=600000",
		"--create --topic orders",
		"--create --topic orders --if-not-exists",
		"--create --topic bad/name",
		"--create --topic x --replication-factor 3",
		"--create --topic x --config retention.ms=soon",
		"--create --topic x --partitions 0",
		"--create --topic assigned --replica-assignment 1,1",
		"--create --topic x --replica-assignment 1,7",
		"--list",
		"--list --exclude-internal",
		"--list --topic ord.*",
		"--describe --topic orders",
		"--describe --topic orders --partition-size-limit-per-response 1",
		"--describe --topic nothing",
		"--describe --topic nothing --if-exists",
		"--describe --topic-id AAAAAAAAAAAAAAAAAAAAAQ",
		"--describe --exclude-internal",
		"--describe --topics-with-overrides --exclude-internal",
		"--describe --under-replicated-partitions",
		"--describe --unavailable-partitions",
		"--describe --under-min-isr-partitions",
		"--describe --at-min-isr-partitions --exclude-internal",
		"--alter --topic orders --partitions 5",
		"--alter --topic orders --partitions 2",
		"--alter --topic assigned --partitions 3 --replica-assignment 1,1,1",
		"--alter --topic nothing --partitions 2",
		"--alter --topic nothing --partitions 2 --if-exists",
		"--describe --topic orders",
	)
}

func configSteps() []step {
	return stepsOf(configCommand,
		"--entity-type topics --entity-name orders --alter --add-config segment.bytes=1048576",
		"--entity-type topics --entity-name orders --alter --add-config cleanup.policy=[delete],max.message.bytes=2000000",
		"--entity-type topics --entity-name orders --describe",
		"--topic orders --describe",
		"--entity-type topics --entity-name orders --describe --all",
		"--entity-type topics --entity-name orders --alter --delete-config segment.bytes",
		"--entity-type topics --entity-name orders --alter --delete-config no.such.key",
		"--entity-type topics --entity-name orders --alter --add-config no.such.key=1",
		"--entity-type topics --entity-name orders --alter --add-config max.message.bytes=-5",
		"--entity-type topics --entity-name orders --describe",
		"--entity-type topics --entity-name nothing --alter --add-config segment.bytes=1048576",
		"--entity-type topics --entity-name nothing --describe",
		"--entity-type brokers --entity-name 1 --describe",
		"--entity-type brokers --entity-default --describe",
		"--entity-type clients --describe",
		"--entity-type ips --describe",
	)
}

func userSteps() []step {
	return stepsOf(configCommand,
		"--entity-type users --entity-name alice --alter --add-config SCRAM-SHA-512=[iterations=8192,password=x]",
		"--entity-type users --entity-name bob --alter --add-config SCRAM-SHA-256=[password=x],SCRAM-SHA-512=[password=y]",
		"--entity-type users --entity-name alice --describe",
		"--user bob --describe",
		"--entity-type users --entity-name nobody --describe",
		"--entity-type users --entity-default --describe",
		"--entity-type users --describe",
		"--entity-type users --entity-name alice --alter --add-config SCRAM-SHA-512=[iterations=20000,password=x]",
		"--entity-type users --entity-name alice --alter --add-config SCRAM-SHA-512=[iterations=100,password=x]",
		"--entity-type users --entity-name alice --alter --add-config SCRAM-SHA-512=[password=]",
		"--entity-type users --entity-default --alter --add-config SCRAM-SHA-512=[password=x]",
		"--entity-type users --entity-name alice --alter --delete-config SCRAM-SHA-256",
		"--entity-type users --entity-name alice --alter --delete-config SCRAM-SHA-512",
		"--entity-type users --entity-name alice --describe",
	)
}

func aclSteps() []step {
	return stepsOf(aclCommand,
		"--add --allow-principal User:bob --operation Read --operation Write --topic orders",
		"--add --deny-principal User:eve --deny-host 10.0.0.1 --operation All --group g",
		"--add --allow-principal User:bob --allow-host 127.0.0.1 --deny-principal User:eve --operation Describe --topic * --group *",
		"--add --allow-principal User:p --producer --topic pre- --resource-pattern-type prefixed",
		"--add --allow-principal User:q --producer --topic orders --idempotent --transactional-id tx",
		"--add --allow-principal User:c --consumer --topic orders --group team",
		"--add --allow-principal User:bob --operation Create --cluster",
		"--add --allow-principal User:bob --operation Describe --transactional-id tx",
		"--add --allow-principal User:bob --operation Describe --delegation-token tok",
		"--add --allow-principal User:bob --operation CreateTokens --user-principal User:carol",
		"--add --allow-principal User:bob --operation Read --cluster",
		"--add --allow-principal User:bob --operation Read --topic x --resource-pattern-type match",
		"--add --allow-principal bob --operation Read --topic x",
		"--list",
		"--list --topic orders",
		"--list --topic pre-fix --resource-pattern-type match",
		"--list --topic pre- --resource-pattern-type any",
		"--list --topic pre- --resource-pattern-type prefixed",
		"--list --group g",
		"--list --cluster",
		"--list --transactional-id tx",
		"--list --delegation-token tok",
		"--list --user-principal User:carol",
		"--list --principal User:bob",
		"--list --principal User:bob --principal User:eve --topic orders",
		"--remove --allow-principal User:bob --operation Read --topic orders --force",
		"--remove --allow-principal User:bob --operation Read --topic orders --force",
		"--remove --allow-principal User:c --consumer --topic orders --group team --force",
		"--remove --allow-principal User:q --producer --topic orders --idempotent --transactional-id tx --force",
		"--remove --topic pre- --resource-pattern-type prefixed --force",
		"--remove --cluster --force",
		"--remove --deny-principal User:eve --deny-host 10.0.0.1 --operation All --group g --force",
		"--list",
	)
}

func recordSteps() []step {
	return []step{
		{main: topicCommand, args: "--create --topic lines --partitions 1"},
		{main: consoleProducer, args: "--topic lines", stdin: "a\nb\nc\n"},
		{main: consoleProducer, args: "--topic lines --reader-property parse.key=true --reader-property parse.headers=true", stdin: "h:1\tk\tv\n"},
		{main: consoleConsumer, args: "--topic lines --from-beginning --max-messages 4 --formatter-property print.key=true --formatter-property print.headers=true --formatter-property print.offset=true --formatter-property print.partition=true"},
		{main: consoleConsumer, args: "--topic lines --partition 0 --offset 2 --max-messages 1"},
		{main: roundTrip, args: "consume BOOTSTRAP FILE lines 4 team"},
		{main: getOffsets, args: "--topic lines"},
		{main: getOffsets, args: "--topic lines --time earliest"},
		{main: getOffsets, args: "--topic lines --time max-timestamp"},
		{main: getOffsets, args: "--topic lines --time earliest-local"},
		{main: getOffsets, args: "--topic lines --time latest-tiered"},
		{main: getOffsets, args: "--topic lines --time 0"},
		{main: getOffsets, args: "--topic lines --time 33000000000000"},
		{main: getOffsets, args: "--topic-partitions lines:0,orders:1-3"},
		{main: getOffsets, args: "--topic orders --partitions 0,2"},
		{main: getOffsets, args: "--topic nothing"},
		{main: getOffsets, args: "--exclude-internal-topics"},
	}
}

func groupSteps() []step {
	return stepsOf(groupCommand,
		"--list",
		"--list --state",
		"--list --type",
		"--list --state stable",
		"--list --type consumer",
		"--list --type classic --state empty,stable",
		"--list --state nonsense",
		"--describe --group team",
		"--describe --group team --offsets --verbose",
		"--describe --group team --state",
		"--describe --group team --members",
		"--describe --group live",
		"--describe --group live --state",
		"--describe --group live --members",
		"--describe --group live --members --verbose",
		"--describe --group live --offsets --verbose",
		"--describe --group live --state --verbose",
		"--describe --all-groups --state",
		"--describe --group team --group live --members",
		"--describe --group nobody",
		"--reset-offsets --group live --topic lines --to-earliest --execute",
		"--reset-offsets --group team --topic lines --to-earliest --dry-run",
		"--reset-offsets --group team --topic lines --to-earliest --execute",
		"--reset-offsets --group team --topic lines --shift-by 2 --execute",
		"--reset-offsets --group team --topic lines:0 --shift-by -9 --dry-run",
		"--reset-offsets --group team --all-topics --to-offset 1 --execute",
		"--reset-offsets --group team --topic lines --to-offset 99 --dry-run",
		"--reset-offsets --group team --topic lines --to-latest --execute",
		"--reset-offsets --group team --topic lines --to-current --dry-run",
		"--reset-offsets --group team --topic lines --by-duration PT1H --dry-run",
		"--reset-offsets --group team --topic lines --to-datetime 2099-01-01T00:00:00.000 --dry-run",
		"--reset-offsets --group team --topic lines --to-earliest --export --dry-run",
		"--reset-offsets --group team --from-file OFFSETS --execute",
		"--reset-offsets --group fresh --topic lines --to-earliest --execute",
		"--reset-offsets --group fresh --topic orders:0,2 --topic lines:0 --to-offset 1 --execute",
		"--reset-offsets --group fresh --topic orders:9 --to-latest --dry-run",
		"--reset-offsets --group fresh --topic nothing --to-latest --dry-run",
		"--reset-offsets --group fresh --all-topics --to-latest --export --dry-run",
		"--reset-offsets --group team --group fresh --all-topics --to-current --export --dry-run",
		"--reset-offsets --all-groups --all-topics --to-earliest --dry-run",
		"--reset-offsets --group fresh --topic lines --to-earliest",
		"--describe --group team",
		"--validate-regex lin.*",
		"--validate-regex [",
		"--delete-offsets --group team --topic lines:0",
		"--delete-offsets --group live --topic lines",
		"--delete-offsets --group nobody --topic lines",
		"--delete --group nobody",
		"--delete --group live",
		"--delete --group team --group fresh",
		"--list",
	)
}
