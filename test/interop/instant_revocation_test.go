//go:build interop

package interop

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/wire"
	"github.com/chronik-stream/chronik/test/harness"
)

const readerPassword = "reader-secret"

// TestRevocationIsInstant has clients wait for records for ten minutes, and takes away what lets them: they are told long before, nothing that is
// written afterwards reaches them, and the audit log says why.
func TestRevocationIsInstant(t *testing.T) {
	t.Parallel()
	t.Run("an ACL", removedACL)
	t.Run("a policy", changedPolicy)
	t.Run("a user", deletedUser)
	t.Run("a token", expiredToken)
	t.Run("a certificate", revokedCertificate)
}

// startWaitedFor starts a broker with a topic that has one record.
func startWaitedFor(t *testing.T, env ...string) *harness.Broker {
	t.Helper()
	b := harness.Start(t, env...)
	createTopic(t, b, waitedTopic, 1)
	write(t, b, "before")
	return b
}

func write(t *testing.T, b *harness.Broker, what string) {
	t.Helper()
	tools.Must(t, roundTrip, "produce", b.Bootstrap(), b.ClientProperties(), waitedTopic, "1", what)
}

// mayRead makes a user who may read the topic, and returns his client file.
func mayRead(t *testing.T, b *harness.Broker, user string) string {
	t.Helper()
	file := addUser(t, b, user, readerPassword)
	admin(t, b, aclCommand, "--add", "--allow-principal", "User:"+user, "--operation", "Read", "--topic", waitedTopic)
	return file
}

// audited waits for an event of the audit log that has each of some texts.
func audited(t *testing.T, b *harness.Broker, texts ...string) {
	t.Helper()
	kcat := append(saslKcat(t, b, "PLAIN"), "-C", "-q", "-t", "__audit_log", "-o", "beginning", "-e")
	waitFor(t, fmt.Sprintf("%q in the audit log", texts), func() bool {
		return slices.ContainsFunc(strings.Split(harness.Command(t, "", "kcat", kcat...), "\n"), func(event string) bool {
			return !slices.ContainsFunc(texts, func(text string) bool { return !strings.Contains(event, text) })
		})
	})
}

// twoFetches are those of two users, which wait: one for more than there will be, and one for any record.
type twoFetches struct {
	id           [16]byte
	loses, keeps <-chan answer[*kmsg.FetchResponse]
	// bytes is what they hold of the broker's memory.
	bytes int
}

func startFetches(t *testing.T, b *harness.Broker, loser, keeper string) *twoFetches {
	t.Helper()
	f := &twoFetches{id: topicID(t, b, waitedTopic)}
	q := waitingFetch(f.id, 1)
	q.MinBytes = 1 << 20
	f.loses = later[*kmsg.FetchResponse](dialAs(t, b, loser, readerPassword), q)
	f.keeps = later[*kmsg.FetchResponse](dialAs(t, b, keeper, readerPassword), waitingFetch(f.id, 1))
	f.bytes = 2 * len(q.AppendTo(nil))
	waits(t, b, f.bytes)
	return f
}

// end checks the answers when a record was written after the change: one gets an error without the topic's name, the other the record.
func (f *twoFetches) end(t *testing.T) {
	t.Helper()
	lost := now(t, f.loses)
	if len(lost.Topics) != 1 || lost.Topics[0].TopicID != f.id || lost.Topics[0].Topic != "" {
		t.Fatalf("answered %+v", lost)
	}
	if p := lost.Topics[0].Partitions[0]; p.ErrorCode != wire.TopicAuthorizationFailed || len(p.RecordBatches) != 0 {
		t.Errorf("who may not read any more is answered %s with %d bytes", wire.CodeName(p.ErrorCode), len(p.RecordBatches))
	}
	kept := now(t, f.keeps)
	if p := kept.Topics[0].Partitions[0]; p.ErrorCode != wire.None || !strings.Contains(string(p.RecordBatches), "after-0") {
		t.Errorf("who may read is answered %s with %d bytes", wire.CodeName(p.ErrorCode), len(p.RecordBatches))
	}
}

func removedACL(t *testing.T) {
	b := startWaitedFor(t)
	file := mayRead(t, b, "reader")
	mayRead(t, b, "other")
	admin(t, b, aclCommand, "--add", "--allow-principal", "User:reader", "--operation", "Read", "--group", "team")
	fetches := startFetches(t, b, "reader", "other")
	joins, held := startJoin(t, b, fetches.bytes)
	java := waitingJava(t, b, held, b.Bootstrap(), file)
	python := waitingPython(t, b, held+leastFetch, "reader", readerPassword)

	admin(t, b, aclCommand, "--remove", "--force", "--allow-principal", "User:reader", "--operation", "Read", "--topic", waitedTopic)
	write(t, b, "after")
	fetches.end(t)
	java.endsBy(t, "TopicAuthorizationException")
	python.endsBy(t, "TopicAuthorizationFailedError")
	audited(t, b, `"operation":"Fetch"`, `"name":"reader"`, `"decision":"Denied"`, waitedTopic)

	admin(t, b, aclCommand, "--remove", "--force", "--allow-principal", "User:reader", "--operation", "Read", "--group", "team")
	if got := now(t, joins); got.ErrorCode != wire.GroupAuthorizationFailed || len(got.Members) != 0 {
		t.Errorf("a member that may not join any more is answered %s with %d members", wire.CodeName(got.ErrorCode), len(got.Members))
	}
	audited(t, b, `"operation":"JoinGroup"`, `"name":"reader"`, `"decision":"Denied"`)
}

