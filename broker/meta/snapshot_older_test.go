package meta_test

import (
	"bytes"
	"maps"
	"os"
	"testing"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
)

// reopened is the cluster as its snapshot has it.
func reopened(t *testing.T, snapshot []byte) *cluster {
	t.Helper()
	img, err := meta.ReadSnapshot(bytes.NewReader(snapshot))
	if err != nil {
		t.Fatal(err)
	}
	return &cluster{t: t, img: img}
}

// beforeApprovals is a cluster as the last release without approvals has written it, with an entry of each kind.
func beforeApprovals(t *testing.T) *cluster {
	t.Helper()
	data, err := os.ReadFile("testdata/before-approvals.snapshot")
	if err != nil {
		t.Fatal(err)
	}
	return reopened(t, data)
}

func TestASnapshotFromBeforeApprovalsIsWhole(t *testing.T) {
	c := beforeApprovals(t)
	img := c.img
	if img.Index() != 9 || img.ClusterID() != "bank" || img.NextProducerID() != 1000 || img.Broker(1) == nil || img.Token("token") == nil {
		t.Errorf("index %d of %s, producer ids from %d, broker %v, token %v", img.Index(), img.ClusterID(), img.NextProducerID(), img.Broker(1), img.Token("token"))
	}
	if want := map[string]int16{meta.GroupVersion: 1, meta.TransactionVersion: 1}; !maps.Equal(img.Features(), want) {
		t.Errorf("features %v", img.Features())
	}
	topics := map[string]int{}
	img.Topics(func(topic *meta.Topic) bool { topics[topic.Name] = len(topic.Partitions); return true })
	if !maps.Equal(topics, map[string]int{"t1": 1, "t2": 2}) || img.Config(meta.ResourceKey{Type: meta.TopicConfig, Name: "t2"})["retention.ms"] != "1000" {
		t.Errorf("topics %v", topics)
	}
	others := map[string]int{}
	img.ACLs(func(b authz.Binding) bool { others[b.Principal]++; return true })
	img.ScramUsers(func(user string, all []meta.ScramCredential) bool { others[user] += len(all); return true })
	img.AllQuotas(func(q *meta.Quotas) bool { others[q.Entity.User.Name] += len(q.Values); return true })
	img.Approvals(func(*meta.Approval) bool { others["approvals"]++; return true })
	if !maps.Equal(others, map[string]int{"User:a": 1, "bob": 2}) || len(c.audit()) != 8 {
		t.Errorf("others %v, %d audit records", others, len(c.audit()))
	}
}

// TestApprovalsAfterASnapshotFromBeforeThem: what the older release has logged after it needs none; what comes then does, and levels of
// features that change in between, and another snapshot, take nothing from it.
func TestApprovalsAfterASnapshotFromBeforeThem(t *testing.T) {
	c := beforeApprovals(t)
	c.mustApply(&meta.DeleteTopics{Origin: origin, IDs: []meta.TopicID{topicID(1)}})
	if items := c.deletes("alice", 0, 2); items[0].Code != wire.PolicyViolation {
		t.Fatalf("without an approval: %+v", items)
	}
	if code := c.decides("bob", 1, c.theApproval().ID, true); code != wire.None {
		t.Fatalf("the approval: %s", wire.CodeName(code))
	}
	c.mustApply(&meta.UpdateFeatures{
		Origin: origin, Node: 1, Supported: meta.SupportedFeatures(),
		Updates: []meta.FeatureUpdate{{Name: meta.TransactionVersion, Level: 2, Type: meta.FeatureUpgrade}},
	})
	c = reopened(t, snapshotOf(t, c.img))
	if level := c.img.Features()[meta.TransactionVersion]; level != 2 || c.theApproval().State != meta.ApprovalGiven {
		t.Errorf("level %d, %+v", level, c.theApproval())
	}
	if items := c.deletes("alice", 2, 2); items[0].Code != wire.None || c.img.TopicCount() != 0 {
		t.Errorf("with the approval: %+v", items)
	}
}
