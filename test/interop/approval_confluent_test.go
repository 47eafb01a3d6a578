//go:build interop

package interop

import (
	"slices"
	"strings"
	"testing"

	"github.com/chronik-stream/chronik/test/harness"
)

// TestLibrdkafkaWaitsForTheSecondPerson: a client that knows nothing of approvals is told how to get one, and asks for the same again.
// DeleteTopics of librdkafka has no room for a message.
func TestLibrdkafkaWaitsForTheSecondPerson(t *testing.T) {
	t.Parallel()
	b := twoPersons(t)
	createTopic(t, b, "t", 1)
	user, password := b.Admin(t)
	ask := func(verb string, args ...string) string {
		t.Helper()
		who := []string{verb, b.Bootstrap(), b.CA(), user, password}
		return strings.TrimSpace(harness.Python(t, "approval_confluent.py", slices.Concat(who, args)...))
	}
	for _, request := range [][]string{{"retain", "t", "1000"}, {"grant", "User:mallory"}, {"delete", "t"}} {
		refused := ask(request[0], request[1:]...)
		if !strings.HasPrefix(refused, "POLICY_VIOLATION ") {
			t.Fatalf("%q is answered: %s", request, refused)
		}
		id := pendingRequest(t, b)
		if request[0] != "delete" && !strings.Contains(refused, "chronik approve "+id) {
			t.Errorf("%q: no way to the approval of %s in: %s", request, id, refused)
		}
		approved(t, b, id)
		if again := ask(request[0], request[1:]...); again != "done" {
			t.Errorf("%q, approved: %s", request, again)
		}
	}
}

// pendingRequest is the id of the only request that waits.
func pendingRequest(t *testing.T, b *harness.Broker) string {
	t.Helper()
	list := approved(t, b, "--list")
	var ids []string
	for _, line := range strings.Split(list, "\n") {
		if words := strings.Fields(line); len(words) > 1 && words[1] == "pending" {
			ids = append(ids, words[0])
		}
	}
	if len(ids) != 1 {
		t.Fatalf("requests that wait: %q of\n%s", ids, list)
	}
	return ids[0]
}
