package meta_test

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
)

var (
	everyUser = meta.QuotaEntity{User: meta.QuotaPart{Match: meta.QuotaDefault}}
	alice     = meta.QuotaEntity{User: meta.Named("alice")}
	aliceApp  = meta.QuotaEntity{User: meta.Named("alice"), ClientID: meta.Named("app")}
	oneHost   = meta.QuotaEntity{IP: meta.Named("10.0.0.1")}
)

func set(e meta.QuotaEntity, key string, value float64) meta.QuotaChange {
	return meta.QuotaChange{Entity: e, Ops: []meta.QuotaOp{{Key: key, Value: value}}}
}

func remove(e meta.QuotaEntity, key string) meta.QuotaChange {
	return meta.QuotaChange{Entity: e, Ops: []meta.QuotaOp{{Key: key, Remove: true}}}
}

func TestQuotasAreSetAndRemoved(t *testing.T) {
	c := newCluster(t, 1)
	delta := c.mustApply(&meta.AlterQuotas{Origin: origin, Changes: []meta.QuotaChange{
		set(everyUser, meta.ProducerByteRate, 1024), set(aliceApp, meta.RequestPercentage, 12.5), set(oneHost, meta.ConnectionCreationRate, 3),
		set(alice, meta.ProducerByteRate, 10),
	}})
	if diff := cmp.Diff([]meta.QuotaEntity{everyUser, aliceApp, oneHost, alice}, delta.QuotasChanged); diff != "" {
		t.Error(diff)
	}
	c.mustApply(&meta.AlterQuotas{Origin: origin, Changes: []meta.QuotaChange{
		set(alice, meta.ConsumerByteRate, 20), remove(everyUser, meta.ProducerByteRate), remove(oneHost, meta.ProducerByteRate),
	}})
	if got := c.img.Quotas(everyUser); got != nil {
		t.Errorf("removed quotas are there: %v", got)
	}
	if diff := cmp.Diff(map[string]float64{meta.ProducerByteRate: 10, meta.ConsumerByteRate: 20}, c.img.Quotas(alice)); diff != "" {
		t.Error(diff)
	}
	if delta := c.mustApply(&meta.AlterQuotas{Changes: []meta.QuotaChange{set(alice, meta.ConsumerByteRate, 20)}}); len(delta.QuotasChanged) != 0 {
		t.Errorf("a quota that is set to what it is changes %v", delta.QuotasChanged)
	}
	audit := c.audit()
	last := audit[len(audit)-4]
	if last.ResourceType != "QUOTA" || last.Resource != "user=alice" || last.Before["producer_byte_rate"] != "10" || last.After["consumer_byte_rate"] != "20" {
		t.Errorf("audit record %+v", last)
	}
	restored, err := meta.ReadSnapshot(bytes.NewReader(snapshotOf(t, c.img)))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	restored.AllQuotas(func(q *meta.Quotas) bool { got = append(got, q.Entity.String()); return true })
	if diff := cmp.Diff([]string{"ip=10.0.0.1", "user=alice", "user=alice,client-id=app"}, got); diff != "" {
		t.Error(diff)
	}
}

// TestQuotasAreChecked has the messages of Apache Kafka's ClientQuotaControlManager.
func TestQuotasAreChecked(t *testing.T) {
	c := newCluster(t, 1)
	cases := []struct {
		change meta.QuotaChange
		want   string
	}{
		{set(meta.QuotaEntity{}, meta.ProducerByteRate, 1), "Invalid empty client quota entity"},
		{set(meta.QuotaEntity{User: meta.Named("")}, meta.ProducerByteRate, 1), "Empty user not supported"},
		{set(meta.QuotaEntity{User: meta.QuotaPart{Match: 7}}, meta.ProducerByteRate, 1), "Unknown match of user"},
		{set(meta.QuotaEntity{User: meta.Named("a"), IP: meta.Named("10.0.0.1")}, meta.ConnectionCreationRate, 1), "Invalid quota entity combination"},
		{set(meta.QuotaEntity{IP: meta.Named("10.0.0.256")}, meta.ConnectionCreationRate, 1), "10.0.0.256 is not a valid IP or resolvable host."},
		{set(oneHost, meta.ProducerByteRate, 1), "Invalid configuration key producer_byte_rate"},
		{set(alice, meta.ConnectionCreationRate, 1), "Invalid configuration key connection_creation_rate"},
		{set(alice, "no_such_rate", 1), "Invalid configuration key no_such_rate"},
		{set(alice, meta.ProducerByteRate, 0), "Quota producer_byte_rate must be greater than 0"},
		{set(alice, meta.RequestPercentage, -1), "Quota request_percentage must be greater than 0"},
		{set(alice, meta.ProducerByteRate, 1.5), "producer_byte_rate cannot be a fractional value."},
		{set(alice, meta.ProducerByteRate, 1e19), "Proposed value for producer_byte_rate is too large for a LONG."},
		{set(oneHost, meta.ConnectionCreationRate, math.MaxInt32+1), "Proposed value for connection_creation_rate is too large for an INT."},
	}
	for _, k := range cases {
		delta, result := c.apply(&meta.AlterQuotas{Origin: origin, Changes: []meta.QuotaChange{k.change}})
		if got := result.Items[0]; got.Code != wire.InvalidRequest || !strings.HasPrefix(got.Message, k.want) {
			t.Errorf("%v: %d %s, want %s", k.change, got.Code, got.Message, k.want)
		}
		if len(delta.QuotasChanged) != 0 {
			t.Errorf("%v is refused and changes %v", k.change, delta.QuotasChanged)
		}
	}
	for _, value := range []float64{math.NaN(), math.Inf(1)} {
		bad := set(alice, meta.RequestPercentage, value)
		if bad.Check() == nil {
			t.Errorf("%v is taken", value)
		}
	}
	half := meta.QuotaChange{Entity: alice, Ops: []meta.QuotaOp{{Key: meta.ProducerByteRate, Value: 1}, {Key: "no", Value: 1}}}
	if c.apply(&meta.AlterQuotas{Changes: []meta.QuotaChange{half}}); c.img.Quotas(alice) != nil {
		t.Error("half of a change was made")
	}
}
