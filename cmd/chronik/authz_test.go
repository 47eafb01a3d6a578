package main

import (
	"strings"
	"testing"

	"github.com/chronik-stream/chronik/authz"
)

func TestResourcesAreRead(t *testing.T) {
	for text, want := range map[string]authz.Resource{
		"topic:orders": {Type: authz.Topic, Name: "orders"}, "TOPIC:a:b": {Type: authz.Topic, Name: "a:b"}, "group:g": {Type: authz.Group, Name: "g"},
		"cluster": authz.TheCluster(), "cluster:kafka-cluster": authz.TheCluster(), "transactional_id:t": {Type: authz.TransactionalID, Name: "t"},
		"delegation-token:d": {Type: authz.DelegationToken, Name: "d"}, "user:User:a": {Type: authz.UserResource, Name: "User:a"},
	} {
		if got, err := parseResource(text); err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "orders", "topic", "topic:", "table:t", "cluster:other"} {
		if got, err := parseResource(text); err == nil {
			t.Errorf("%q: %+v", text, got)
		}
	}
}

// TestQuestionsAreCheckedBeforeABrokerIsAsked: there is none at this address.
func TestQuestionsAreCheckedBeforeABrokerIsAsked(t *testing.T) {
	for want, args := range map[string][]string{
		`"principal"`:           {"explain", "--operation", "READ", "--topic", "t"},
		"name one resource":     {"explain", "--principal", "User:a", "--operation", "READ"},
		"name one resource: ":   {"explain", "--principal", "User:a", "--operation", "READ", "--topic", "t", "--cluster"},
		`operation "REED"`:      {"explain", "--principal", "User:a", "--operation", "REED", "--topic", "t"},
		"is not of the form":    {"explain", "--principal", "a", "--operation", "READ", "--topic", "t"},
		"IP address":            {"explain", "--principal", "User:a", "--operation", "READ", "--topic", "t", "--host", "here"},
		`operation "NOTHING"`:   {"who-can", "NOTHING", "topic:t"},
		"ALL is no operation":   {"who-can", "all", "topic:t"},
		`unknown resource "tab`: {"who-can", "READ", "table:t"},
		"an empty one":          {"suggest", "--prefixes", "pay.,,log."},
	} {
		out, err := runCommand(t, "", append([]string{"authz", "--bootstrap-server", "127.0.0.1:1"}, args...)...)
		if err == nil || !strings.Contains(err.Error(), want) || exitCode(err) != exitFailed {
			t.Errorf("%v: %v\n%s", args, err, out)
		}
	}
}
