//go:build interop

package interop

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chronik-stream/chronik/test/harness"
)

// TestTopicTool runs kafka-topics in its forms.
func TestTopicTool(t *testing.T) {
	t.Parallel()
	b := harness.Start(t)
	out := admin(t, b, topicCommand, "--create", "--topic", "orders", "--partitions", "3", "--replication-factor", "1",
		"--config", "retention.ms=600000")
	contains(t, out, "Created topic orders.")
	out = admin(t, b, topicCommand, "--describe", "--topic", "orders")
	contains(t, out, "Topic: orders", "PartitionCount: 3", "ReplicationFactor: 1", "retention.ms=600000",
		"Partition: 2", "Leader: 1", "Isr: 1")
	if id := regexp.MustCompile(`TopicId: (\S{22})`).FindStringSubmatch(out); id == nil {
		t.Errorf("no topic id in:\n%s", out)
	} else {
		contains(t, admin(t, b, topicCommand, "--describe", "--topic-id", id[1]), "Topic: orders")
	}
	contains(t, admin(t, b, topicCommand, "--list"), "orders")
	admin(t, b, topicCommand, "--alter", "--topic", "orders", "--partitions", "5")
	contains(t, admin(t, b, topicCommand, "--describe", "--topic", "orders"), "PartitionCount: 5")
	contains(t, admin(t, b, topicCommand, "--describe", "--topics-with-overrides"), "orders")
	for _, flag := range []string{"--under-replicated-partitions", "--unavailable-partitions", "--under-min-isr-partitions"} {
		if out := admin(t, b, topicCommand, "--describe", flag); strings.TrimSpace(out) != "" {
			t.Errorf("%s on a healthy broker prints %q", flag, out)
		}
	}

	fails(t, b, "Topic 'orders' already exists.", topicCommand, "--create", "--topic", "orders")
	admin(t, b, topicCommand, "--create", "--topic", "orders", "--if-not-exists")
	fails(t, b, "retention.ms", topicCommand, "--create", "--topic", "bad", "--config", "retention.ms=soon")
	fails(t, b, "replication factor of 3 cannot be reached", topicCommand, "--create", "--topic", "bad", "--replication-factor", "3")
	fails(t, b, "", topicCommand, "--create", "--topic", "bad/name")

	admin(t, b, topicCommand, "--delete", "--topic", "orders")
	if out := admin(t, b, topicCommand, "--list"); strings.Contains(out, "orders") {
		t.Errorf("a deleted topic is listed:\n%s", out)
	}
	admin(t, b, topicCommand, "--delete", "--topic", "orders", "--if-exists")
	fails(t, b, "orders", topicCommand, "--delete", "--topic", "orders")
}

// fails runs an admin tool that has to exit with another code than 0 and print the text.
func fails(t *testing.T, b *harness.Broker, text, main string, args ...string) {
	t.Helper()
	out := tools.Run(t, main, adminArgs(b, args)...)
	if out.Exit == 0 {
		t.Errorf("%s %s: exit 0\n%s", main, strings.Join(args, " "), out.Out)
	}
	contains(t, out.Out+out.Err, text)
}

// TestConfigTool runs kafka-configs for topics and for SCRAM users.
func TestConfigTool(t *testing.T) {
	t.Parallel()
	b := harness.Start(t)
	createTopic(t, b, "configured", 1)
	topic := []string{"--entity-type", "topics", "--entity-name", "configured"}
	contains(t, admin(t, b, configCommand, append(topic, "--alter", "--add-config", "retention.ms=1000,segment.bytes=1048576")...),
		"Completed updating config for topic configured.")
	contains(t, admin(t, b, configCommand, append(topic, "--describe")...), "retention.ms=1000", "segment.bytes=1048576", "DYNAMIC_TOPIC_CONFIG")
	contains(t, admin(t, b, configCommand, append(topic, "--describe", "--all")...), "max.message.bytes=1048588", "DEFAULT_CONFIG")
	admin(t, b, configCommand, append(topic, "--alter", "--delete-config", "retention.ms")...)
	if out := admin(t, b, configCommand, append(topic, "--describe")...); strings.Contains(out, "retention.ms") {
		t.Errorf("a deleted config is described:\n%s", out)
	}
	fails(t, b, "no.such.key", configCommand, append(topic, "--alter", "--add-config", "no.such.key=1")...)

	fails(t, b, "evidence", configCommand, "--entity-type", "topics", "--entity-name", "__audit_log", "--alter", "--add-config", "retention.ms=1")

	contains(t, admin(t, b, configCommand, "--entity-type", "brokers", "--entity-name", "1", "--describe", "--all"), "node.id=1", "super.users")

	user := []string{"--entity-type", "users", "--entity-name", "alice"}
	for _, credential := range []string{"SCRAM-SHA-256=[iterations=8192,password=alice-secret]", "SCRAM-SHA-512=[password=alice-secret]"} {
		contains(t, admin(t, b, configCommand, append(user, "--alter", "--add-config", credential)...), "Completed updating config for user alice.")
	}
	out := admin(t, b, configCommand, append(user, "--describe")...)
	contains(t, out, "SCRAM-SHA-256=iterations=8192", "SCRAM-SHA-512=iterations=4096")
	if strings.Contains(out, "salt") || strings.Contains(out, "key") {
		t.Errorf("secrets in:\n%s", out)
	}
	admin(t, b, configCommand, append(user, "--alter", "--delete-config", "SCRAM-SHA-256")...)
	if out := admin(t, b, configCommand, append(user, "--describe")...); strings.Contains(out, "SCRAM-SHA-256") {
		t.Errorf("a deleted credential is described:\n%s", out)
	}
	fails(t, b, "", configCommand, append(user, "--alter", "--add-config", "SCRAM-SHA-512=[iterations=20000,password=x]")...)
}

