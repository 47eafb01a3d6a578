package wire

import "strconv"

// The error codes of the Kafka protocol (org.apache.kafka.common.protocol.Errors).
const (
	UnknownServerError                     int16 = -1
	None                                   int16 = 0
	OffsetOutOfRange                       int16 = 1
	CorruptMessage                         int16 = 2
	UnknownTopicOrPartition                int16 = 3
	InvalidFetchSize                       int16 = 4
	LeaderNotAvailable                     int16 = 5
	NotLeaderForPartition                  int16 = 6
	RequestTimedOut                        int16 = 7
	BrokerNotAvailable                     int16 = 8
	ReplicaNotAvailable                    int16 = 9
	MessageTooLarge                        int16 = 10
	StaleControllerEpoch                   int16 = 11
	OffsetMetadataTooLarge                 int16 = 12
	NetworkException                       int16 = 13
	CoordinatorLoadInProgress              int16 = 14
	CoordinatorNotAvailable                int16 = 15
	NotCoordinator                         int16 = 16
	InvalidTopicException                  int16 = 17
	RecordListTooLarge                     int16 = 18
	NotEnoughReplicas                      int16 = 19
	NotEnoughReplicasAfterAppend           int16 = 20
	InvalidRequiredAcks                    int16 = 21
	IllegalGeneration                      int16 = 22
	InconsistentGroupProtocol              int16 = 23
	InvalidGroupID                         int16 = 24
	UnknownMemberID                        int16 = 25
	InvalidSessionTimeout                  int16 = 26
	RebalanceInProgress                    int16 = 27
	InvalidCommitOffsetSize                int16 = 28
	TopicAuthorizationFailed               int16 = 29
	GroupAuthorizationFailed               int16 = 30
	ClusterAuthorizationFailed             int16 = 31
	InvalidTimestamp                       int16 = 32
	UnsupportedSASLMechanism               int16 = 33
	IllegalSASLState                       int16 = 34
	UnsupportedVersion                     int16 = 35
	TopicAlreadyExists                     int16 = 36
	InvalidPartitions                      int16 = 37
	InvalidReplicationFactor               int16 = 38
	InvalidReplicaAssignment               int16 = 39
	InvalidConfig                          int16 = 40
	NotController                          int16 = 41
	InvalidRequest                         int16 = 42
	UnsupportedForMessageFormat            int16 = 43
	PolicyViolation                        int16 = 44
	OutOfOrderSequenceNumber               int16 = 45
	DuplicateSequenceNumber                int16 = 46
	InvalidProducerEpoch                   int16 = 47
	InvalidTxnState                        int16 = 48
	InvalidProducerIDMapping               int16 = 49
	InvalidTransactionTimeout              int16 = 50
	ConcurrentTransactions                 int16 = 51
	TransactionCoordinatorFenced           int16 = 52
	TransactionalIDAuthorizationFailed     int16 = 53
	SecurityDisabled                       int16 = 54
	OperationNotAttempted                  int16 = 55
	KafkaStorageError                      int16 = 56
	LogDirNotFound                         int16 = 57
	SASLAuthenticationFailed               int16 = 58
	UnknownProducerID                      int16 = 59
	ReassignmentInProgress                 int16 = 60
	DelegationTokenAuthDisabled            int16 = 61
	DelegationTokenNotFound                int16 = 62
	DelegationTokenOwnerMismatch           int16 = 63
	DelegationTokenRequestNotAllowed       int16 = 64
	DelegationTokenAuthorizationFailed     int16 = 65
	DelegationTokenExpired                 int16 = 66
	InvalidPrincipalType                   int16 = 67
	NonEmptyGroup                          int16 = 68
	GroupIDNotFound                        int16 = 69
	FetchSessionIDNotFound                 int16 = 70
	InvalidFetchSessionEpoch               int16 = 71
	ListenerNotFound                       int16 = 72
	TopicDeletionDisabled                  int16 = 73
	FencedLeaderEpoch                      int16 = 74
	UnknownLeaderEpoch                     int16 = 75
	UnsupportedCompressionType             int16 = 76
	StaleBrokerEpoch                       int16 = 77
	OffsetNotAvailable                     int16 = 78
	MemberIDRequired                       int16 = 79
	PreferredLeaderNotAvailable            int16 = 80
	GroupMaxSizeReached                    int16 = 81
	FencedInstanceID                       int16 = 82
	EligibleLeadersNotAvailable            int16 = 83
	ElectionNotNeeded                      int16 = 84
	NoReassignmentInProgress               int16 = 85
	GroupSubscribedToTopic                 int16 = 86
	InvalidRecord                          int16 = 87
	UnstableOffsetCommit                   int16 = 88
	ThrottlingQuotaExceeded                int16 = 89
	ProducerFenced                         int16 = 90
	ResourceNotFound                       int16 = 91
	DuplicateResource                      int16 = 92
	UnacceptableCredential                 int16 = 93
	InconsistentVoterSet                   int16 = 94
	InvalidUpdateVersion                   int16 = 95
	FeatureUpdateFailed                    int16 = 96
	PrincipalDeserializationFailure        int16 = 97
	SnapshotNotFound                       int16 = 98
	PositionOutOfRange                     int16 = 99
	UnknownTopicID                         int16 = 100
	DuplicateBrokerRegistration            int16 = 101
	BrokerIDNotRegistered                  int16 = 102
	InconsistentTopicID                    int16 = 103
	InconsistentClusterID                  int16 = 104
	TransactionalIDNotFound                int16 = 105
	FetchSessionTopicIDError               int16 = 106
	IneligibleReplica                      int16 = 107
	NewLeaderElected                       int16 = 108
	OffsetMovedToTieredStorage             int16 = 109
	FencedMemberEpoch                      int16 = 110
	UnreleasedInstanceID                   int16 = 111
	UnsupportedAssignor                    int16 = 112
	StaleMemberEpoch                       int16 = 113
	MismatchedEndpointType                 int16 = 114
	UnsupportedEndpointType                int16 = 115
	UnknownControllerID                    int16 = 116
	UnknownSubscriptionID                  int16 = 117
	TelemetryTooLarge                      int16 = 118
	InvalidRegistration                    int16 = 119
	TransactionAbortable                   int16 = 120
	InvalidRecordState                     int16 = 121
	ShareSessionNotFound                   int16 = 122
	InvalidShareSessionEpoch               int16 = 123
	FencedStateEpoch                       int16 = 124
	InvalidVoterKey                        int16 = 125
	DuplicateVoter                         int16 = 126
	VoterNotFound                          int16 = 127
	InvalidRegularExpression               int16 = 128
	RebootstrapRequired                    int16 = 129
	StreamsInvalidTopology                 int16 = 130
	StreamsInvalidTopologyEpoch            int16 = 131
	StreamsTopologyFenced                  int16 = 132
	ShareSessionLimitReached               int16 = 133
	GroupDeletionFailed                    int16 = 134
	StreamsTopologyDescriptionUpdateFailed int16 = 135
	ControllerIDNotRegistered              int16 = 136
)

