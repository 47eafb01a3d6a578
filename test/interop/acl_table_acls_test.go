//go:build interop

package interop

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/wire"
)

// give lets the user have these ACLs, and no others, as parseACL reads them.
func (w *world) give(t *testing.T, acls string) {
	t.Helper()
	wanted := []kmsg.CreateACLsRequestCreation{}
	for text := range strings.SplitSeq(acls, ", ") {
		if text != "" {
			wanted = append(wanted, w.parseACL(t, text))
		}
	}
	if len(w.given) > 0 {
		q := kmsg.NewPtrDeleteACLsRequest()
		filter := kmsg.NewDeleteACLsRequestFilter()
		filter.ResourceType, filter.ResourcePatternType, filter.Operation, filter.PermissionType = 1, 1, 1, 1
		filter.Principal = kmsg.StringPtr("User:" + userName)
		q.Filters = append(q.Filters, filter)
		if code := bySuper[*kmsg.DeleteACLsResponse](t, w, q, 3).Results[0].ErrorCode; code != wire.None {
			t.Fatalf("delete the user's ACLs: %s", wire.CodeName(code))
		}
	}
	w.given = wanted
	if len(wanted) > 0 {
		q := kmsg.NewPtrCreateACLsRequest()
		q.Creations = wanted
		for i, result := range bySuper[*kmsg.CreateACLsResponse](t, w, q, 3).Results {
			if result.ErrorCode != wire.None {
				t.Fatalf("create %+v: %s", wanted[i], wire.CodeName(result.ErrorCode))
			}
		}
	}
	if onKafka() {
		w.awaitACLs(t)
	}
}

// awaitACLs waits until Apache Kafka's authorizer knows what its controller has answered.
func (w *world) awaitACLs(t *testing.T) {
	t.Helper()
	q := kmsg.NewPtrDescribeACLsRequest()
	q.ResourceType, q.ResourcePatternType, q.Operation, q.PermissionType = 1, 1, 1, 1
	q.Principal = kmsg.StringPtr("User:" + userName)
	wanted := []string{}
	for i := range w.given {
		g := &w.given[i]
		wanted = append(wanted, fmt.Sprint(g.ResourceType, g.ResourceName, g.ResourcePatternType, g.Operation, g.PermissionType, g.Host))
	}
	slices.Sort(wanted)
	waitFor(t, "the user's ACLs", func() bool {
		found := []string{}
		for _, r := range bySuper[*kmsg.DescribeACLsResponse](t, w, q, 3).Resources {
			for _, a := range r.ACLs {
				found = append(found, fmt.Sprint(r.ResourceType, r.ResourceName, r.ResourcePatternType, a.Operation, a.PermissionType, a.Host))
			}
		}
		slices.Sort(found)
		return slices.Equal(found, wanted)
	})
}

// resourceKinds are the words of parseACL for resource types.
var resourceKinds = map[string]kmsg.ACLResourceType{
	"topic": kmsg.ACLResourceTypeTopic, "group": kmsg.ACLResourceTypeGroup, "cluster": kmsg.ACLResourceTypeCluster,
	"transaction": kmsg.ACLResourceTypeTransactionalId, "token": kmsg.ACLResourceTypeDelegationToken, "user": kmsg.ACLResourceTypeUser,
}

// parseACL reads "[deny] OPERATION KIND [NAME[*]] [from HOST]". The star makes a pattern prefixed; alone it is every name. The cluster needs
// no name, and the token is warden's.
func (w *world) parseACL(t *testing.T, text string) kmsg.CreateACLsRequestCreation {
	t.Helper()
	permission := kmsg.ACLPermissionTypeAllow
	rest, denied := strings.CutPrefix(text, "deny ")
	if denied {
		permission = kmsg.ACLPermissionTypeDeny
	}
	rest, host, found := strings.Cut(rest, " from ")
	if !found {
		host = "*"
	}
	words := append(strings.Fields(rest), "")
	op := kmsg.ACLOperation(0)
	for o := authz.All; o.Concrete(); o++ {
		if o.String() == words[0] {
			op = kmsg.ACLOperation(o)
		}
	}
	kind, known := resourceKinds[words[1]]
	if op == 0 || !known {
		t.Fatalf("%q is no ACL", text)
	}
	name, pattern := words[2], kmsg.ACLResourcePatternTypeLiteral
	switch prefix, starred := strings.CutSuffix(name, "*"); {
	case starred && prefix != "":
		name, pattern = prefix, kmsg.ACLResourcePatternTypePrefixed
	case kind == kmsg.ACLResourceTypeCluster:
		name = authz.ClusterName
	case kind == kmsg.ACLResourceTypeDelegationToken:
		name = w.tokenID
	case kind == kmsg.ACLResourceTypeUser:
		name = "User:" + name
	}
	return kmsg.CreateACLsRequestCreation{
		ResourceType: kind, ResourceName: name, ResourcePatternType: pattern, Principal: "User:" + userName, Host: host,
		Operation: op, PermissionType: permission,
	}
}