// TestACLTool runs kafka-acls in every form of its documentation.
func TestACLTool(t *testing.T) {
	t.Parallel()
	b := harness.Start(t)
	added := []struct {
		args []string
		want []string
	}{
		{[]string{"--add", "--allow-principal", "User:bob", "--operation", "Read", "--topic", "t1"}, []string{"name=t1", "User:bob", "READ"}},
		{[]string{"--add", "--deny-principal", "User:eve", "--deny-host", "10.0.0.1", "--operation", "All", "--topic", "*"}, []string{"User:eve", "host=10.0.0.1", "DENY"}},
		{[]string{"--add", "--allow-principal", "User:bob", "--allow-host", "127.0.0.1", "--operation", "Describe", "--group", "g1"}, []string{"GROUP", "host=127.0.0.1"}},
		{[]string{"--add", "--allow-principal", "User:bob", "--operation", "Create", "--cluster"}, []string{"CLUSTER", "CREATE"}},
		{[]string{"--add", "--allow-principal", "User:bob", "--operation", "Write", "--transactional-id", "tx1"}, []string{"TRANSACTIONAL_ID"}},
		{[]string{"--add", "--allow-principal", "User:bob", "--operation", "Describe", "--delegation-token", "tok"}, []string{"DELEGATION_TOKEN"}},
		{[]string{"--add", "--allow-principal", "User:bob", "--operation", "CreateTokens", "--user-principal", "User:carol"}, []string{"CREATE_TOKENS"}},
		{[]string{"--add", "--allow-principal", "User:bob", "--operation", "Write", "--topic", "pre-", "--resource-pattern-type", "prefixed"}, []string{"PREFIXED", "pre-"}},
		{[]string{"--add", "--allow-principal", "User:prod", "--producer", "--topic", "t2", "--idempotent", "--transactional-id", "tx2"}, []string{"WRITE", "DESCRIBE", "CREATE"}},
		{[]string{"--add", "--allow-principal", "User:cons", "--consumer", "--topic", "t2", "--group", "g2"}, []string{"READ", "g2"}},
	}
	for _, a := range added {
		contains(t, admin(t, b, aclCommand, a.args...), append(a.want, "Adding ACLs for resource")...)
	}
	all := admin(t, b, aclCommand, "--list")
	contains(t, all, "name=t1", "name=*", "name=g1", "name=kafka-cluster", "name=tx1", "name=tok", "User:carol", "name=pre-", "name=t2", "name=g2", "IDEMPOTENT_WRITE")

	listed := admin(t, b, aclCommand, "--list", "--topic", "pre-fix", "--resource-pattern-type", "match")
	contains(t, listed, "name=pre-", "name=*")
	if out := admin(t, b, aclCommand, "--list", "--topic", "pre-fix"); strings.Contains(out, "name=pre-") {
		t.Errorf("a literal list shows a prefixed ACL:\n%s", out)
	}
	contains(t, admin(t, b, aclCommand, "--list", "--topic", "pre-", "--resource-pattern-type", "any"), "name=pre-")
	contains(t, admin(t, b, aclCommand, "--list", "--principal", "User:bob", "--topic", "t1"), "User:bob")

	admin(t, b, aclCommand, "--remove", "--allow-principal", "User:bob", "--operation", "Read", "--topic", "t1", "--force")
	if out := admin(t, b, aclCommand, "--list", "--topic", "t1"); strings.Contains(out, "User:bob") {
		t.Errorf("a removed ACL is listed:\n%s", out)
	}
	admin(t, b, aclCommand, "--remove", "--topic", "pre-", "--resource-pattern-type", "prefixed", "--force")
	admin(t, b, aclCommand, "--remove", "--allow-principal", "User:cons", "--consumer", "--topic", "t2", "--group", "g2", "--force")
	if out := admin(t, b, aclCommand, "--list"); strings.Contains(out, "pre-") || strings.Contains(out, "User:cons") {
		t.Errorf("removed ACLs are listed:\n%s", out)
	}
}

