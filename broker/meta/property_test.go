package meta_test

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/meta"
)

// Few names, so that commands meet each other.
var (
	drawName   = rapid.SampledFrom([]string{"a", "b", "a.b", "a_b", "a-b", "<&>", "ü\x00"})
	drawID     = rapid.Map(rapid.ByteRange(0, 6), topicID)
	drawBroker = rapid.Int32Range(0, 3)
	drawKey    = rapid.Custom(func(t *rapid.T) meta.ResourceKey {
		kinds := []meta.ConfigType{meta.TopicConfig, meta.BrokerConfig, meta.GroupConfig, meta.UserConfig, 99}
		return meta.ResourceKey{Type: rapid.SampledFrom(kinds).Draw(t, "kind"), Name: drawName.Draw(t, "name")}
	})
	drawReplicas = rapid.SliceOfN(rapid.SliceOfN(drawBroker, 0, 3), 0, 3)
	drawACL      = rapid.Custom(func(t *rapid.T) authz.Binding {
		b := readACL(drawName.Draw(t, "name"))
		b.Pattern = rapid.SampledFrom([]authz.PatternType{authz.Literal, authz.Prefixed, authz.Match}).Draw(t, "pattern")
		b.Operation = authz.Operation(rapid.Uint8Range(0, 16).Draw(t, "operation"))
		return b
	})
	drawFilter = rapid.Custom(func(t *rapid.T) authz.Filter {
		f := authz.Filter{Type: authz.AnyResource, Pattern: authz.AnyPattern, Operation: authz.AnyOperation, Permission: authz.AnyPermission}
		if rapid.Bool().Draw(t, "named") {
			name := drawName.Draw(t, "name")
			f.Name, f.Pattern = &name, authz.Match
		}
		return f
	})
	drawCredential = rapid.Custom(func(t *rapid.T) meta.ScramCredential {
		return credential(drawName.Draw(t, "user"), meta.ScramMechanism(rapid.Uint8Range(1, 2).Draw(t, "mechanism")))
	})
	drawTokenID = rapid.SampledFrom([]string{"t1", "t2", "t3"})
	drawWho     = rapid.SampledFrom([]string{"User:a", "User:b", "User:a.b"})
	drawTime    = rapid.Int64Range(-2, 9)
	drawToken   = rapid.Custom(func(t *rapid.T) meta.Token {
		return meta.Token{
			ID: drawTokenID.Draw(t, "token"), Owner: drawWho.Draw(t, "owner"), Requester: drawWho.Draw(t, "requester"),
			Renewers: rapid.SliceOfN(drawWho, 0, 2).Draw(t, "renewers"), Issued: drawTime.Draw(t, "issued"),
			Expires: drawTime.Draw(t, "expires"), MaxTime: drawTime.Draw(t, "maxTime"),
		}
	})
	drawOrigin = rapid.Custom(func(t *rapid.T) meta.Origin {
		o := origin
		o.Principal, o.Time = drawWho.Draw(t, "who"), time.UnixMilli(drawTime.Draw(t, "time")).UTC()
		return o
	})
	drawRule = rapid.Custom(func(t *rapid.T) *meta.ApprovalRule {
		if rapid.Bool().Draw(t, "alone") {
			return nil
		}
		return &meta.ApprovalRule{
			Operations: []string{meta.ApproveDeleteTopics, meta.ApproveSuperUserGrants}, Parties: rapid.SliceOfN(drawWho, 1, 2).Draw(t, "parties"),
			Lasts: drawTime.Draw(t, "lasts"), Most: 3, MostOf: 2, MostBytes: 1000, TwoForOthers: rapid.Bool().Draw(t, "two"),
		}
	})
	drawFeature = rapid.Custom(func(t *rapid.T) meta.FeatureUpdate {
		return meta.FeatureUpdate{
			Name: rapid.SampledFrom([]string{meta.GroupVersion, meta.TransactionVersion, "other"}).Draw(t, "feature"), Level: rapid.Int16Range(-1, 3).Draw(t, "level"),
			Type: meta.FeatureUpgradeType(rapid.Uint8Range(0, 4).Draw(t, "type")),
		}
	})
	drawQuota = rapid.Custom(func(t *rapid.T) meta.QuotaChange {
		return meta.QuotaChange{Entity: rapid.SampledFrom([]meta.QuotaEntity{everyUser, alice, aliceApp, oneHost, {}}).Draw(t, "entity"), Ops: []meta.QuotaOp{{
			Key:   rapid.SampledFrom([]string{meta.ProducerByteRate, meta.ConnectionCreationRate}).Draw(t, "key"),
			Value: float64(rapid.IntRange(0, 3).Draw(t, "value")), Remove: rapid.Bool().Draw(t, "remove"),
		}}}
	})
	drawConfigs = rapid.MapOfN(drawName, rapid.StringMatching(`[a-c,]{0,4}`), 0, 3)
	drawOp      = rapid.Custom(func(t *rapid.T) meta.ConfigOp {
		return meta.ConfigOp{
			Op: meta.ConfigOpType(rapid.Uint8Range(0, 5).Draw(t, "op")), Name: drawName.Draw(t, "key"), Value: rapid.StringMatching(`[a-c,]{0,4}`).Draw(t, "value"),
		}
	})
)

