//go:build interop

// Package interop shows that clients and tools that others wrote work with the broker: Apache Kafka's tools and Java client,
// kcat, franz-go, Sarama, kafka-python, aiokafka and confluent-kafka.
package interop

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chronik-stream/chronik/test/harness"
)

// Main classes of Apache Kafka 4.3.1's tools.
const (
	topicCommand        = "org.apache.kafka.tools.TopicCommand"
	configCommand       = "kafka.admin.ConfigCommand"
	aclCommand          = "org.apache.kafka.tools.AclCommand"
	groupCommand        = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand"
	consoleProducer     = "org.apache.kafka.tools.ConsoleProducer"
	consoleConsumer     = "org.apache.kafka.tools.consumer.ConsoleConsumer"
	getOffsets          = "org.apache.kafka.tools.GetOffsetShell"
	featureCommand      = "org.apache.kafka.tools.FeatureCommand"
	transactionsCommand = "stream.chronik.test.Transactions" // org.apache.kafka.tools.TransactionsCommand
	apiVersionsCommand  = "org.apache.kafka.tools.BrokerApiVersionsCommand"
	clusterTool         = "org.apache.kafka.tools.ClusterTool"
	deleteRecords       = "org.apache.kafka.tools.DeleteRecordsCommand"
	producerPerf        = "org.apache.kafka.tools.ProducerPerformance"
	consumerPerf        = "org.apache.kafka.tools.ConsumerPerformance"
	roundTrip           = "stream.chronik.test.RoundTrip"
)

// tools are the JVMs of this test run.
var tools *harness.Tools

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (int, error) {
	root, err := filepath.Abs("../..")
	if err != nil {
		return 0, err
	}
	tools, err = harness.StartTools(root)
	if err != nil {
		return 0, err
	}
	code := m.Run()
	return code, tools.Close()
}

// admin runs one of Apache Kafka's admin tools as the super user.
func admin(t *testing.T, b *harness.Broker, main string, args ...string) string {
	t.Helper()
	return tools.Must(t, main, adminArgs(b, args)...)
}

func adminArgs(b *harness.Broker, args []string) []string {
	return append([]string{"--bootstrap-server", b.Bootstrap(), "--command-config", b.ClientProperties()}, args...)
}

func createTopic(t *testing.T, b *harness.Broker, name string, partitions int) {
	t.Helper()
	admin(t, b, topicCommand, "--create", "--topic", name, "--partitions", fmt.Sprint(partitions))
}

// addUser makes a SCRAM user and returns a Java client file for it.
func addUser(t *testing.T, b *harness.Broker, user, password string) string {
	t.Helper()
	admin(t, b, configCommand, "--alter", "--entity-type", "users", "--entity-name", user,
		"--add-config", "SCRAM-SHA-512=[iterations=4096,password="+password+"]")
	return b.Properties(t, "SCRAM-SHA-512", user, password)
}

func contains(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("no %q in:\n%s", p, text)
		}
	}
}

// logged waits until the broker has logged each of some texts: a line that it writes before it answers may be read here after that.
func logged(t *testing.T, b *harness.Broker, texts ...string) {
	t.Helper()
	for _, text := range texts {
		waitFor(t, fmt.Sprintf("%q in the log", text), func() bool { return strings.Contains(b.Log(), text) })
	}
}

func values(prefix string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("%s-%d", prefix, i)
	}
	return out
}
