//go:build interop

package interop

import (
	"context"
	"encoding/base64"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/test/harness"
)

// twoPersons is a broker with two administrators: admin, by a password, and the one of the client's certificate.
func twoPersons(t *testing.T, env ...string) *harness.Broker {
	t.Helper()
	return harness.Start(t, append([]string{
		"CHRONIK_APPROVAL_REQUIRED=delete-topics,retention-cuts,super-user-grants", "CHRONIK_SUPER_USERS=User:admin;User:CN=chronik-client",
	}, env...)...)
}

var waitingRequest = regexp.MustCompile(`chronik approve ([A-Z2-7]{16})`)

// askedFor runs a tool as the administrator of the password, which has to fail, and returns the id of the request that waits.
func askedFor(t *testing.T, b *harness.Broker, main string, args ...string) string {
	t.Helper()
	out := tools.Run(t, main, adminArgs(b, args)...)
	id := waitingRequest.FindStringSubmatch(out.Out + out.Err)
	if id == nil {
		t.Fatalf("%s %s: exit %d, no request in:\n%s%s", main, strings.Join(args, " "), out.Exit, out.Out, out.Err)
	}
	contains(t, out.Out+out.Err, "PolicyViolationException")
	return id[1]
}

// approveAs runs chronik approve; first is for the administrator of the password.
func approveAs(t *testing.T, b *harness.Broker, first bool, args ...string) (string, error) {
	t.Helper()
	bootstrap, file := b.BootstrapTLS(), b.TLSProperties(t)
	if first {
		bootstrap, file = b.Bootstrap(), b.ClientProperties()
	}
	return harness.TryCommand(t, "", harness.Binary(t), append([]string{"approve", "--bootstrap-server", bootstrap, "--command-config", file}, args...)...)
}