// startJoin has reader wait to join a group whose only member does not come back. It takes and returns how many bytes are held by requests
// that wait.
func startJoin(t *testing.T, b *harness.Broker, held int) (<-chan answer[*kmsg.JoinGroupResponse], int) {
	t.Helper()
	join := func() *kmsg.JoinGroupRequest {
		q := kmsg.NewPtrJoinGroupRequest()
		q.Version, q.Group, q.ProtocolType = 3, "team", "consumer"
		q.SessionTimeoutMillis, q.RebalanceTimeoutMillis = int32(longWait.Milliseconds()), int32(longWait.Milliseconds())
		q.Protocols = []kmsg.JoinGroupRequestProtocol{{Name: "range", Metadata: []byte("m")}}
		return q
	}
	user, password := b.Admin(t)
	first := dialAs(t, b, user, password)
	findTeam(t, first)
	joined, err := ask[*kmsg.JoinGroupResponse](first, join())
	if err != nil || joined.ErrorCode != wire.None {
		t.Fatalf("the first member: %+v, %v", joined, err)
	}
	q := join()
	waiting := later[*kmsg.JoinGroupResponse](dialAs(t, b, "reader", readerPassword), q)
	held += len(q.AppendTo(nil))
	waits(t, b, held)
	return waiting, held
}

// findTeam waits until the group has a coordinator.
func findTeam(t *testing.T, l *line) {
	t.Helper()
	waitFor(t, "the coordinator", func() bool {
		q := kmsg.NewPtrHeartbeatRequest()
		find := kmsg.NewPtrFindCoordinatorRequest()
		find.Version, find.CoordinatorKey = 1, "team"
		found, err := ask[*kmsg.FindCoordinatorResponse](l, find)
		if err != nil {
			t.Fatal(err)
		}
		q.Group, q.MemberID = "team", "nobody"
		beat, err := ask[*kmsg.HeartbeatResponse](l, q)
		if err != nil {
			t.Fatal(err)
		}
		return found.ErrorCode == wire.None && beat.ErrorCode == wire.UnknownMemberID
	})
}

func changedPolicy(t *testing.T) {
	dir := t.TempDir()
	policy := filepath.Join(dir, "authz.rego")
	replace(t, policy, []byte("package kafka.authz\n\nallow := true\n"))
	b := startWaitedFor(t, "CHRONIK_AUTHORIZER_MODE=opa", "CHRONIK_POLICIES_DIR="+dir)
	file := addUser(t, b, "reader", readerPassword)
	addUser(t, b, "other", readerPassword)
	fetches := startFetches(t, b, "reader", "other")
	java := waitingJava(t, b, fetches.bytes, b.Bootstrap(), file)

	replace(t, policy, []byte("package kafka.authz\nimport rego.v1\n\ndefault allow := false\nallow if input.requestContext.principal.name != \"reader\"\n"))
	java.endsBy(t, "TopicAuthorizationException")
	write(t, b, "after")
	fetches.end(t)
	audited(t, b, `"operation":"Fetch"`, `"name":"reader"`, `"decision":"Denied"`, "denied by policy")
}

func deletedUser(t *testing.T) {
	b := startWaitedFor(t)
	java := waitingJava(t, b, 0, b.Bootstrap(), mayRead(t, b, "reader"))
	admin(t, b, configCommand, "--alter", "--entity-type", "users", "--entity-name", "reader", "--delete-config", "SCRAM-SHA-512")
	write(t, b, "after")
	java.endsBy(t, "SaslAuthenticationException")
	audited(t, b, `"Logoff"`, `"name":"reader"`, "revoked: the credential was changed or deleted")
}

func expiredToken(t *testing.T) {
	b := startWaitedFor(t, tokensOn)
	file := mayRead(t, b, "reader")
	id, hmac := tokenOf(t, tokensAs(t, b, file, "--create", "--max-life-time-period", "-1"))
	java := waitingJava(t, b, 0, b.Bootstrap(), asToken(t, b, "SCRAM-SHA-512", id, hmac))
	tokensAs(t, b, file, "--expire", "--expiry-time-period", "-1", "--hmac", hmac)
	write(t, b, "after")
	java.endsBy(t, "SaslAuthenticationException")
	audited(t, b, `"Logoff"`, `"name":"reader"`, "revoked: the delegation token was removed")
}

func revokedCertificate(t *testing.T) {
	const principal = "spiffe://example.org/reader"
	c := startCertified(t)
	createTopic(t, c.Broker, waitedTopic, 1)
	write(t, c.Broker, "before")
	admin(t, c.Broker, aclCommand, "--add", "--allow-principal", "User:"+principal, "--operation", "Read", "--topic", waitedTopic)
	stolen := c.issue("reader", withURIs(principal))
	store, java := filepath.Join(t.TempDir(), "client.pem"), filepath.Join(t.TempDir(), "client.properties")
	replace(t, store, c.keyStore(stolen))
	replace(t, java, fmt.Appendf(nil, "security.protocol=SSL\nssl.truststore.type=PEM\nssl.truststore.location=%s\nssl.keystore.type=PEM\nssl.keystore.location=%s\n", c.CA(), store))
	consumer := waitingJava(t, c.Broker, 0, c.BootstrapTLS(), java)
	c.publish(stolen)
	audited(t, c.Broker, `"Logoff"`, principal, "revoked: the client's certificate was revoked")
	write(t, c.Broker, "after")
	consumer.endsBy(t, "SslAuthenticationException")
}
