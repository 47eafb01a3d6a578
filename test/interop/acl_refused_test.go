//go:build interop

package interop

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/test/harness"
)

// invalidRequest is how an answer with INVALID_REQUEST begins.
const invalidRequest = "42 "

// TestACLsAreRefusedAsByKafka sends new ACLs, and filters, that are wrong in one thing to this broker and to Apache Kafka. What Apache Kafka
// answers, this broker answers in the same words. Where Apache Kafka closes the connection or answers UNKNOWN_SERVER_ERROR, since its
// classes throw, this broker answers INVALID_REQUEST.
func TestACLsAreRefusedAsByKafka(t *testing.T) {
	t.Parallel()
	b := harness.Start(t)
	k := harness.StartKafka(t, b)
	for name, q := range refusedRequests() {
		t.Run(name, func(t *testing.T) {
			ours, kafkas := outcome(t, b, b.Bootstrap(), q), outcome(t, b, k.Bootstrap(), q)
			t.Logf("Apache Kafka: %s; ours: %s", kafkas, ours)
			switch {
			case strings.HasPrefix(name, "stricter:"):
				if !strings.HasPrefix(ours, invalidRequest) || !strings.HasPrefix(kafkas, "0 ") {
					t.Errorf("Apache Kafka: %s; ours: %s", kafkas, ours)
				}
			case kafkas == "closed" || strings.HasPrefix(kafkas, "-1 "):
				if !strings.HasPrefix(ours, invalidRequest) {
					t.Errorf("Apache Kafka: %s; ours: %s", kafkas, ours)
				}
			case ours != kafkas:
				t.Errorf("Apache Kafka: %s; ours: %s", kafkas, ours)
			}
		})
	}
}