// drawApproval is the id of a request that is there, or of none.
func drawApproval(t *rapid.T, img *meta.Image) string {
	ids := []string{"none"}
	img.Approvals(func(a *meta.Approval) bool { ids = append(ids, a.ID); return true })
	return rapid.SampledFrom(ids).Draw(t, "approval")
}

func drawCommand(t *rapid.T, img *meta.Image) meta.Command {
	switch rapid.IntRange(0, 21).Draw(t, "command") {
	case 0:
		return &meta.RegisterBroker{Broker: meta.Broker{
			ID: drawBroker.Draw(t, "broker"), Fenced: rapid.Bool().Draw(t, "fenced"), Endpoints: []meta.Endpoint{{Listener: "L", Host: "h", Port: 1}},
		}}
	case 1, 2:
		n := meta.NewTopic{Name: drawName.Draw(t, "name"), ID: drawID.Draw(t, "id"), Replicas: drawReplicas.Draw(t, "replicas"), Configs: drawConfigs.Draw(t, "configs")}
		n.Internal = rapid.Bool().Draw(t, "internal")
		return &meta.CreateTopics{Origin: origin, Topics: []meta.NewTopic{n}}
	case 3:
		return &meta.DeleteTopics{Origin: drawOrigin.Draw(t, "origin"), IDs: rapid.SliceOfN(drawID, 0, 2).Draw(t, "ids"), Approval: drawRule.Draw(t, "rule")}
	case 4:
		m := meta.MorePartition{Name: drawName.Draw(t, "name"), From: rapid.IntRange(0, 3).Draw(t, "from"), Replicas: drawReplicas.Draw(t, "replicas")}
		return &meta.CreatePartitions{Origin: origin, Topics: []meta.MorePartition{m}}
	case 5:
		r := meta.ResourceChange{Key: drawKey.Draw(t, "key"), Replace: rapid.Bool().Draw(t, "replace"), Ops: rapid.SliceOfN(drawOp, 0, 3).Draw(t, "ops")}
		return &meta.AlterConfigs{Origin: origin, Resources: []meta.ResourceChange{r}}
	case 6:
		return &meta.CreateACLs{Origin: origin, Bindings: rapid.SliceOfN(drawACL, 0, 3).Draw(t, "acls")}
	case 7:
		return &meta.DeleteACLs{Origin: origin, Filters: rapid.SliceOfN(drawFilter, 0, 2).Draw(t, "filters")}
	case 8:
		return &meta.AlterScram{
			Origin: origin, Upserts: rapid.SliceOfN(drawCredential, 0, 2).Draw(t, "upserts"),
			Deletes: []meta.ScramName{{User: drawName.Draw(t, "user"), Mechanism: meta.ScramSHA256}},
		}
	case 9:
		n := meta.AdoptedTopic{Name: drawName.Draw(t, "name"), ID: drawID.Draw(t, "id"), LeaderEpochs: rapid.SliceOfN(rapid.Int32Range(0, 9), 0, 3).Draw(t, "epochs")}
		return &meta.AdoptTopics{Origin: origin, Node: drawBroker.Draw(t, "node"), Topics: []meta.AdoptedTopic{n}}
	case 10:
		return &meta.AllocateProducerIDs{Broker: 1, Count: rapid.Int64Range(-1, 1000).Draw(t, "count")}
	case 11:
		return &meta.UpdateFeatures{
			Origin: origin, Node: 1, Supported: meta.SupportedFeatures(), Updates: rapid.SliceOfN(drawFeature, 0, 3).Draw(t, "features"),
			IfNeverSet: rapid.Bool().Draw(t, "ifNeverSet"),
		}
	case 12, 13:
		return &meta.CreateToken{Origin: origin, Token: drawToken.Draw(t, "new"), Most: 2, MostInAll: 3}
	case 14:
		return &meta.RenewToken{
			Origin: origin, ID: drawTokenID.Draw(t, "token"), Principal: drawWho.Draw(t, "who"), Now: drawTime.Draw(t, "now"), Period: drawTime.Draw(t, "period"),
		}
	case 15:
		return &meta.ExpireToken{
			Origin: origin, ID: drawTokenID.Draw(t, "token"), Principal: drawWho.Draw(t, "who"), Now: drawTime.Draw(t, "now"), Period: drawTime.Draw(t, "period"),
		}
	case 16:
		return &meta.SweepTokens{Origin: origin, Now: drawTime.Draw(t, "now"), Most: rapid.IntRange(0, 2).Draw(t, "most")}
	case 17:
		return &meta.AlterQuotas{Origin: origin, Changes: rapid.SliceOfN(drawQuota, 0, 3).Draw(t, "quotas")}
	case 18:
		return &meta.DecideApproval{
			Origin: drawOrigin.Draw(t, "origin"), ID: drawApproval(t, img), Approve: rapid.Bool().Draw(t, "approve"),
			Parties: rapid.SliceOfN(drawWho, 1, 2).Draw(t, "parties"), Lasts: drawTime.Draw(t, "lasts"),
		}
	case 19:
		return &meta.SweepApprovals{Origin: origin, Now: drawTime.Draw(t, "now")}
	case 20:
		return &meta.RecordPolicies{Origin: origin, Digest: drawName.Draw(t, "digest")}
	default:
		return &meta.AuditProjected{UpTo: rapid.Uint64Range(0, 30).Draw(t, "upTo"), Offset: rapid.Int64Range(0, 99).Draw(t, "offset")}
	}
}

