package broker

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chronik-stream/chronik/broker/group"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/txn"
)

// TestEveryKeyOfGroupsReachesTheirCoordinators gives each key a value of its own, so that none can be left out or take another's place.
func TestEveryKeyOfGroupsReachesTheirCoordinators(t *testing.T) {
	o := options(t, map[string]string{
		"group.initial.rebalance.delay.ms": "1", "group.min.session.timeout.ms": "2", "group.max.session.timeout.ms": "3",
		"group.max.size": "4", "offset.metadata.max.bytes": "5", "offsets.retention.minutes": "6", "offsets.retention.check.interval.ms": "7",
		"group.consumer.max.size": "8", "group.consumer.assignors": "range", "group.consumer.regex.refresh.interval.ms": "10009",
		"group.consumer.migration.policy": "upgrade", "group.coordinator.rebalance.protocols": "classic",
		"group.consumer.session.timeout.ms": "45010", "offsets.topic.num.partitions": "11", "offsets.topic.replication.factor": "12",
		"offsets.topic.segment.bytes": "1048589", "offsets.commit.timeout.ms": "13",
	})
	want := group.Config{
		InitialRebalanceDelay: time.Millisecond, MinSessionTimeout: 2 * time.Millisecond, MaxSessionTimeout: 3 * time.Millisecond,
		MaxSize: 4, MaxOffsetMetadata: 5, OffsetsRetention: 6 * time.Minute, ExpiryInterval: 7 * time.Millisecond,
		Consumer: group.ConsumerConfig{
			MaxSize: 8, Assignors: []string{"range"}, RegexRefresh: 10_009 * time.Millisecond, Upgrade: true,
			SessionTimeout: 45_010 * time.Millisecond,
		},
	}
	if diff := cmp.Diff(want, o.Group); diff != "" {
		t.Error(diff)
	}
	if o.ConsumerGroups {
		t.Error("consumer groups are served, which group.coordinator.rebalance.protocols does not name")
	}
	topic := InternalTopic{Partitions: 11, Factor: 12, Configs: map[string]string{
		"cleanup.policy": "compact", "compression.type": "producer", "segment.bytes": "1048589",
	}}
	if diff := cmp.Diff(topic, o.OffsetsTopic); diff != "" {
		t.Error(diff)
	}
	if o.OffsetCommitTimeout != 13*time.Millisecond {
		t.Errorf("commits of offsets wait for %v", o.OffsetCommitTimeout)
	}
}

// TestWaysOfMigrationAndProtocols: the values besides those of the test before.
func TestWaysOfMigrationAndProtocols(t *testing.T) {
	for policy, want := range map[string][2]bool{"disabled": {}, "upgrade": {true, false}, "downgrade": {false, true}, "bidirectional": {true, true}} {
		c := options(t, map[string]string{"group.consumer.migration.policy": policy}).Group.Consumer
		if got := [2]bool{c.Upgrade, c.Downgrade}; got != want {
			t.Errorf("%s: upgrade and downgrade are %v", policy, got)
		}
	}
	if !options(t, map[string]string{"group.coordinator.rebalance.protocols": "consumer,classic"}).ConsumerGroups {
		t.Error("consumer groups are not served, which group.coordinator.rebalance.protocols names")
	}
}

// TestTimesOfAConsumerGroupReachItsCoordinator: those of the broker, and those of groups that were set when the bounds were wider.
func TestTimesOfAConsumerGroupReachItsCoordinator(t *testing.T) {
	o := options(t, map[string]string{
		"group.consumer.min.assignment.interval.ms": "101", "group.consumer.assignment.interval.ms": "102", "group.consumer.max.assignment.interval.ms": "103",
		"group.consumer.min.heartbeat.interval.ms": "201", "group.consumer.heartbeat.interval.ms": "202", "group.consumer.max.heartbeat.interval.ms": "203",
		"group.consumer.min.session.timeout.ms": "301", "group.consumer.session.timeout.ms": "302", "group.consumer.max.session.timeout.ms": "303",
	})
	image := meta.NewImage()
	alter := func(kind meta.ConfigType, name string, values map[string]string) {
		t.Helper()
		change := meta.ResourceChange{Key: meta.ResourceKey{Type: kind, Name: name}}
		for key, value := range values {
			change.Ops = append(change.Ops, meta.ConfigOp{Op: meta.SetConfig, Name: key, Value: value})
		}
		var result meta.Result
		image, _, result = image.Apply(image.Index()+1, &meta.AlterConfigs{Resources: []meta.ResourceChange{change}})
		if err := firstFailure(result); err != nil {
			t.Fatal(err)
		}
	}
	settings := func(session, heartbeat, assignment time.Duration) group.BeatSettings {
		return group.BeatSettings{
			SessionTimeout: session * time.Millisecond, HeartbeatInterval: heartbeat * time.Millisecond, AssignmentInterval: assignment * time.Millisecond,
		}
	}
	check := func(name string, want group.BeatSettings) {
		t.Helper()
		if diff := cmp.Diff(want, o.ConsumerGroup(image, name)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	alter(meta.GroupConfig, "low", map[string]string{
		"consumer.session.timeout.ms": "1", "consumer.heartbeat.interval.ms": "1", "consumer.assignment.interval.ms": "1",
	})
	alter(meta.GroupConfig, "high", map[string]string{
		"consumer.session.timeout.ms": "999", "consumer.heartbeat.interval.ms": "999", "consumer.assignment.interval.ms": "999",
	})
	check("other", settings(302, 202, 102))
	check("low", settings(301, 201, 101))
	check("high", settings(303, 203, 103))
	alter(meta.BrokerConfig, "", map[string]string{"group.consumer.assignment.interval.ms": "103"})
	check("other", settings(302, 202, 103))
	check("low", settings(301, 201, 101))
}

// TestEveryKeyOfTransactionsReachesTheirCoordinators likewise; transaction.partition.verification.enable is tested with the topics.
func TestEveryKeyOfTransactionsReachesTheirCoordinators(t *testing.T) {
	o := options(t, map[string]string{
		"transaction.max.timeout.ms": "1", "transaction.abort.timed.out.transaction.cleanup.interval.ms": "2",
		"transactional.id.expiration.ms": "3", "transaction.remove.expired.transaction.cleanup.interval.ms": "4",
		"add.partitions.to.txn.retry.backoff.ms": "5", "add.partitions.to.txn.retry.backoff.max.ms": "6",
		"transaction.state.log.num.partitions": "7", "transaction.state.log.replication.factor": "8", "transaction.state.log.min.isr": "9",
		"transaction.state.log.segment.bytes": "1048586",
	})
	want := txn.Config{
		MaxTimeout: time.Millisecond, AbortInterval: 2 * time.Millisecond, IDExpiration: 3 * time.Millisecond, ExpiryInterval: 4 * time.Millisecond,
		MarkerRetryMin: markerRetryMin, MarkerRetryMax: markerRetryMax,
	}
	if diff := cmp.Diff(want, o.Transactions); diff != "" {
		t.Error(diff)
	}
	if o.AddPause != 5*time.Millisecond || o.AddLimit != 6*time.Millisecond {
		t.Errorf("partitions are added with pauses of %s for %s", o.AddPause, o.AddLimit)
	}
	topic := InternalTopic{Partitions: 7, Factor: 8, Configs: map[string]string{
		"cleanup.policy": "compact", "compression.type": "uncompressed", "segment.bytes": "1048586",
		"min.insync.replicas": "9", "unclean.leader.election.enable": "false",
	}}
	if diff := cmp.Diff(topic, o.TransactionTopic); diff != "" {
		t.Error(diff)
	}
}
