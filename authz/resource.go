package authz

// ClusterName is the name of the one resource of type Cluster.
const ClusterName = "kafka-cluster"

// Wildcard is the literal pattern that matches every name.
const Wildcard = "*"

// ResourceType is a kind of resource, with the numbers of Apache Kafka's ResourceType.
type ResourceType uint8

// The resource types. AnyResource is a pattern for filters only.
const (
	UnknownResource ResourceType = iota
	AnyResource
	Topic
	Group
	Cluster
	TransactionalID
	DelegationToken
	UserResource
)

// String returns Apache Kafka's name, such as TRANSACTIONAL_ID.
func (t ResourceType) String() string {
	names := [...]string{"UNKNOWN", "ANY", "TOPIC", "GROUP", "CLUSTER", "TRANSACTIONAL_ID", "DELEGATION_TOKEN", "USER"}
	if int(t) < len(names) {
		return names[t]
	}
	return names[UnknownResource]
}

// Concrete reports whether t can stand in a binding.
func (t ResourceType) Concrete() bool { return t >= Topic && t <= UserResource }

// Resource is one named thing that operations are done on.
type Resource struct {
	Type ResourceType
	Name string
}

// TheCluster is the cluster as a resource.
func TheCluster() Resource { return Resource{Type: Cluster, Name: ClusterName} }

// PatternType says how a binding's name is compared, with the numbers of Apache Kafka's PatternType.
type PatternType uint8

// The pattern types. AnyPattern and Match stand in filters only.
const (
	UnknownPattern PatternType = iota
	AnyPattern
	Match
	Literal
	Prefixed
)

// String returns Apache Kafka's name, such as PREFIXED.
func (p PatternType) String() string {
	names := [...]string{"UNKNOWN", "ANY", "MATCH", "LITERAL", "PREFIXED"}
	if int(p) < len(names) {
		return names[p]
	}
	return names[UnknownPattern]
}

// Concrete reports whether p can stand in a binding.
func (p PatternType) Concrete() bool { return p == Literal || p == Prefixed }

// Permission is what a binding says, with the numbers of Apache Kafka's AclPermissionType.
type Permission uint8

// The permissions. AnyPermission stands in filters only.
const (
	UnknownPermission Permission = iota
	AnyPermission
	Deny
	Allow
)

// String returns Apache Kafka's name: ALLOW or DENY.
func (p Permission) String() string {
	names := [...]string{"UNKNOWN", "ANY", "DENY", "ALLOW"}
	if int(p) < len(names) {
		return names[p]
	}
	return names[UnknownPermission]
}

// Concrete reports whether p can stand in a binding.
func (p Permission) Concrete() bool { return p == Deny || p == Allow }
