//go:build interop

package interop

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/test/harness"
)

// surplus is a request with an empty section of tags too many, as kafka-go sends it.
type surplus struct{ *kmsg.DescribeACLsRequest }

// AppendTo implements kmsg.Request.
func (s surplus) AppendTo(dst []byte) []byte { return append(s.DescribeACLsRequest.AppendTo(dst), 0) }

// TestAByteTooManyIsIgnoredAsByKafka describes ACLs as kafka-go does, which ends its request twice: Apache Kafka ignores what follows a
// request.
func TestAByteTooManyIsIgnoredAsByKafka(t *testing.T) {
	t.Parallel()
	b := harness.Start(t)
	admin(t, b, aclCommand, "--add", "--allow-principal", "User:reader", "--operation", "Read", "--topic", "described")
	client := franzClient(t, franzSASL(t, b, "SCRAM-SHA-512")...)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	const topics, literal, anything = 2, 3, 1
	q := kmsg.NewPtrDescribeACLsRequest()
	q.ResourceType, q.ResourcePatternType, q.Operation, q.PermissionType = topics, literal, anything, anything
	resp, err := client.Broker(1).Request(ctx, surplus{q})
	if err != nil {
		t.Fatal(err)
	}
	described := resp.(*kmsg.DescribeACLsResponse)
	if len(described.Resources) != 1 || described.Resources[0].ACLs[0].Principal != "User:reader" {
		t.Errorf("described is %+v", described)
	}
}
