//go:build interop

package interop

import (
	"crypto/pbkdf2"
	"crypto/sha512"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/wire"
)

// Names of the table's world. The user gets ACLs on the first of each kind, and never on the second.
const (
	cashbook, vault = "cashbook", "vault"
	// doomedByID is a topic that is deleted by its id.
	doomedByID = "doomed-by-id"
	// tellers and auditors are groups with committed offsets, wires and salaries transactional ids with open transactions.
	tellers, auditors = "tellers", "auditors"
	wires, salaries   = "wires", "salaries"
	// warden owns a delegation token.
	warden       = "warden"
	userName     = "somebody"
	userPassword = "somebody-secret-of-the-table"
)

// secrets are the names that an answer must not bring up by itself.
var secrets = []string{cashbook, vault, doomedByID, tellers, auditors, wires, salaries, warden}

// world is what the requests are about, and who sends them.
type world struct {
	subject
	super, user *line
	// ids are those of topics.
	ids map[string][16]byte
	// producer is that of a transactional id.
	producers map[string]producer
	tokenID   string
	tokenHMAC []byte
	// given are the user's ACLs.
	given []kmsg.CreateACLsRequestCreation
}

type producer struct {
	id    int64
	epoch int16
}

func newWorld(t *testing.T, s subject) *world {
	t.Helper()
	w := &world{subject: s, ids: map[string][16]byte{}, producers: map[string]producer{}}
	name, password := s.Admin(t)
	w.super = w.dial(t, name, password)
	for _, topic := range []string{cashbook, vault} {
		w.createTopic(t, topic)
	}
	for _, group := range []string{tellers, auditors} {
		w.commit(t, group)
	}
	for _, id := range []string{wires, salaries} {
		w.begin(t, id)
	}
	w.createToken(t)
	w.createUser(t)
	waitFor(t, "the log-in of "+userName, func() bool { // Apache Kafka answers before its broker knows of him
		l, err := doorOf(t, w.Broker, w.Bootstrap(), userName, userPassword).dial(t.Context())
		if err == nil {
			l.conn.Close()
		}
		return err == nil
	})
	w.user = w.dial(t, userName, userPassword)
	return w
}

