//go:build interop

package interop

import (
	"context"
	"encoding/base64"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/test/harness"
)

const (
	secretTopic = "secret-topic"
	secretGroup = "secret-group"
	// secretTransaction is a transactional id.
	secretTransaction = "secret-transaction"
)

// denied says what a principal without ACLs gets from an API: an authorization code, or an answer that leaves everything out.
type denied struct {
	request kmsg.Request
	// codes that may stand in the answer; at least one of them has to.
	codes []int16
	// empty answers carry no code: they just must not name anything.
	empty bool
}

// deniedByAPI holds a request that would do something for every API that the broker lists. An API that is not here fails. hmac is the secret
// of a token of somebody else.
func deniedByAPI(id [16]byte, hmac []byte) map[int16]denied {
	topic, group, cluster := []int16{29}, []int16{30}, []int16{31}
	secret, secretGroupName := secretTopic, secretGroup
	return map[int16]denied{
		0: {request: &kmsg.ProduceRequest{Acks: -1, TimeoutMillis: 1000, Topics: []kmsg.ProduceRequestTopic{{
			Topic: secret, TopicID: id, Partitions: []kmsg.ProduceRequestTopicPartition{{Records: oneRecord("x")}},
		}}}, codes: topic},
		1: {request: fetchOf(id), codes: []int16{29, 100}},
		2: {request: &kmsg.ListOffsetsRequest{ReplicaID: -1, Topics: []kmsg.ListOffsetsRequestTopic{{
			Topic: secret, Partitions: []kmsg.ListOffsetsRequestTopicPartition{{CurrentLeaderEpoch: -1, Timestamp: -1}},
		}}}, codes: topic},
		3:  {request: &kmsg.MetadataRequest{Topics: []kmsg.MetadataRequestTopic{{Topic: &secret}}}, codes: topic},
		8:  {request: &kmsg.OffsetCommitRequest{Group: secretGroup, Generation: -1, Topics: []kmsg.OffsetCommitRequestTopic{{Topic: secret, TopicID: id, Partitions: []kmsg.OffsetCommitRequestTopicPartition{{}}}}}, codes: group},
		9:  {request: &kmsg.OffsetFetchRequest{Group: secretGroup, Groups: []kmsg.OffsetFetchRequestGroup{{Group: secretGroup, MemberEpoch: -1}}}, codes: group},
		10: {request: &kmsg.FindCoordinatorRequest{CoordinatorKey: secretGroup, CoordinatorKeys: []string{secretGroup}}, codes: group},
		11: {request: &kmsg.JoinGroupRequest{Group: secretGroup, SessionTimeoutMillis: 10000, RebalanceTimeoutMillis: 10000, ProtocolType: "consumer", Protocols: []kmsg.JoinGroupRequestProtocol{{Name: "range"}}}, codes: group},
		12: {request: &kmsg.HeartbeatRequest{Group: secretGroup, MemberID: "m"}, codes: group},
		13: {request: &kmsg.LeaveGroupRequest{Group: secretGroup, Members: []kmsg.LeaveGroupRequestMember{{MemberID: "m"}}}, codes: group},
		14: {request: &kmsg.SyncGroupRequest{Group: secretGroup, MemberID: "m"}, codes: group},
		15: {request: &kmsg.DescribeGroupsRequest{Groups: []string{secretGroup}}, codes: group},
		16: {request: &kmsg.ListGroupsRequest{}, empty: true},
		19: {request: &kmsg.CreateTopicsRequest{TimeoutMillis: 1000, Topics: []kmsg.CreateTopicsRequestTopic{{Topic: "made-by-nobody", NumPartitions: 1, ReplicationFactor: 1}}}, codes: topic},
		20: {request: &kmsg.DeleteTopicsRequest{TimeoutMillis: 1000, TopicNames: []string{secret}, Topics: []kmsg.DeleteTopicsRequestTopic{{Topic: &secret}}}, codes: topic},
		21: {request: &kmsg.DeleteRecordsRequest{TimeoutMillis: 1000, Topics: []kmsg.DeleteRecordsRequestTopic{{Topic: secret, Partitions: []kmsg.DeleteRecordsRequestTopicPartition{{Offset: -1}}}}}, codes: topic},
		22: {request: &kmsg.InitProducerIDRequest{TransactionTimeoutMillis: 1000, ProducerID: -1, ProducerEpoch: -1}, codes: cluster},
		23: {request: &kmsg.OffsetForLeaderEpochRequest{ReplicaID: -2, Topics: []kmsg.OffsetForLeaderEpochRequestTopic{{Topic: secret, Partitions: []kmsg.OffsetForLeaderEpochRequestTopicPartition{{CurrentLeaderEpoch: -1}}}}}, codes: topic},
		24: {request: &kmsg.AddPartitionsToTxnRequest{
			TransactionalID: secretTransaction, Topics: []kmsg.AddPartitionsToTxnRequestTopic{{Topic: secret, Partitions: []int32{0}}},
			Transactions: []kmsg.AddPartitionsToTxnRequestTransaction{{
				TransactionalID: secretTransaction, Topics: []kmsg.AddPartitionsToTxnRequestTransactionTopic{{Topic: secret, Partitions: []int32{0}}},
			}},
		}, codes: []int16{31, 53}},
		25: {request: &kmsg.AddOffsetsToTxnRequest{TransactionalID: secretTransaction, Group: secretGroup}, codes: []int16{53}},
		26: {request: &kmsg.EndTxnRequest{TransactionalID: secretTransaction, Commit: true}, codes: []int16{53}},
		27: {request: &kmsg.WriteTxnMarkersRequest{Markers: []kmsg.WriteTxnMarkersRequestMarker{{
			ProducerID: 1, Topics: []kmsg.WriteTxnMarkersRequestMarkerTopic{{Topic: secret, Partitions: []int32{0}}},
		}}}, codes: cluster},
		28: {request: &kmsg.TxnOffsetCommitRequest{TransactionalID: secretTransaction, Group: secretGroup, Generation: -1, Topics: []kmsg.TxnOffsetCommitRequestTopic{{
			Topic: secret, Partitions: []kmsg.TxnOffsetCommitRequestTopicPartition{{}},
		}}}, codes: []int16{53}},
		29: {request: &kmsg.DescribeACLsRequest{ResourceType: 1, ResourcePatternType: 1, Operation: 1, PermissionType: 1}, codes: cluster},
		30: {request: &kmsg.CreateACLsRequest{Creations: []kmsg.CreateACLsRequestCreation{{ResourceType: 2, ResourceName: secret, ResourcePatternType: 3, Principal: "User:nobody", Host: "*", Operation: 3, PermissionType: 3}}}, codes: cluster},
		31: {request: &kmsg.DeleteACLsRequest{Filters: []kmsg.DeleteACLsRequestFilter{{ResourceType: 1, ResourcePatternType: 1, Operation: 1, PermissionType: 1}}}, codes: cluster},
		32: {request: &kmsg.DescribeConfigsRequest{Resources: []kmsg.DescribeConfigsRequestResource{
			{ResourceType: kmsg.ConfigResourceTypeTopic, ResourceName: secret}, {ResourceType: kmsg.ConfigResourceTypeBroker, ResourceName: "1"},
		}}, codes: []int16{29, 31}},
		33: {request: &kmsg.AlterConfigsRequest{Resources: []kmsg.AlterConfigsRequestResource{{ResourceType: kmsg.ConfigResourceTypeTopic, ResourceName: secret}}}, codes: topic},
		34: {request: &kmsg.AlterReplicaLogDirsRequest{Dirs: []kmsg.AlterReplicaLogDirsRequestDir{{Dir: "/elsewhere", Topics: []kmsg.AlterReplicaLogDirsRequestDirTopic{{Topic: secret, Partitions: []int32{0}}}}}}, codes: cluster},
		35: {request: &kmsg.DescribeLogDirsRequest{}, codes: cluster},
		37: {request: &kmsg.CreatePartitionsRequest{TimeoutMillis: 1000, Topics: []kmsg.CreatePartitionsRequestTopic{{Topic: secret, Count: 9}}}, codes: topic},
		38: {request: &kmsg.CreateDelegationTokenRequest{OwnerPrincipalType: kmsg.StringPtr("User"), OwnerPrincipalName: &secretGroupName, MaxLifetimeMillis: -1}, codes: []int16{65}},
		39: {request: &kmsg.RenewDelegationTokenRequest{HMAC: hmac, RenewTimeMillis: -1}, codes: []int16{63}},
		40: {request: &kmsg.ExpireDelegationTokenRequest{HMAC: hmac, ExpiryPeriodMillis: -1}, codes: []int16{63}},
		41: {request: &kmsg.DescribeDelegationTokenRequest{}, empty: true},
		42: {request: &kmsg.DeleteGroupsRequest{Groups: []string{secretGroup}}, codes: group},
		44: {request: &kmsg.IncrementalAlterConfigsRequest{Resources: []kmsg.IncrementalAlterConfigsRequestResource{{
			ResourceType: kmsg.ConfigResourceTypeTopic, ResourceName: secret,
			Configs: []kmsg.IncrementalAlterConfigsRequestResourceConfig{{Name: "retention.ms", Value: kmsg.StringPtr("1")}},
		}}}, codes: topic},
		47: {request: &kmsg.OffsetDeleteRequest{Group: secretGroupName, Topics: []kmsg.OffsetDeleteRequestTopic{{Topic: secret, Partitions: []kmsg.OffsetDeleteRequestTopicPartition{{}}}}}, codes: group},
		48: {request: &kmsg.DescribeClientQuotasRequest{}, codes: cluster},
		49: {request: &kmsg.AlterClientQuotasRequest{Entries: []kmsg.AlterClientQuotasRequestEntry{{
			Entity: []kmsg.AlterClientQuotasRequestEntryEntity{{Type: "user", Name: kmsg.StringPtr("admin")}},
			Ops:    []kmsg.AlterClientQuotasRequestEntryOp{{Key: "producer_byte_rate", Value: 1}},
		}}}, codes: cluster},
		50: {request: &kmsg.DescribeUserSCRAMCredentialsRequest{}, codes: cluster},
		51: {request: &kmsg.AlterUserSCRAMCredentialsRequest{Deletions: []kmsg.AlterUserSCRAMCredentialsRequestDeletion{{Name: "admin", Mechanism: 2}}}, codes: cluster},
		57: {request: &kmsg.UpdateFeaturesRequest{FeatureUpdates: []kmsg.UpdateFeaturesRequestFeatureUpdate{{Feature: "transaction.version", UpgradeType: 3}}}, codes: cluster},
		60: {request: &kmsg.DescribeClusterRequest{IncludeClusterAuthorizedOperations: true, EndpointType: 1}, empty: true},
		65: {request: &kmsg.DescribeTransactionsRequest{TransactionalIDs: []string{secretTransaction}}, codes: []int16{53}},
		66: {request: &kmsg.ListTransactionsRequest{DurationFilterMillis: -1}, empty: true},
		61: {request: &kmsg.DescribeProducersRequest{Topics: []kmsg.DescribeProducersRequestTopic{{Topic: secret, Partitions: []int32{0}}}}, codes: topic},
		68: {request: &kmsg.ConsumerGroupHeartbeatRequest{
			Group: secretGroup, MemberID: "m", RebalanceTimeoutMillis: 10000, SubscribedTopicNames: []string{secret},
			Topics: []kmsg.ConsumerGroupHeartbeatRequestTopic{},
		}, codes: group},
		69: {request: &kmsg.ConsumerGroupDescribeRequest{Groups: []string{secretGroup}}, codes: group},
		74: {request: &kmsg.ListConfigResourcesRequest{}, codes: cluster},
		75: {request: &kmsg.DescribeTopicPartitionsRequest{Topics: []kmsg.DescribeTopicPartitionsRequestTopic{{Topic: secret}}, ResponsePartitionLimit: 10}, codes: topic},
	}
}