// shadow is what a subscriber knows that believes the deltas.
type shadow struct {
	topics  map[meta.TopicID]*meta.Topic
	acls    map[authz.Binding]bool
	configs map[meta.ResourceKey]map[string]string
	users   map[string]int
	tokens  map[string]meta.Token
	quotas  map[meta.QuotaEntity]map[string]float64
}

func newShadow() *shadow {
	return &shadow{
		topics: map[meta.TopicID]*meta.Topic{}, acls: map[authz.Binding]bool{}, configs: map[meta.ResourceKey]map[string]string{},
		users: map[string]int{}, tokens: map[string]meta.Token{}, quotas: map[meta.QuotaEntity]map[string]float64{},
	}
}

func (s *shadow) follow(t *rapid.T, next *meta.Image, d meta.Delta) {
	for _, gone := range d.TopicsDeleted {
		if s.topics[gone.ID] == nil {
			t.Fatalf("the delta deletes %s, which is not there", gone.Name)
		}
		delete(s.topics, gone.ID)
	}
	for _, created := range d.TopicsCreated {
		if s.topics[created.ID] != nil {
			t.Fatalf("the delta creates %s, which is there", created.Name)
		}
		s.topics[created.ID] = created
	}
	for _, changed := range d.TopicsChanged {
		if s.topics[changed.Old.ID] != changed.Old {
			t.Fatalf("the delta changes %s from what it was not", changed.Old.Name)
		}
		s.topics[changed.New.ID] = changed.New
	}
	for _, b := range d.ACLs.Removed {
		delete(s.acls, b)
	}
	for _, b := range d.ACLs.Added {
		s.acls[b] = true
	}
	for _, k := range d.ConfigsChanged {
		if c := next.Config(k); c != nil && k.Type != meta.TopicConfig {
			s.configs[k] = c
		} else {
			delete(s.configs, k)
		}
	}
	for _, id := range d.TokensChanged {
		delete(s.tokens, id)
		if token := next.Token(id); token != nil {
			s.tokens[id] = *token
		}
	}
	for _, e := range d.QuotasChanged {
		delete(s.quotas, e)
		if q := next.Quotas(e); q != nil {
			s.quotas[e] = q
		}
	}
	for _, u := range d.ScramChanged {
		delete(s.users, u)
		for m := meta.ScramSHA256; m <= meta.ScramSHA512; m++ {
			if next.Scram(u, m) != nil {
				s.users[u]++
			}
		}
	}
}

func shadowOf(img *meta.Image) *shadow {
	s := newShadow()
	img.Topics(func(t *meta.Topic) bool { s.topics[t.ID] = t; return true })
	img.ACLs(func(b authz.Binding) bool { s.acls[b] = true; return true })
	for _, kind := range []meta.ConfigType{meta.BrokerConfig, meta.GroupConfig, meta.UserConfig} {
		img.Configured(kind, func(k meta.ResourceKey, c map[string]string) bool { s.configs[k] = c; return true })
	}
	img.Tokens(func(token *meta.Token) bool { s.tokens[token.ID] = *token; return true })
	img.AllQuotas(func(q *meta.Quotas) bool { s.quotas[q.Entity] = q.Values; return true })
	img.ScramUsers(func(user string, of []meta.ScramCredential) bool { s.users[user] = len(of); return true })
	return s
}