func (w *world) dial(t *testing.T, user, password string) *line {
	t.Helper()
	l, err := doorOf(t, w.Broker, w.Bootstrap(), user, password).dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func (w *world) hangUp() {
	w.super.conn.Close()
	w.user.conn.Close()
}

// served are the APIs that the broker lists.
func (w *world) served(t *testing.T) map[int16]kmsg.ApiVersionsResponseApiKey {
	t.Helper()
	out := map[int16]kmsg.ApiVersionsResponseApiKey{}
	for _, api := range bySuper[*kmsg.ApiVersionsResponse](t, w, apiVersionsRequest(), 0).ApiKeys {
		out[api.ApiKey] = api
	}
	return out
}

// bySuper sends a request as the super user.
func bySuper[R kmsg.Response](t *testing.T, w *world, q kmsg.Request, version int16) R {
	t.Helper()
	q.SetVersion(version)
	resp, err := ask[R](w.super, q)
	if err != nil {
		t.Fatalf("%s as the super user: %v", kmsg.NameForKey(q.Key()), err)
	}
	return resp
}

// createTopic makes a topic of one partition, and waits until its leader knows of it.
func (w *world) createTopic(t *testing.T, name string) {
	t.Helper()
	q := kmsg.NewPtrCreateTopicsRequest()
	topic := kmsg.NewCreateTopicsRequestTopic()
	topic.Topic, topic.NumPartitions, topic.ReplicationFactor = name, 1, 1
	q.Topics = append(q.Topics, topic)
	made := bySuper[*kmsg.CreateTopicsResponse](t, w, q, 7).Topics[0]
	if made.ErrorCode != wire.None && made.ErrorCode != wire.TopicAlreadyExists {
		t.Fatalf("topic %s: %s", name, wire.CodeName(made.ErrorCode))
	}
	if made.ErrorCode == wire.None {
		w.ids[name] = made.TopicID
	}
	waitFor(t, "the leader of "+name, func() bool {
		offsets := bySuper[*kmsg.ListOffsetsResponse](t, w, listOffsetsOf(name), 4)
		return offsets.Topics[0].Partitions[0].ErrorCode == wire.None
	})
}

// idName is a topic's id in words that do not hold its name.
func (w *world) idName(id [16]byte) string {
	switch id {
	case [16]byte{}:
		return ""
	case w.ids[cashbook]:
		return "id 1"
	case w.ids[vault]:
		return "id 2"
	case w.ids[doomedByID]:
		return "id 3"
	case unknownID:
		return "unknown id"
	default: // it is drawn for the topic that the request creates
		return ""
	}
}

// unknownID is no topic's.
var unknownID = [16]byte{0: 1, 15: 1}

// commit has a group offsets of both topics.
func (w *world) commit(t *testing.T, group string) {
	t.Helper()
	w.findCoordinator(t, 0, group)
	waitFor(t, "offsets of "+group, func() bool {
		done := bySuper[*kmsg.OffsetCommitResponse](t, w, commitOf(group, cashbook, vault), 9)
		return done.Topics[0].Partitions[0].ErrorCode == wire.None
	})
}

// findCoordinator waits until there is one.
func (w *world) findCoordinator(t *testing.T, kind int8, key string) {
	t.Helper()
	q := kmsg.NewPtrFindCoordinatorRequest()
	q.CoordinatorType, q.CoordinatorKeys = kind, []string{key}
	waitFor(t, "the coordinator of "+key, func() bool {
		return bySuper[*kmsg.FindCoordinatorResponse](t, w, q, 4).Coordinators[0].ErrorCode == wire.None
	})
}

// initProducer has a transactional id a producer id.
func (w *world) initProducer(t *testing.T, id string) {
	t.Helper()
	w.findCoordinator(t, 1, id)
	q := kmsg.NewPtrInitProducerIDRequest()
	q.TransactionalID, q.TransactionTimeoutMillis = &id, 900_000
	waitFor(t, "a producer id of "+id, func() bool {
		made := bySuper[*kmsg.InitProducerIDResponse](t, w, q, 4)
		w.producers[id] = producer{id: made.ProducerID, epoch: made.ProducerEpoch}
		return made.ErrorCode == wire.None
	})
}

// begin opens a transaction in both topics.
func (w *world) begin(t *testing.T, id string) {
	t.Helper()
	w.initProducer(t, id)
	waitFor(t, "a transaction of "+id, func() bool {
		added := bySuper[*kmsg.AddPartitionsToTxnResponse](t, w, w.addPartitionsOf(id, cashbook, vault), 3)
		return added.Topics[0].Partitions[0].ErrorCode == wire.None
	})
}

// createToken makes warden's delegation token.
func (w *world) createToken(t *testing.T) {
	t.Helper()
	made := bySuper[*kmsg.CreateDelegationTokenResponse](t, w, createTokenOf(warden), 3)
	if made.ErrorCode != wire.None {
		t.Fatalf("a token of %s: %s", warden, wire.CodeName(made.ErrorCode))
	}
	w.tokenID, w.tokenHMAC = made.TokenID, made.HMAC
}

// createUser makes the user who has ACLs.
func (w *world) createUser(t *testing.T) {
	t.Helper()
	const iterations = 4096
	salt := []byte("a salt of the table")
	salted, err := pbkdf2.Key(sha512.New, userPassword, salt, iterations, sha512.Size)
	if err != nil {
		t.Fatal(err)
	}
	q := kmsg.NewPtrAlterUserSCRAMCredentialsRequest()
	q.Upsertions = []kmsg.AlterUserSCRAMCredentialsRequestUpsertion{
		{Name: userName, Mechanism: 2, Iterations: iterations, Salt: salt, SaltedPassword: salted},
	}
	made := bySuper[*kmsg.AlterUserSCRAMCredentialsResponse](t, w, q, 0).Results[0]
	if made.ErrorCode != wire.None {
		t.Fatalf("user %s: %s", userName, wire.CodeName(made.ErrorCode))
	}
}
