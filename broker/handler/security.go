package handler

import (
	"errors"
	"math"
	"unicode/utf8"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/wire"
)

const (
	// securityFrame caps the requests of this area, in bytes: room for aclsPerRequest ACLs with long names.
	securityFrame = 4 << 20
	// aclsPerRequest bounds the ACLs that one request creates or deletes, as in Apache Kafka
	// (QuorumController.MAX_RECORDS_PER_USER_OP): each is an audit record too.
	aclsPerRequest = 10_000
	// filtersPerRequest bounds the filters of one DeleteAcls, each of which looks at every ACL. Tools send a handful.
	filtersPerRequest = 1000
	// usersPerRequest bounds the users of one request on SCRAM credentials.
	usersPerRequest = 10_000
)

// excessive is the message of a request beyond these bounds (EventHandlerExceptionInfo).
const excessive = "Unable to perform excessively large batch operation."

// Security answers the APIs on ACLs and SCRAM credentials.
type Security struct {
	Metadata MetadataLog
	// NoAuthorizer says that there are no ACLs to ask about, because nobody is kept from anything.
	NoAuthorizer bool
	// Approvals say what takes two persons.
	Approvals Approvals
}

// Rows are the rows of this area.
func (s *Security) Rows() []api.Row {
	return []api.Row{
		s.describeACLs(), s.createACLs(), s.deleteACLs(), s.describeUserSCRAMCredentials(), s.alterUserSCRAMCredentials(),
	}
}

// onCluster is the need of a whole request for an operation on the cluster.
func onCluster(op authz.Operation) authz.Needs {
	return authz.Needs{All: []authz.Need{{Op: op, On: authz.TheCluster()}}}
}

// proposalFailure is what a client is told of a command that was not carried out, or not for sure.
func proposalFailure(err error) (code int16, message *string) {
	var told *wire.Error
	if errors.As(err, &told) {
		message = kmsg.StringPtr(told.Message)
	}
	return wire.CodeOf(err), message
}

// textOrNil is a message as responses have it: none is null.
func textOrNil(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// enum reads a number of the protocol; a negative one is unknown.
func enum[T ~uint8, W ~int8](w W) T {
	if w < 0 {
		return 0
	}
	return T(w)
}

// number writes a number of the protocol; what a binding holds is far below the mask.
func number[W ~int8, T ~uint8](t T) W { return W(t & math.MaxInt8) }

func filterOf(
	t kmsg.ACLResourceType, name *string, pattern kmsg.ACLResourcePatternType, principal, host *string,
	op kmsg.ACLOperation, permission kmsg.ACLPermissionType,
) authz.Filter {
	return authz.Filter{
		Type: enum[authz.ResourceType](t), Name: name, Pattern: enum[authz.PatternType](pattern), Principal: principal, Host: host,
		Operation: enum[authz.Operation](op), Permission: enum[authz.Permission](permission),
	}
}

func isText(texts ...string) bool {
	for _, t := range texts {
		if !utf8.ValidString(t) {
			return false
		}
	}
	return true
}