// fetchOf opens a fetch session on the secret topic.
func fetchOf(id [16]byte) *kmsg.FetchRequest {
	q := kmsg.NewPtrFetchRequest()
	q.MaxWaitMillis, q.MinBytes, q.MaxBytes, q.SessionEpoch = 100, 1, 1<<20, 0
	partition := kmsg.NewFetchRequestTopicPartition()
	partition.PartitionMaxBytes = 1 << 20
	topic := kmsg.NewFetchRequestTopic()
	topic.Topic, topic.TopicID, topic.Partitions = secretTopic, id, []kmsg.FetchRequestTopicPartition{partition}
	q.Topics = []kmsg.FetchRequestTopic{topic}
	return q
}

// TestNothingWithoutACLs tries every API that ApiVersions lists as a user who has logged in and has no ACL.
func TestNothingWithoutACLs(t *testing.T) {
	t.Parallel()
	b := harness.Start(t, tokensOn)
	createTopic(t, b, secretTopic, 1)
	_, hmac := tokenOf(t, tokensAs(t, b, b.ClientProperties(), "--create", "--max-life-time-period", "-1", "--owner-principal", "User:"+secretGroup))
	secret, err := base64.StdEncoding.DecodeString(hmac)
	if err != nil {
		t.Fatal(err)
	}
	tools.Must(t, roundTrip, "produce", b.Bootstrap(), b.ClientProperties(), secretTopic, "3", "secret")
	tools.Must(t, roundTrip, "consume", b.Bootstrap(), b.ClientProperties(), secretTopic, "3", secretGroup)
	commitSecret(t, b)
	addUser(t, b, "nobody", "nobody-secret")
	id := topicID(t, b, secretTopic)

	client := franzClient(t, franzUser(t, b, "SCRAM-SHA-512", "nobody", "nobody-secret")...)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	raw, err := kmsg.NewPtrApiVersionsRequest().RequestWith(ctx, client)
	if err != nil {
		t.Fatal(err)
	}
	cases := deniedByAPI(id, secret)
	for _, listed := range raw.ApiKeys {
		if listed.ApiKey == 18 || listed.ApiKey == 17 || listed.ApiKey == 36 {
			continue
		}
		c, found := cases[listed.ApiKey]
		if !found {
			t.Errorf("API %d %s is listed and not tried", listed.ApiKey, kmsg.NameForKey(listed.ApiKey))
			continue
		}
		t.Run(kmsg.NameForKey(listed.ApiKey), func(t *testing.T) { checkDenied(ctx, t, client, c) })
	}
	t.Run("all forms", func(t *testing.T) { checkAllForms(ctx, t, client) })
	t.Run("a stolen fetch session", func(t *testing.T) { checkStolenSession(ctx, t, b, client, id) })
	checkUntouched(t, b)
}

