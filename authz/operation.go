package authz

// Operation is what somebody wants to do, with the numbers of Apache Kafka's AclOperation.
type Operation uint8

// The operations. UnknownOperation is never allowed; AnyOperation and, in filters, All are patterns.
const (
	UnknownOperation Operation = iota
	AnyOperation
	All
	Read
	Write
	Create
	Delete
	Alter
	Describe
	ClusterAction
	DescribeConfigs
	AlterConfigs
	IdempotentWrite
	CreateTokens
	DescribeTokens
	TwoPhaseCommit
)

// String returns Apache Kafka's name, such as DESCRIBE_CONFIGS.
func (o Operation) String() string {
	names := [...]string{
		"UNKNOWN", "ANY", "ALL", "READ", "WRITE", "CREATE", "DELETE", "ALTER", "DESCRIBE", "CLUSTER_ACTION",
		"DESCRIBE_CONFIGS", "ALTER_CONFIGS", "IDEMPOTENT_WRITE", "CREATE_TOKENS", "DESCRIBE_TOKENS", "TWO_PHASE_COMMIT",
	}
	if int(o) < len(names) {
		return names[o]
	}
	return names[UnknownOperation]
}

// Implies reports whether an ALLOW of o also allows wanted. DENY implies nothing but itself and, by All, everything.
func (o Operation) Implies(wanted Operation) bool {
	switch {
	case o == wanted || o == All:
		return true
	case wanted == Describe:
		return o == Read || o == Write || o == Delete || o == Alter
	case wanted == DescribeConfigs:
		return o == AlterConfigs
	default:
		return false
	}
}

// Concrete reports whether o can stand in a binding: neither unknown nor the pattern ANY.
func (o Operation) Concrete() bool { return o >= All && o <= TwoPhaseCommit }

// OperationsOn lists the operations that make sense on a resource type, as Apache Kafka's AclEntry does; the authorized
// operations fields of Metadata, DescribeCluster and DescribeGroups are made of it.
func OperationsOn(t ResourceType) []Operation {
	switch t {
	case Topic:
		return []Operation{Read, Write, Create, Describe, Delete, Alter, DescribeConfigs, AlterConfigs}
	case Group:
		return []Operation{Read, Describe, Delete, DescribeConfigs, AlterConfigs}
	case Cluster:
		return []Operation{Create, ClusterAction, DescribeConfigs, AlterConfigs, IdempotentWrite, Alter, Describe}
	case TransactionalID:
		return []Operation{Describe, Write, TwoPhaseCommit}
	case DelegationToken:
		return []Operation{Describe}
	case UserResource:
		return []Operation{CreateTokens, DescribeTokens}
	default:
		return nil
	}
}