// refusedRequests are the requests by name. Some are right, so that it shows when all is refused. At those that are called stricter this
// broker differs on purpose: no principal has such a name, no client such an address, and no ACL is not the answer to a question that is not
// understood.
func refusedRequests() map[string]kmsg.Request {
	requests := map[string]kmsg.Request{}
	for name, change := range map[string]func(*kmsg.CreateACLsRequestCreation){
		"right":                              func(*kmsg.CreateACLsRequestCreation) {},
		"the same twice":                     func(*kmsg.CreateACLsRequestCreation) {},
		"more than a request may have":       func(*kmsg.CreateACLsRequestCreation) {},
		"another type of principal":          func(c *kmsg.CreateACLsRequestCreation) { c.Principal = "Group:a" },
		"principal with two colons":          func(c *kmsg.CreateACLsRequestCreation) { c.Principal = "User:a:b" },
		"operation that does not fit":        func(c *kmsg.CreateACLsRequestCreation) { c.Operation = kmsg.ACLOperationCreateTokens },
		"host that is a name":                func(c *kmsg.CreateACLsRequestCreation) { c.Host = "somewhere" },
		"prefixed star":                      func(c *kmsg.CreateACLsRequestCreation) { c.ResourceName, c.ResourcePatternType = "*", 4 },
		"topic's name that no topic has":     func(c *kmsg.CreateACLsRequestCreation) { c.ResourceName = "a b/\u00e4" },
		"cluster by its name":                func(c *kmsg.CreateACLsRequestCreation) { c.ResourceType, c.ResourceName = 4, "kafka-cluster" },
		"cluster by another name":            func(c *kmsg.CreateACLsRequestCreation) { c.ResourceType, c.ResourceName = 4, "cluster" },
		"cluster by the wildcard":            func(c *kmsg.CreateACLsRequestCreation) { c.ResourceType, c.ResourceName = 4, "*" },
		"empty name":                         func(c *kmsg.CreateACLsRequestCreation) { c.ResourceName = "" },
		"unknown resource type":              func(c *kmsg.CreateACLsRequestCreation) { c.ResourceType = 0 },
		"resource type ANY":                  func(c *kmsg.CreateACLsRequestCreation) { c.ResourceType = 1 },
		"resource type of the future":        func(c *kmsg.CreateACLsRequestCreation) { c.ResourceType = 100 },
		"unknown pattern type":               func(c *kmsg.CreateACLsRequestCreation) { c.ResourcePatternType = 0 },
		"pattern type ANY":                   func(c *kmsg.CreateACLsRequestCreation) { c.ResourcePatternType = 1 },
		"pattern type MATCH":                 func(c *kmsg.CreateACLsRequestCreation) { c.ResourcePatternType = 2 },
		"unknown operation":                  func(c *kmsg.CreateACLsRequestCreation) { c.Operation = 0 },
		"operation ANY":                      func(c *kmsg.CreateACLsRequestCreation) { c.Operation = 1 },
		"operation of the future":            func(c *kmsg.CreateACLsRequestCreation) { c.Operation = 100 },
		"unknown permission":                 func(c *kmsg.CreateACLsRequestCreation) { c.PermissionType = 0 },
		"permission ANY":                     func(c *kmsg.CreateACLsRequestCreation) { c.PermissionType = 1 },
		"principal without a colon":          func(c *kmsg.CreateACLsRequestCreation) { c.Principal = "alice" },
		"empty principal":                    func(c *kmsg.CreateACLsRequestCreation) { c.Principal = "" },
		"stricter: principal without a name": func(c *kmsg.CreateACLsRequestCreation) { c.Principal = "User:" },
		"stricter: principal without a type": func(c *kmsg.CreateACLsRequestCreation) { c.Principal = ":alice" },
		"stricter: empty host":               func(c *kmsg.CreateACLsRequestCreation) { c.Host = "" },
	} {
		c := kmsg.CreateACLsRequestCreation{ResourceType: 2, ResourceName: "t", ResourcePatternType: 3, Principal: "User:a", Host: "*", Operation: 3, PermissionType: 3}
		change(&c)
		q := &kmsg.CreateACLsRequest{Version: 3, Creations: []kmsg.CreateACLsRequestCreation{c}}
		switch name {
		case "the same twice":
			q.Creations = append(q.Creations, c)
		case "more than a request may have":
			for i := range 10_001 {
				c.ResourceName = fmt.Sprint(i) // Apache Kafka counts those that are not there
				q.Creations = append(q.Creations, c)
			}
		}
		requests[name] = q
	}
	for name, change := range map[string]func(*kmsg.DeleteACLsRequestFilter){
		"that matches nothing":        func(f *kmsg.DeleteACLsRequestFilter) { f.ResourceName = kmsg.StringPtr("nothing") },
		"with an empty name":          func(f *kmsg.DeleteACLsRequestFilter) { f.ResourceName = kmsg.StringPtr("") },
		"with a principal in no form": func(f *kmsg.DeleteACLsRequestFilter) { f.Principal = kmsg.StringPtr("alice") },
		"of unknown resource type":    func(f *kmsg.DeleteACLsRequestFilter) { f.ResourceType = 0 },
		"of unknown pattern type":     func(f *kmsg.DeleteACLsRequestFilter) { f.ResourcePatternType = 0 },
		"of unknown operation":        func(f *kmsg.DeleteACLsRequestFilter) { f.Operation = 0 },
		"of operation of the future":  func(f *kmsg.DeleteACLsRequestFilter) { f.Operation = 100 },
		"of unknown permission":       func(f *kmsg.DeleteACLsRequestFilter) { f.PermissionType = 0 },
	} {
		f := kmsg.DeleteACLsRequestFilter{ResourceType: 3, ResourcePatternType: 1, Operation: 1, PermissionType: 1}
		change(&f)
		requests["delete by a filter "+name] = &kmsg.DeleteACLsRequest{Version: 3, Filters: []kmsg.DeleteACLsRequestFilter{f}}
		describe := "describe by a filter " + name
		if name == "of operation of the future" {
			describe = "stricter: " + describe
		}
		requests[describe] = &kmsg.DescribeACLsRequest{
			Version: 3, ResourceType: f.ResourceType, ResourceName: f.ResourceName, ResourcePatternType: f.ResourcePatternType, Principal: f.Principal,
			Operation: f.Operation, PermissionType: f.PermissionType,
		}
	}
	return requests
}

// outcome sends a request on a connection of its own and tells of the answer: the code and the message of each item, or closed.
func outcome(t *testing.T, like *harness.Broker, bootstrap string, q kmsg.Request) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	client := franzClient(t, append(franzSASL(t, like, "SCRAM-SHA-512"), kgo.SeedBrokers(bootstrap))...)
	if err := client.Ping(ctx); err != nil {
		t.Fatal(err)
	}
	resp, err := client.SeedBrokers()[0].Request(ctx, q)
	if err != nil {
		return "closed"
	}
	var items []string
	item := func(code int16, message *string, matched int) {
		text := "" // a message that is empty says as much as none
		if message != nil {
			text = *message
		}
		items = append(items, fmt.Sprintf("%d %s, %d ACLs", code, text, matched))
	}
	switch r := resp.(type) {
	case *kmsg.CreateACLsResponse:
		for _, i := range r.Results {
			item(i.ErrorCode, i.ErrorMessage, 0)
		}
	case *kmsg.DeleteACLsResponse:
		for _, i := range r.Results {
			item(i.ErrorCode, i.ErrorMessage, len(i.MatchingACLs))
		}
	case *kmsg.DescribeACLsResponse:
		item(r.ErrorCode, r.ErrorMessage, len(r.Resources))
	default:
		t.Fatalf("%T answers %T", resp, q)
	}
	n := len(items)
	return strings.Join(slices.Compact(items), "; ") + fmt.Sprintf(" (%d items)", n)
}