// commitSecret makes the transactional id that nobody may see.
func commitSecret(t *testing.T, b *harness.Broker) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c := franzClient(t, append(franzSASL(t, b, "SCRAM-SHA-512"), kgo.TransactionalID(secretTransaction))...)
	if err := c.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	if err := c.ProduceSync(ctx, &kgo.Record{Topic: secretTopic, Value: []byte("secret")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	if err := c.EndTransaction(ctx, kgo.TryCommit); err != nil {
		t.Fatal(err)
	}
}

func checkDenied(ctx context.Context, t *testing.T, client *kgo.Client, c denied) {
	t.Helper()
	resp, err := client.Broker(1).RetriableRequest(ctx, c.request)
	if err != nil {
		t.Fatalf("request: %v", err)
	}
	text := fmt.Sprintf("%+v", reflect.Indirect(reflect.ValueOf(resp)))
	whole, items := errorCodes(reflect.ValueOf(resp))
	if len(items) > 0 && !slices.ContainsFunc(whole, func(code int16) bool { return code != 0 }) {
		whole = nil // the request is answered item by item
	}
	for _, code := range append(whole, items...) {
		if !c.empty && !slices.Contains(c.codes, code) {
			t.Errorf("code %d, each has to be one of %v: %s", code, c.codes, text)
		}
	}
	if !c.empty && len(whole)+len(items) == 0 {
		t.Errorf("no code, want %v: %s", c.codes, text)
	}
	if cluster, is := resp.(*kmsg.DescribeClusterResponse); is && cluster.ClusterAuthorizedOperations != 0 {
		t.Errorf("authorized operations %b on the cluster", cluster.ClusterAuthorizedOperations)
	}
	if c.empty && (strings.Contains(text, secretTopic) || strings.Contains(text, secretGroup) || strings.Contains(text, secretTransaction)) {
		t.Errorf("the answer names what may not be seen: %s", text)
	}
}

// checkAllForms asks for everything: topics, groups, offsets; the answers have to be empty.
func checkAllForms(ctx context.Context, t *testing.T, client *kgo.Client) {
	t.Helper()
	for _, q := range []kmsg.Request{
		&kmsg.MetadataRequest{Topics: nil},
		&kmsg.ListGroupsRequest{},
		&kmsg.ListTransactionsRequest{DurationFilterMillis: -1},
		&kmsg.DescribeTopicPartitionsRequest{ResponsePartitionLimit: 100},
	} {
		resp, err := client.Broker(1).RetriableRequest(ctx, q)
		if err != nil {
			t.Fatal(err)
		}
		if text := fmt.Sprintf("%+v", reflect.Indirect(reflect.ValueOf(resp))); strings.Contains(text, "secret") {
			t.Errorf("%T reveals %s", q, text)
		}
	}
}

// checkStolenSession opens a fetch session as the super user and uses its id as somebody else.
func checkStolenSession(ctx context.Context, t *testing.T, b *harness.Broker, thief *kgo.Client, id [16]byte) {
	t.Helper()
	owner := franzClient(t, franzSASL(t, b, "SCRAM-SHA-512")...)
	first, err := owner.Broker(1).RetriableRequest(ctx, fetchOf(id))
	if err != nil {
		t.Fatal(err)
	}
	session := first.(*kmsg.FetchResponse).SessionID
	if session == 0 {
		t.Fatal("the broker opened no fetch session")
	}
	again := fetchOf(id)
	again.Topics, again.SessionID, again.SessionEpoch = nil, session, 1
	stolen, err := thief.Broker(1).RetriableRequest(ctx, again)
	if err != nil {
		t.Fatal(err)
	}
	if resp := stolen.(*kmsg.FetchResponse); resp.ErrorCode != 70 || len(resp.Topics) != 0 {
		t.Errorf("a stolen fetch session is answered with code %d and %d topics, want FETCH_SESSION_ID_NOT_FOUND", resp.ErrorCode, len(resp.Topics))
	}
}

// checkUntouched looks as the super user whether the denied requests changed anything.
func checkUntouched(t *testing.T, b *harness.Broker) {
	t.Helper()
	if topics := admin(t, b, topicCommand, "--list"); strings.Contains(topics, "made-by-nobody") || !strings.Contains(topics, secretTopic) {
		t.Errorf("topics are now:\n%s", topics)
	}
	contains(t, admin(t, b, getOffsets, "--topic", secretTopic), secretTopic+":0:5")
	contains(t, tokensAs(t, b, b.ClientProperties(), "--describe", "--owner-principal", "User:"+secretGroup), "Total number of tokens : 1")
	if acls := admin(t, b, aclCommand, "--list"); strings.Contains(acls, "User:nobody") {
		t.Errorf("ACLs are now:\n%s", acls)
	}
}

// TestPrefixedDenyBeatsLiteralAllow is the order that other brokers get wrong.
func TestPrefixedDenyBeatsLiteralAllow(t *testing.T) {
	t.Parallel()
	b := harness.Start(t)
	createTopic(t, b, "ledger-2026", 1)
	createTopic(t, b, "open", 1)
	file := addUser(t, b, "mallory", "mallory-secret")
	admin(t, b, aclCommand, "--add", "--allow-principal", "User:mallory", "--operation", "All", "--topic", "ledger-2026")
	admin(t, b, aclCommand, "--add", "--allow-principal", "User:mallory", "--operation", "All", "--topic", "open")
	tools.Must(t, roundTrip, "produce", b.Bootstrap(), file, "ledger-2026", "1", "before")
	admin(t, b, aclCommand, "--add", "--deny-principal", "User:mallory", "--operation", "Write", "--topic", "ledger", "--resource-pattern-type", "prefixed")
	out := tools.Run(t, roundTrip, "produce", b.Bootstrap(), file, "ledger-2026", "1", "after")
	if out.Exit == 0 {
		t.Error("a prefixed DENY did not beat a literal ALLOW")
	}
	contains(t, out.Err, "TopicAuthorizationException")
	tools.Must(t, roundTrip, "produce", b.Bootstrap(), file, "open", "1", "still")
}

func topicID(t *testing.T, b *harness.Broker, name string) [16]byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	resp, err := (&kmsg.MetadataRequest{Topics: []kmsg.MetadataRequestTopic{{Topic: &name}}}).RequestWith(ctx, franzClient(t, franzSASL(t, b, "SCRAM-SHA-512")...))
	if err != nil {
		t.Fatal(err)
	}
	return resp.Topics[0].TopicID
}

// errorCodes collects the fields named ErrorCode of a response: those of the whole, and those of its items.
func errorCodes(v reflect.Value) (whole, items []int16) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			return errorCodes(v.Elem())
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return nil, nil
		}
		for i := range v.Len() {
			own, below := errorCodes(v.Index(i))
			if slices.ContainsFunc(own, func(code int16) bool { return code != 0 }) || len(below) == 0 {
				items = append(items, own...)
			}
			items = append(items, below...)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).Name == "ErrorCode" {
				whole = append(whole, int16(v.Field(i).Int()))
			} else if v.Type().Field(i).IsExported() {
				own, below := errorCodes(v.Field(i))
				whole, items = append(whole, own...), append(items, below...)
			}
		}
	}
	return whole, items
}