// TestEveryReplicaAgrees: the command as it was proposed and as it was read from the log, on the image and on a copy that came
// by a snapshot, give the same image, bit by bit, and the same answer; and what was there before stays as it was.
func TestEveryReplicaAgrees(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		img, believed := meta.NewImage(), newShadow()
		for index := range uint64(rapid.IntRange(1, 30).Draw(rt, "commands")) { //nolint:gosec // small
			command := drawCommand(rt, img)
			data, err := meta.Encode(command)
			if err != nil {
				rt.Fatal(err)
			}
			decoded, err := meta.Decode(data)
			if err != nil {
				rt.Fatal(err)
			}
			before := snapshotOf(t, img)
			copied, err := meta.ReadSnapshot(bytes.NewReader(before))
			if err != nil {
				rt.Fatal(err)
			}
			next, delta, result := img.Apply(index+1, command)
			other, _, otherResult := copied.Apply(index+1, decoded)
			if diff := cmp.Diff(result, otherResult, cmpopts.EquateEmpty()); diff != "" {
				rt.Fatalf("two replicas answer differently to %T: %s", command, diff)
			}
			if a, b := snapshotOf(t, next), snapshotOf(t, other); !bytes.Equal(a, b) {
				rt.Fatalf("two replicas differ after %T:\n%q\n%q", command, a, b)
			}
			if !bytes.Equal(before, snapshotOf(t, img)) {
				rt.Fatalf("%T changed the image before it", command)
			}
			believed.follow(rt, next, delta)
			img = next
		}
		actual := shadowOf(img)
		if diff := cmp.Diff(actual, believed, cmp.AllowUnexported(shadow{})); diff != "" {
			rt.Fatalf("who follows the deltas knows something else: %s", diff)
		}
		holds(rt, img)
	})
}

// holds checks what is true of every image.
func holds(t *rapid.T, img *meta.Image) {
	topics, partitions, folded := 0, 0, map[string]bool{}
	img.Topics(func(topic *meta.Topic) bool {
		topics++
		partitions += len(topic.Partitions)
		if img.TopicByID(topic.ID) != topic || img.Topic(topic.Name) != topic || img.Colliding(topic.Name) != nil {
			t.Fatalf("the indexes disagree on %s", topic.Name)
		}
		fold := string(bytes.ReplaceAll([]byte(topic.Name), []byte("."), []byte("_")))
		if folded[fold] || len(topic.Partitions) == 0 {
			t.Fatalf("%s collides or is empty", topic.Name)
		}
		folded[fold] = true
		for _, p := range topic.Partitions {
			if !slices.Contains(p.ISR, p.Leader) || !slices.Contains(p.Replicas, p.Leader) {
				t.Fatalf("%s has partition %+v", topic.Name, p)
			}
		}
		return true
	})
	if topics != img.TopicCount() || partitions != img.PartitionCount() {
		t.Fatalf("%d topics and %d partitions, counted %d and %d", img.TopicCount(), img.PartitionCount(), topics, partitions)
	}
	last, seq := uint64(0), -1
	img.PendingAudit(func(r *meta.AuditRecord) bool {
		if r.Index < last || r.Index == last && r.Seq <= seq {
			t.Fatalf("audit record %d/%d after %d/%d", r.Index, r.Seq, last, seq)
		}
		last, seq = r.Index, r.Seq
		return true
	})
	holdsTokens(t, img)
	if err := img.CheckFeatures(); err != nil {
		t.Fatal(err)
	}
}

// holdsTokens checks that a token is found by id, by owner and by expiry.
func holdsTokens(t *rapid.T, img *meta.Image) {
	n, byExpiry, end := 0, 0, int64(0)
	img.Tokens(func(token *meta.Token) bool {
		n++
		found := false
		img.TokensOf(token.Owner, func(owned *meta.Token) bool { found = found || owned == token; return true })
		if !found || img.Token(token.ID) != token {
			t.Fatalf("the indexes disagree on token %+v", token)
		}
		return true
	})
	img.TokensByExpiry(func(token *meta.Token) bool {
		byExpiry++
		if next := max(0, min(token.Expires, token.MaxTime)); next < end || img.Token(token.ID) != token {
			t.Fatalf("token %+v stands after one that ends at %d", token, end)
		} else {
			end = next
		}
		return true
	})
	for from := int64(-1); from < 10; from++ {
		next, found := img.NextTokenEnd(from)
		first, is := int64(0), false
		img.TokensByExpiry(func(token *meta.Token) bool {
			first, is = token.End(), token.End() >= from
			return !is
		})
		if found != is || found && next != first {
			t.Fatalf("after %d the next token ends at %d (%v), not %d (%v)", from, next, found, first, is)
		}
	}
	if n != img.TokenCount() || byExpiry != n {
		t.Fatalf("%d tokens, %d by expiry, counted %d", n, byExpiry, img.TokenCount())
	}
}
