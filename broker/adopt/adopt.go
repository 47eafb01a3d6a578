package adopt

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"regexp"
	"slices"
	"time"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/group"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/storage"
	"github.com/chronik-stream/chronik/broker/txn"
	"github.com/chronik-stream/chronik/broker/vfs"
	"github.com/chronik-stream/chronik/broker/wire"
)

// ErrRefused means that something stands against the import; the report says what. Nothing was changed.
var ErrRefused = errors.New("the import is refused")

// Part is a part of the source that can be left out.
type Part string

// The parts.
const (
	Offsets Part = "offsets"
	ACLs    Part = "acls"
	Users   Part = "users"
	Tokens  Part = "tokens"
	Quotas  Part = "quotas"
)

// Parts lists the parts.
func Parts() []Part { return []Part{Offsets, ACLs, Users, Tokens, Quotas} }

// Request says what to import.
type Request struct {
	// From are the log directories of one stopped broker of Apache Kafka.
	From []string
	// Metadata is the directory that holds its metadata log, where that is none of From.
	Metadata string
	// Topics are the topics to import; nil means all. Committed offsets and transaction state are imported with either.
	Topics *regexp.Regexp
	// Without are parts to leave out, Accept the kinds of problems to go on with.
	Without []Part
	Accept  []Kind
	// DryRun reads and verifies everything and writes nothing.
	DryRun bool
}

// Target is the stopped broker that the import goes to.
type Target struct {
	NodeID int32
	// Directories are its log directories, open; none in a dry run.
	Directories []*storage.Directory
	Image       func() *meta.Image
	Propose     func(context.Context, meta.Command) (meta.Result, error)
	// CheckTopicConfig says whether configurations of a topic are acted on here; OffsetsConfigs are those of __consumer_offsets,
	// TransactionConfigs those of __transaction_state.
	CheckTopicConfig                   func(map[string]string) error
	OffsetsConfigs, TransactionConfigs map[string]string
	// Tokens says that there can be delegation tokens here.
	Tokens bool
	// FS and Hold are how the source is read.
	FS     vfs.FS
	Hold   Holder
	Clock  func() time.Time
	Logger *slog.Logger
}

// job is one import under way.
type job struct {
	Request
	to     Target
	source *source
	report *Report
	users  []meta.ScramCredential
	acls   []authz.Binding
	tokens []*meta.Token
	quotas []meta.QuotaChange
	// producers is the first producer id that is above all of those in the logs.
	producers int64
	// coordinated says that __transaction_state is imported, whose coordinators end open transactions.
	coordinated bool
}

// Run imports. The report tells what there was, also where the import is refused or fails; it is nil where the source can not be
// read. An import that was interrupted can be run again: topics are there, all of them, only when it is over.
func Run(ctx context.Context, r Request, to Target) (report *Report, err error) {
	s, err := openSource(to.FS, to.Hold, r.From, r.Metadata)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	j := &job{Request: r, to: to, source: s, report: &Report{
		ClusterID: s.clusterID(), NodeID: s.nodeID(), MetadataEnd: -1, DryRun: r.DryRun, Topics: []TopicReport{},
	}}
	topics := j.plan()
	j.coordinated = slices.ContainsFunc(topics, func(t *topicPlan) bool { return t.name == txn.Topic })
	j.survey()
	if err := j.refusal(); err != nil && !r.DryRun {
		return j.report, err
	}
	if r.DryRun {
		err = j.check(ctx, topics)
	} else {
		err = j.carryOut(ctx, topics)
	}
	return j.report, err
}

// survey notes what is known of the source as a whole.
func (j *job) survey() {
	for _, s := range j.source.surveys {
		if !s.Clean {
			j.problem(Unclean, "", "%s was not closed by its broker: start and stop Apache Kafka once, or accept that what was not flushed may be cut", s.Dir)
		}
	}
	c := j.source.cluster
	if c == nil {
		j.note("There is no metadata log in the directories: the topics are those of the partitions' own files, without configurations, " +
			"ACLs and users.")
		j.problem(OutOfSync, "", "without the metadata log it is not known whether the replicas were in sync: name its directory, or accept that where "+
			"there was no other broker")
		return
	}
	j.report.MetadataEnd, j.report.Features = c.End, c.Features
	if c.NextProducerID >= forgedProducerID {
		j.problem(Blocked, "", "the metadata log says that producer ids go on at %d, and they end at %d: no broker has given so many", c.NextProducerID, math.MaxInt64)
	}
	j.producers = c.NextProducerID
	j.report.LeftOut = append(j.report.LeftOut, c.LeftOut()...)
	j.chooseUsers()
	j.chooseACLs()
	j.chooseTokens()
	j.chooseQuotas()
}

// chooseUsers takes the users that are not here: a credential that is here stays.
func (j *job) chooseUsers() {
	users := j.source.cluster.Users
	for _, key := range slices.SortedFunc(maps.Keys(users), compareScram) {
		label := key.user + " (" + key.mechanism.String() + ")"
		switch {
		case j.without(Users):
		case j.to.Image().Scram(key.user, key.mechanism) != nil:
			j.report.KeptUsers = append(j.report.KeptUsers, label)
		default:
			j.users = append(j.users, users[key])
			j.report.Users = append(j.report.Users, label)
		}
	}
}

func compareScram(a, b scramKey) int {
	return cmp.Or(cmp.Compare(a.user, b.user), cmp.Compare(a.mechanism, b.mechanism))
}

// chooseACLs takes the ACLs, in an order that is the same each time.
func (j *job) chooseACLs() {
	if j.without(ACLs) {
		return
	}
	for _, b := range j.source.cluster.ACLs {
		if err := b.Validate(); err != nil {
			j.problem(Blocked, "", "the ACL %v: %v; ACLs can be left out as a whole", b, err)
		}
		j.acls = append(j.acls, b)
	}
	slices.SortFunc(j.acls, func(a, b authz.Binding) int { return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	j.report.ACLs = len(j.acls)
}

// wanted says whether a topic is to be imported.
func (j *job) wanted(topic string) bool {
	if topic == group.Topic {
		return !j.without(Offsets)
	}
	plan := topicPlan{name: topic}
	return j.Topics == nil || plan.internal() || j.Topics.MatchString(topic)
}

func (j *job) without(p Part) bool { return slices.Contains(j.Without, p) }

func (j *job) problem(kind Kind, topic, format string, args ...any) {
	j.report.Problems = append(j.report.Problems, Problem{
		Kind: kind, Topic: topic, Text: fmt.Sprintf(format, args...), Accepted: kind != Blocked && slices.Contains(j.Accept, kind),
	})
}

func (j *job) note(text string) { j.report.Notes = append(j.report.Notes, text) }

func (j *job) leaveOut(text string) { j.report.LeftOut = append(j.report.LeftOut, text) }

// refusal is ErrRefused where a problem was not accepted, or nil.
func (j *job) refusal() error {
	standing := j.report.Standing()
	if len(standing) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %d problem(s), the first one: %s", ErrRefused, len(standing), standing[0])
}

func (j *job) origin(api string) meta.Origin {
	return meta.Origin{EventID: rand.Text(), Principal: "User:(import)", API: api, Time: j.to.Clock()}
}

// propose makes one change of the metadata, all of whose items have to succeed.
func (j *job) propose(ctx context.Context, c meta.Command) error {
	result, err := j.to.Propose(ctx, c)
	if err != nil {
		return err
	}
	for _, item := range result.Items {
		if item.Code != wire.None {
			return fmt.Errorf("%s: %s: %s", item.Name, wire.CodeName(item.Code), item.Message)
		}
	}
	return nil
}