// approved lets the administrator of the certificate approve, or whatever the arguments say.
func approved(t *testing.T, b *harness.Broker, args ...string) string {
	t.Helper()
	out, err := approveAs(t, b, false, args...)
	if err != nil {
		t.Fatalf("chronik approve %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// TestADeletionTakesTwoPersons deletes a topic by kafka-topics, with kills of the broker between the steps.
func TestADeletionTakesTwoPersons(t *testing.T) {
	t.Parallel()
	b := twoPersons(t)
	createTopic(t, b, "payments", 1)
	remove := []string{"--delete", "--topic", "payments"}
	id := askedFor(t, b, topicCommand, remove...)
	if again := askedFor(t, b, topicCommand, remove...); again != id {
		t.Errorf("asked again it is the request %s, and was %s", again, id)
	}
	if out, err := approveAs(t, b, true, id); err == nil || !strings.Contains(out, "may be one's own") {
		t.Errorf("her own approval: %v\n%s", err, out)
	}
	b.Kill(t)
	b.Run(t)
	contains(t, approved(t, b, "--list"), id+"  pending  (delete-topics)", "DeleteTopic: TOPIC payments", "asked by User:admin")
	contains(t, approved(t, b, id), id+" is approved")
	b.Kill(t)
	b.Run(t)
	tls := []string{"--bootstrap-server", b.BootstrapTLS(), "--command-config", b.TLSProperties(t)}
	if other := tools.Run(t, topicCommand, append(tls, remove...)...); other.Exit == 0 {
		t.Errorf("the approver uses the approval\n%s", other.Out)
	}
	admin(t, b, topicCommand, remove...)
	createTopic(t, b, "payments", 1)
	if next := askedFor(t, b, topicCommand, remove...); next == id {
		t.Error("an approval is used twice")
	}
	steps := map[string]int{}
	for _, e := range auditEvents(t, b, "DeleteTopics", 8) {
		if len(e.Resources) == 1 && e.Resources[0].Name == id {
			steps[e.Unmapped.Operation]++
		}
	}
	if steps["CreateApproval"] != 1 || steps["UseApproval"] != 1 {
		t.Errorf("recorded of the request is %v", steps)
	}
}

// TestAUserThatAnAdministratorHasMadeIsNoPerson: who makes a user with a right to delete, asks as him, and approves it, is still one person.
func TestAUserThatAnAdministratorHasMadeIsNoPerson(t *testing.T) {
	t.Parallel()
	b := twoPersons(t)
	createTopic(t, b, "payments", 1)
	user := addUser(t, b, "puppet", "a long enough password")
	admin(t, b, aclCommand, "--add", "--allow-principal", "User:puppet", "--operation", "Delete", "--operation", "Describe", "--topic", "payments")
	remove := []string{"--bootstrap-server", b.Bootstrap(), "--command-config", user, "--delete", "--topic", "payments"}
	out := tools.Run(t, topicCommand, remove...)
	id := waitingRequest.FindStringSubmatch(out.Out + out.Err)
	if id == nil {
		t.Fatalf("no request in:\n%s%s", out.Out, out.Err)
	}
	contains(t, out.Out+out.Err, "two administrators")
	if said, err := approveAs(t, b, true, id[1]); err != nil || !strings.Contains(said, "it takes another administrator as well") {
		t.Fatalf("the first approval: %v\n%s", err, said)
	}
	if said, err := approveAs(t, b, true, id[1]); err == nil || !strings.Contains(said, "may be one's own") {
		t.Errorf("the same administrator again: %v\n%s", err, said)
	}
	out = tools.Run(t, topicCommand, remove...)
	contains(t, out.Out+out.Err, "another administrator than User:admin")
	contains(t, approved(t, b, id[1]), "approved by User:admin first", id[1]+" is approved")
	tools.Must(t, topicCommand, remove...)
}

// TestATopicMadeAnewIsAnother: what was approved for a topic is not for the next one of its name.
func TestATopicMadeAnewIsAnother(t *testing.T) {
	t.Parallel()
	b := twoPersons(t)
	createTopic(t, b, "t", 1)
	remove := []string{"--delete", "--topic", "t"}
	first := askedFor(t, b, topicCommand, remove...)
	approved(t, b, first)
	tls := []string{"--bootstrap-server", b.BootstrapTLS(), "--command-config", b.TLSProperties(t)}
	other := tools.Run(t, topicCommand, append(tls, remove...)...)
	ids := waitingRequest.FindStringSubmatch(other.Out + other.Err)
	if ids == nil {
		t.Fatalf("no request in:\n%s%s", other.Out, other.Err)
	}
	if out, err := approveAs(t, b, true, ids[1]); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	tools.Must(t, topicCommand, append(tls, remove...)...)
	createTopic(t, b, "t", 1)
	if next := askedFor(t, b, topicCommand, remove...); next == first {
		t.Error("the approval is for the name")
	}
}

// TestCutsOfRetentionTakeTwoPersons asks by kafka-configs and kafka-delete-records.
func TestCutsOfRetentionTakeTwoPersons(t *testing.T) {
	t.Parallel()
	b := twoPersons(t)
	createTopic(t, b, "t", 1)
	tools.Must(t, roundTrip, "produce", b.Bootstrap(), b.ClientProperties(), "t", "20", "v")
	retention := func(value string) []string {
		return []string{"--alter", "--entity-type", "topics", "--entity-name", "t", "--add-config", "retention.ms=" + value}
	}
	admin(t, b, configCommand, retention("-1")...)
	id := askedFor(t, b, configCommand, retention("86400000")...)
	contains(t, approved(t, b, "--list", id), "before  retention.ms = -1", "after   retention.ms = 86400000")
	approved(t, b, id)
	if other := askedFor(t, b, configCommand, retention("1000")...); other == id {
		t.Error("the approval is for any value")
	}
	admin(t, b, configCommand, retention("86400000")...)
	defaults := []string{"--alter", "--entity-type", "brokers", "--entity-default", "--add-config", "log.retention.ms=1000"}
	approved(t, b, "--reject", askedFor(t, b, configCommand, defaults...))
	rejected := tools.Run(t, configCommand, adminArgs(b, defaults)...)
	contains(t, rejected.Out+rejected.Err, "was rejected by User:CN=chronik-client")

	records := []string{"--offset-json-file", deleteFile(t, "t", 0, 5)}
	refused := tools.Run(t, deleteRecordsCommand, adminArgs(b, records)...)
	contains(t, refused.Out+refused.Err, "PolicyViolationException")
	var wanted string
	for _, line := range strings.Split(approved(t, b, "--list"), "\n") {
		if strings.Contains(line, "pending") {
			wanted = strings.Fields(line)[0]
		}
		if strings.Contains(line, "DeleteRecords: TOPIC t") {
			break
		}
	}
	approved(t, b, wanted)
	contains(t, admin(t, b, deleteRecordsCommand, records...), "low_watermark: 5")
}

// TestGrantsTakeTwoPersons makes an administrator by kafka-acls, and sets the password of one.
func TestGrantsTakeTwoPersons(t *testing.T) {
	t.Parallel()
	b := twoPersons(t, tokensOn)
	addUser(t, b, "mallory", "mallory-secret")
	grant := []string{"--add", "--allow-principal", "User:mallory", "--operation", "Alter", "--cluster"}
	admin(t, b, aclCommand, "--add", "--allow-principal", "User:mallory", "--operation", "Describe", "--cluster")
	id := askedFor(t, b, aclCommand, grant...)
	token := tokenOfAdmin(t, b)
	if code := decideBy(t, b, token, id); code != 44 {
		t.Errorf("the requester approves by a token of his: code %d", code)
	}
	approved(t, b, id)
	admin(t, b, aclCommand, grant...)
	contains(t, admin(t, b, aclCommand, "--list", "--cluster"), "User:mallory", "operation=ALTER")
	password := []string{"--alter", "--entity-type", "users", "--entity-name", "mallory", "--add-config", "SCRAM-SHA-512=[password=another-secret]"}
	id = askedFor(t, b, configCommand, password...)
	contains(t, approved(t, b, id), "SetScramCredential: USER mallory")
	admin(t, b, configCommand, password...)
	if !logsIn(t, franzUser(t, b, "SCRAM-SHA-512", "mallory", "another-secret")) {
		t.Error("the approved password was not set")
	}
}

// TestNobodyBorrowsASecondPerson: a super user may see the tokens of everybody, and not their secrets.
func TestNobodyBorrowsASecondPerson(t *testing.T) {
	t.Parallel()
	b := twoPersons(t, tokensOn)
	const second = "User:CN=chronik-client"
	made := tools.Run(t, tokenCommand, "--bootstrap-server", b.BootstrapTLS(), "--command-config", b.TLSProperties(t), "--create", "--max-life-time-period", "-1")
	id, secret := tokenOf(t, made.Out)
	out := admin(t, b, tokenCommand, "--describe", "--owner-principal", second)
	contains(t, out, id)
	if strings.Contains(out, secret) {
		t.Errorf("an administrator is told the secret of another one's token:\n%s", out)
	}
}

// tokenOfAdmin makes a delegation token of the administrator of the password.
func tokenOfAdmin(t *testing.T, b *harness.Broker) kadm.DelegationToken {
	t.Helper()
	id, hmac := tokenOf(t, admin(t, b, tokenCommand, "--create", "--max-life-time-period", "-1"))
	secret, err := base64.StdEncoding.DecodeString(hmac)
	if err != nil {
		t.Fatal(err)
	}
	return kadm.DelegationToken{TokenID: id, HMAC: secret}
}

// decideBy approves by a token and returns the code.
func decideBy(t *testing.T, b *harness.Broker, token kadm.DelegationToken, id string) int16 {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var client *kgo.Client
	waitFor(t, "the token to be known to log-ins", func() bool {
		client = franzClient(t, franzToken(t, b, "SCRAM-SHA-512", token)...)
		return client.Ping(ctx) == nil
	})
	q := kmsg.NewPtrIncrementalAlterConfigsRequest()
	r := kmsg.NewIncrementalAlterConfigsRequestResource()
	r.ResourceType, r.ResourceName = 102, id
	c := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
	c.Name, c.Value = "chronik.approval.decision", kmsg.StringPtr("approve")
	r.Configs = append(r.Configs, c)
	q.Resources = append(q.Resources, r)
	resp, err := q.RequestWith(ctx, client)
	if err != nil {
		t.Fatal(err)
	}
	return resp.Resources[0].ErrorCode
}

// TestRequestsEnd: what nobody approves in time is gone, and the audit log tells of it.
func TestRequestsEnd(t *testing.T) {
	t.Parallel()
	b := twoPersons(t, "CHRONIK_APPROVAL_EXPIRATION_MS=1000")
	createTopic(t, b, "t", 1)
	id := askedFor(t, b, topicCommand, "--delete", "--topic", "t")
	logged(t, b, "api=ExpireApproval")
	contains(t, approved(t, b, "--list"), "No request waits")
	if out, err := approveAs(t, b, false, id); err == nil || !strings.Contains(out, "its time is over") {
		t.Errorf("approved after its time: %v\n%s", err, out)
	}
	events := auditEvents(t, b, "ExpireApproval", 1)
	if e := events[0]; len(e.Resources) != 1 || e.Resources[0].Name != id || e.Unmapped.Before["requester"] != "User:admin" {
		t.Errorf("%+v", e)
	}
}