// CodeName returns the name of an error code, such as TOPIC_AUTHORIZATION_FAILED, or the number of an unknown one.
func CodeName(code int16) string {
	if code < -1 || int(code)+1 >= len(codeNames) || codeNames[code+1] == "" {
		return strconv.Itoa(int(code))
	}
	return codeNames[code+1]
}

// codeNames is indexed by code + 1.
var codeNames = [...]string{
	0:   "UNKNOWN_SERVER_ERROR",
	1:   "NONE",
	2:   "OFFSET_OUT_OF_RANGE",
	3:   "CORRUPT_MESSAGE",
	4:   "UNKNOWN_TOPIC_OR_PARTITION",
	5:   "INVALID_FETCH_SIZE",
	6:   "LEADER_NOT_AVAILABLE",
	7:   "NOT_LEADER_FOR_PARTITION",
	8:   "REQUEST_TIMED_OUT",
	9:   "BROKER_NOT_AVAILABLE",
	10:  "REPLICA_NOT_AVAILABLE",
	11:  "MESSAGE_TOO_LARGE",
	12:  "STALE_CONTROLLER_EPOCH",
	13:  "OFFSET_METADATA_TOO_LARGE",
	14:  "NETWORK_EXCEPTION",
	15:  "COORDINATOR_LOAD_IN_PROGRESS",
	16:  "COORDINATOR_NOT_AVAILABLE",
	17:  "NOT_COORDINATOR",
	18:  "INVALID_TOPIC_EXCEPTION",
	19:  "RECORD_LIST_TOO_LARGE",
	20:  "NOT_ENOUGH_REPLICAS",
	21:  "NOT_ENOUGH_REPLICAS_AFTER_APPEND",
	22:  "INVALID_REQUIRED_ACKS",
	23:  "ILLEGAL_GENERATION",
	24:  "INCONSISTENT_GROUP_PROTOCOL",
	25:  "INVALID_GROUP_ID",
	26:  "UNKNOWN_MEMBER_ID",
	27:  "INVALID_SESSION_TIMEOUT",
	28:  "REBALANCE_IN_PROGRESS",
	29:  "INVALID_COMMIT_OFFSET_SIZE",
	30:  "TOPIC_AUTHORIZATION_FAILED",
	31:  "GROUP_AUTHORIZATION_FAILED",
	32:  "CLUSTER_AUTHORIZATION_FAILED",
	33:  "INVALID_TIMESTAMP",
	34:  "UNSUPPORTED_SASL_MECHANISM",
	35:  "ILLEGAL_SASL_STATE",
	36:  "UNSUPPORTED_VERSION",
	37:  "TOPIC_ALREADY_EXISTS",
	38:  "INVALID_PARTITIONS",
	39:  "INVALID_REPLICATION_FACTOR",
	40:  "INVALID_REPLICA_ASSIGNMENT",
	41:  "INVALID_CONFIG",
	42:  "NOT_CONTROLLER",
	43:  "INVALID_REQUEST",
	44:  "UNSUPPORTED_FOR_MESSAGE_FORMAT",
	45:  "POLICY_VIOLATION",
	46:  "OUT_OF_ORDER_SEQUENCE_NUMBER",
	47:  "DUPLICATE_SEQUENCE_NUMBER",
	48:  "INVALID_PRODUCER_EPOCH",
	49:  "INVALID_TXN_STATE",
	50:  "INVALID_PRODUCER_ID_MAPPING",
	51:  "INVALID_TRANSACTION_TIMEOUT",
	52:  "CONCURRENT_TRANSACTIONS",
	53:  "TRANSACTION_COORDINATOR_FENCED",
	54:  "TRANSACTIONAL_ID_AUTHORIZATION_FAILED",
	55:  "SECURITY_DISABLED",
	56:  "OPERATION_NOT_ATTEMPTED",
	57:  "KAFKA_STORAGE_ERROR",
	58:  "LOG_DIR_NOT_FOUND",
	59:  "SASL_AUTHENTICATION_FAILED",
	60:  "UNKNOWN_PRODUCER_ID",
	61:  "REASSIGNMENT_IN_PROGRESS",
	62:  "DELEGATION_TOKEN_AUTH_DISABLED",
	63:  "DELEGATION_TOKEN_NOT_FOUND",
	64:  "DELEGATION_TOKEN_OWNER_MISMATCH",
	65:  "DELEGATION_TOKEN_REQUEST_NOT_ALLOWED",
	66:  "DELEGATION_TOKEN_AUTHORIZATION_FAILED",
	67:  "DELEGATION_TOKEN_EXPIRED",
	68:  "INVALID_PRINCIPAL_TYPE",
	69:  "NON_EMPTY_GROUP",
	70:  "GROUP_ID_NOT_FOUND",
	71:  "FETCH_SESSION_ID_NOT_FOUND",
	72:  "INVALID_FETCH_SESSION_EPOCH",
	73:  "LISTENER_NOT_FOUND",
	74:  "TOPIC_DELETION_DISABLED",
	75:  "FENCED_LEADER_EPOCH",
	76:  "UNKNOWN_LEADER_EPOCH",
	77:  "UNSUPPORTED_COMPRESSION_TYPE",
	78:  "STALE_BROKER_EPOCH",
	79:  "OFFSET_NOT_AVAILABLE",
	80:  "MEMBER_ID_REQUIRED",
	81:  "PREFERRED_LEADER_NOT_AVAILABLE",
	82:  "GROUP_MAX_SIZE_REACHED",
	83:  "FENCED_INSTANCE_ID",
	84:  "ELIGIBLE_LEADERS_NOT_AVAILABLE",
	85:  "ELECTION_NOT_NEEDED",
	86:  "NO_REASSIGNMENT_IN_PROGRESS",
	87:  "GROUP_SUBSCRIBED_TO_TOPIC",
	88:  "INVALID_RECORD",
	89:  "UNSTABLE_OFFSET_COMMIT",
	90:  "THROTTLING_QUOTA_EXCEEDED",
	91:  "PRODUCER_FENCED",
	92:  "RESOURCE_NOT_FOUND",
	93:  "DUPLICATE_RESOURCE",
	94:  "UNACCEPTABLE_CREDENTIAL",
	95:  "INCONSISTENT_VOTER_SET",
	96:  "INVALID_UPDATE_VERSION",
	97:  "FEATURE_UPDATE_FAILED",
	98:  "PRINCIPAL_DESERIALIZATION_FAILURE",
	99:  "SNAPSHOT_NOT_FOUND",
	100: "POSITION_OUT_OF_RANGE",
	101: "UNKNOWN_TOPIC_ID",
	102: "DUPLICATE_BROKER_REGISTRATION",
	103: "BROKER_ID_NOT_REGISTERED",
	104: "INCONSISTENT_TOPIC_ID",
	105: "INCONSISTENT_CLUSTER_ID",
	106: "TRANSACTIONAL_ID_NOT_FOUND",
	107: "FETCH_SESSION_TOPIC_ID_ERROR",
	108: "INELIGIBLE_REPLICA",
	109: "NEW_LEADER_ELECTED",
	110: "OFFSET_MOVED_TO_TIERED_STORAGE",
	111: "FENCED_MEMBER_EPOCH",
	112: "UNRELEASED_INSTANCE_ID",
	113: "UNSUPPORTED_ASSIGNOR",
	114: "STALE_MEMBER_EPOCH",
	115: "MISMATCHED_ENDPOINT_TYPE",
	116: "UNSUPPORTED_ENDPOINT_TYPE",
	117: "UNKNOWN_CONTROLLER_ID",
	118: "UNKNOWN_SUBSCRIPTION_ID",
	119: "TELEMETRY_TOO_LARGE",
	120: "INVALID_REGISTRATION",
	121: "TRANSACTION_ABORTABLE",
	122: "INVALID_RECORD_STATE",
	123: "SHARE_SESSION_NOT_FOUND",
	124: "INVALID_SHARE_SESSION_EPOCH",
	125: "FENCED_STATE_EPOCH",
	126: "INVALID_VOTER_KEY",
	127: "DUPLICATE_VOTER",
	128: "VOTER_NOT_FOUND",
	129: "INVALID_REGULAR_EXPRESSION",
	130: "REBOOTSTRAP_REQUIRED",
	131: "STREAMS_INVALID_TOPOLOGY",
	132: "STREAMS_INVALID_TOPOLOGY_EPOCH",
	133: "STREAMS_TOPOLOGY_FENCED",
	134: "SHARE_SESSION_LIMIT_REACHED",
	135: "GROUP_DELETION_FAILED",
	136: "STREAMS_TOPOLOGY_DESCRIPTION_UPDATE_FAILED",
	137: "CONTROLLER_ID_NOT_REGISTERED",
}
