package meta_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
)

var origin = meta.Origin{
	EventID: "event", Principal: "User:admin", Host: "10.0.0.1", Listener: "SASL_SSL", API: "Test", Time: time.UnixMilli(1_700_000_000_000).UTC(),
}

// cluster applies commands as the log would: encoded and decoded.
type cluster struct {
	t   testing.TB
	img *meta.Image
}

func newCluster(t testing.TB, brokers ...int32) *cluster {
	c := &cluster{t: t, img: meta.NewImage()}
	for _, id := range brokers {
		c.apply(&meta.RegisterBroker{Broker: meta.Broker{ID: id}})
	}
	return c
}

func (c *cluster) apply(command meta.Command) (meta.Delta, meta.Result) {
	c.t.Helper()
	data, err := meta.Encode(command)
	if err != nil {
		c.t.Fatal(err)
	}
	decoded, err := meta.Decode(data)
	if err != nil {
		c.t.Fatal(err)
	}
	next, delta, result := c.img.Apply(c.img.Index()+1, decoded)
	c.img = next
	return delta, result
}

// mustApply fails where an item fails.
func (c *cluster) mustApply(command meta.Command) meta.Delta {
	c.t.Helper()
	delta, result := c.apply(command)
	for _, item := range result.Items {
		if item.Code != wire.None {
			c.t.Fatalf("%T %s: %s: %s", command, item.Name, wire.CodeName(item.Code), item.Message)
		}
	}
	return delta
}

func (c *cluster) audit() []meta.AuditRecord {
	var all []meta.AuditRecord
	c.img.PendingAudit(func(r *meta.AuditRecord) bool { all = append(all, *r); return true })
	return all
}

func topicID(n byte) meta.TopicID { return meta.TopicID{0: 1, 15: n} }

func newTopic(name string, n byte, replicas ...[]int32) meta.NewTopic {
	return meta.NewTopic{Name: name, ID: topicID(n), Replicas: replicas}
}

func snapshotOf(t testing.TB, img *meta.Image) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := img.WriteSnapshot(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func codes(r meta.Result) []int16 {
	var out []int16
	for _, item := range r.Items {
		out = append(out, item.Code)
	}
	return out
}

func readACL(topic string) authz.Binding {
	return authz.Binding{
		Type: authz.Topic, Name: topic, Pattern: authz.Literal, Principal: "User:a", Host: "*", Operation: authz.Read, Permission: authz.Allow,
	}
}