// TestOffsetTools runs kafka-get-offsets, and the formatters of __consumer_offsets on what a group of Java's consumer has left there.
func TestOffsetTools(t *testing.T) {
	t.Parallel()
	b := harness.Start(t, "CHRONIK_GROUP_INITIAL_REBALANCE_DELAY_MS=0")
	createTopic(t, b, "grouped", 2)
	tools.Must(t, roundTrip, "produce", b.Bootstrap(), b.ClientProperties(), "grouped", "20", "v")
	tools.Must(t, roundTrip, "consume", b.Bootstrap(), b.ClientProperties(), "grouped", "20", "team")
	checkOffsetsTopic(t, b)
	contains(t, admin(t, b, getOffsets, "--topic", "grouped"), "grouped:0:", "grouped:1:")
	for _, at := range []string{"earliest", "latest", "max-timestamp", "-2", "-1"} {
		contains(t, admin(t, b, getOffsets, "--topic", "grouped", "--time", at), "grouped:0:")
	}
}

// checkOffsetsTopic lets Apache Kafka's own formatters read __consumer_offsets, of which one partition has all of the one group. Who
// reads only that joins no group, and adds nothing.
func checkOffsetsTopic(t *testing.T, b *harness.Broker) {
	t.Helper()
	records, _ := readTopic(t, franzSASL(t, b, "SCRAM-SHA-512"), "__consumer_offsets", kgo.ReadUncommitted())
	if len(records) == 0 {
		t.Fatal("the offsets topic is empty")
	}
	for formatter, want := range map[string][]string{
		"OffsetsMessageFormatter":       {`"group":"team"`, `"topic":"grouped"`, `"offset":`},
		"GroupMetadataMessageFormatter": {`"group":"team"`, `"protocolType":"consumer"`, `"protocol":"range"`, `"members":[]`},
	} {
		contains(t, admin(t, b, consoleConsumer, "--topic", "__consumer_offsets", "--partition", fmt.Sprint(records[0].Partition),
			"--offset", "earliest", "--max-messages", fmt.Sprint(len(records)), "--timeout-ms", "60000", "--formatter", "org.apache.kafka.tools.consumer."+formatter), want...)
	}
}

// TestClusterTools runs kafka-broker-api-versions and kafka-cluster.
func TestClusterTools(t *testing.T) {
	t.Parallel()
	b := harness.Start(t)
	out := admin(t, b, apiVersionsCommand)
	contains(t, out, "id: 1", "Produce(0): 0 to 13", "Fetch(1): 4 to 18", "CreateAcls(30): 1 to 3", "ApiVersions(18): 0 to 5")
	out = tools.Must(t, clusterTool, "cluster-id", "--bootstrap-server", b.Bootstrap(), "--config", b.ClientProperties())
	if !regexp.MustCompile(`Cluster ID: \S{22}`).MatchString(out) {
		t.Errorf("no cluster id in %q", out)
	}
	contains(t, tools.Must(t, clusterTool, "list-endpoints", "--bootstrap-server", b.Bootstrap(), "--config", b.ClientProperties()), "localhost")
}

// TestPerfTools runs Apache Kafka's load generators, small.
func TestPerfTools(t *testing.T) {
	t.Parallel()
	b := harness.Start(t)
	createTopic(t, b, "perf", 3)
	const records = "20000"
	out := tools.Must(t, producerPerf, "--topic", "perf", "--num-records", records, "--record-size", "1024", "--throughput", "-1",
		"--bootstrap-server", b.Bootstrap(), "--command-config", b.ClientProperties(), "--command-property", "acks=all")
	contains(t, out, records+" records sent", "99th")
	out = tools.Must(t, consumerPerf, "--topic", "perf", "--num-records", records, "--bootstrap-server", b.Bootstrap(),
		"--command-config", b.ClientProperties(), "--timeout", "60000")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	contains(t, lines[0], "start.time", "data.consumed.in.MB", "nMsg.sec")
	columns := strings.Split(lines[len(lines)-1], ", ")
	if len(columns) != 10 || columns[2] != "19.5313" || columns[4] != records { // 20,000 KiB in MB, and the number of records
		t.Errorf("report of the consumer's run: %q", columns)
	}
}
