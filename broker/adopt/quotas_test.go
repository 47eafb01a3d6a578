package adopt

import (
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/chronik-stream/chronik/broker/meta"
)

// quotaOf is the record of a quota; the entity is types and names in turn, of which "" is that of all others.
func quotaOf(key string, value float64, removed bool, entity ...string) []byte {
	e := recordOf(clientQuota, 0).uvarint(uint64(len(entity)/2) + 1)
	for i := 0; i < len(entity); i += 2 {
		if e = e.text(entity[i]); entity[i+1] == "" {
			e = e.uvarint(0)
		} else {
			e = e.text(entity[i+1])
		}
		e = e.uvarint(0)
	}
	flag := int8(0)
	if removed {
		flag = 1
	}
	return e.text(key).int64(int64(math.Float64bits(value))).int8(flag).end()
}

// TestQuotasAreImported: those that can be set here, also when the import is run again; one that is set here stays.
func TestQuotasAreImported(t *testing.T) {
	w := newWorld(t, 1)
	w.source(kafkaDir, plainSpecs()...)
	bob := meta.QuotaEntity{User: meta.Named("bob")}
	w.apply(&meta.AlterQuotas{Changes: []meta.QuotaChange{{Entity: bob, Ops: []meta.QuotaOp{{Key: meta.ProducerByteRate, Value: 7}}}}})
	w.metadata([][]byte{
		quotaOf("producer_byte_rate", 1024, false, "user", "alice"), quotaOf("consumer_byte_rate", 2048, false, "user", "alice"),
		quotaOf("request_percentage", 12.5, false, "user", "", "client-id", ""), quotaOf("connection_creation_rate", 5, false, "ip", "10.0.0.7"),
		quotaOf("producer_byte_rate", 8, false, "user", "bob"), quotaOf("consumer_byte_rate", 9, false, "user", "bob"),
		quotaOf("connection_creation_rate", 5, false, "ip", "host.example"), quotaOf("of_a_later_release", 5, false, "user", "alice"),
	}, plainSpecs()...)
	if report, err := w.run(Request{DryRun: true}); err != nil || report.Quotas != 5 || w.store.Image().Quotas(bob)[meta.ConsumerByteRate] != 0 {
		t.Errorf("a dry run: %+v, %v", report, err)
	}
	w.refuse = func(c meta.Command) bool { _, last := c.(*meta.AdoptTopics); return last }
	if _, err := w.run(Request{}); err == nil {
		t.Fatal("an import that ends before its last step")
	}
	w.refuse = nil
	report, err := w.run(Request{})
	if err != nil || !report.Imported || report.Quotas != 0 {
		t.Fatalf("%+v, %v", report, err)
	}
	got := map[string]map[string]float64{}
	w.store.Image().AllQuotas(func(q *meta.Quotas) bool { got[q.Entity.String()] = q.Values; return true })
	want := map[string]map[string]float64{
		"user=alice": {meta.ProducerByteRate: 1024, meta.ConsumerByteRate: 2048}, "user=<default>,client-id=<default>": {meta.RequestPercentage: 12.5},
		"ip=10.0.0.7": {meta.ConnectionCreationRate: 5}, "user=bob": {meta.ProducerByteRate: 7, meta.ConsumerByteRate: 9},
	}
	if !maps.EqualFunc(got, want, maps.Equal[map[string]float64, map[string]float64]) {
		t.Errorf("quotas %v, want %v", got, want)
	}
	for _, left := range []string{
		"the quota producer_byte_rate of user=bob: it is 7 here", "the quota connection_creation_rate of ip=host.example: ", "the quota of_a_later_release of user=alice: ",
	} {
		if !slices.ContainsFunc(report.LeftOut, func(line string) bool { return strings.HasPrefix(line, left) }) {
			t.Errorf("%q is not in %q", left, report.LeftOut)
		}
	}
}

func TestQuotasCanBeLeftOut(t *testing.T) {
	w := newWorld(t, 1)
	w.source(kafkaDir, plainSpecs()...)
	w.metadata([][]byte{quotaOf("producer_byte_rate", 1024, false, "user", "alice")}, plainSpecs()...)
	report, err := w.run(Request{Without: []Part{Quotas}})
	if err != nil || report.Quotas != 0 || w.store.Image().Quotas(meta.QuotaEntity{User: meta.Named("alice")}) != nil {
		t.Errorf("%+v, %v", report, err)
	}
}
