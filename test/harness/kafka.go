package harness

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Kafka is an Apache Kafka broker of the version in test/java/pom.xml: one combined KRaft node, SASL_SSL with SCRAM-SHA-512 and
// the StandardAuthorizer, as the broker that it stands beside.
type Kafka struct {
	// Address is the SASL_SSL listener.
	Address string
	// Dir is its log directory.
	Dir string

	config string
	cmd    *exec.Cmd
	log    *tail
}

// StartKafka starts Apache Kafka with the certificates and the super user of a broker of ours, so that the same client file
// serves both. It ends with the test. more adds lines to its configuration.
func StartKafka(t testing.TB, like *Broker, more ...string) *Kafka {
	t.Helper()
	dir := t.TempDir()
	k := &Kafka{Address: FreeAddress(t), Dir: filepath.Join(dir, "logs"), log: &tail{}}
	user, password := like.Admin(t)
	k.config = k.configure(t, dir, like, user, password, more)
	scram := fmt.Sprintf("SCRAM-SHA-512=[name=%s,password=%s]", user, password)
	Command(t, "", "java", kafkaArgs(t, nil, "kafka.tools.StorageTool", "format", "-t", "MkU3OEVBNTcwNTJENDM2Qk",
		"-c", k.config, "--standalone", "--add-scram", scram,
		"--feature", "eligible.leader.replicas.version=0")...) // KIP-966 sets min.insync.replicas as a config of the cluster

	k.Run(t)
	return k
}

// kafkaArgs are JavaArgs for a main class of the broker's own.
func kafkaArgs(t testing.TB, options []string, main string, args ...string) []string {
	t.Helper()
	all, err := javaArgs(Root(t), brokerArchive, options, main, args...)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// Run starts the process, again after Stop or Kill, and waits until it listens.
func (k *Kafka) Run(t testing.TB) {
	t.Helper()
	cmd := exec.Command("java", kafkaArgs(t, []string{"-Xmx1g", "-Xms1g"}, "kafka.Kafka", k.config)...)
	cmd.Stdout, cmd.Stderr = k.log, k.log
	if err := cmd.Start(); err != nil {
		t.Fatalf("start Apache Kafka: %v", err)
	}
	k.cmd = cmd
	running.add(t, k)
	t.Cleanup(func() { k.end(syscall.SIGKILL) })
	k.waitReady(t)
}

// Stop ends the process by SIGTERM.
func (k *Kafka) Stop(t testing.TB) {
	t.Helper()
	k.end(syscall.SIGTERM)
}

// Kill ends the process as kill -9 does.
func (k *Kafka) Kill(t testing.TB) {
	t.Helper()
	k.end(syscall.SIGKILL)
}

func (k *Kafka) end(s syscall.Signal) {
	if k.cmd == nil {
		return
	}
	running.remove(k)
	_ = k.cmd.Process.Signal(s)
	_ = k.cmd.Wait()
	k.cmd = nil
}

// Bootstrap is the listener by a name that its certificate holds.
func (k *Kafka) Bootstrap() string { return localhost(k.Address) }

func (k *Kafka) configure(t testing.TB, dir string, like *Broker, user, password string, more []string) string {
	t.Helper()
	var store bytes.Buffer
	for _, name := range []string{"server.key", "server.pem"} {
		pem, err := os.ReadFile(filepath.Join(like.Dir, name))
		if err != nil {
			t.Fatal(err)
		}
		store.Write(pem)
	}
	keystore := filepath.Join(dir, "keystore.pem")
	if err := os.WriteFile(keystore, store.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	controller := FreeAddress(t)
	text := fmt.Sprintf(`process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=%[1]s
controller.listener.names=CONTROLLER
listeners=SASL_SSL://%[2]s,CONTROLLER://%[1]s
advertised.listeners=SASL_SSL://%[3]s
listener.security.protocol.map=SASL_SSL:SASL_SSL,CONTROLLER:PLAINTEXT
inter.broker.listener.name=SASL_SSL
sasl.mechanism.inter.broker.protocol=SCRAM-SHA-512
sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username="%[4]s" password="%[5]s";
ssl.keystore.type=PEM
ssl.keystore.location=%[6]s
ssl.truststore.type=PEM
ssl.truststore.location=%[7]s
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:%[4]s;User:ANONYMOUS
log.dirs=%[8]s
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
%[9]s
`, controller, k.Address, localhost(k.Address), user, password, keystore, like.CA(), k.Dir, strings.Join(more, "\n"))
	path := filepath.Join(dir, "server.properties")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func (k *Kafka) waitReady(t testing.TB) {
	t.Helper()
	awaitReady(t, "Apache Kafka", nil, k.log, listens(k.Address))
}
