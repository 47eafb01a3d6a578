//go:build interop

package interop

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chronik-stream/chronik/authz"
)

const (
	filterSets    = 20
	filtersPerSet = 1000
)

// TestFiltersMatchAsKafkas asks Apache Kafka's authorizer which of some ACLs the filters of DescribeAcls and DeleteAcls match, and
// compares with ours. INTEROP_SEED repeats a run.
func TestFiltersMatchAsKafkas(t *testing.T) {
	t.Parallel()
	draw := aclDraw{rand.New(rand.NewPCG(killSeed(t), 1<<32))}
	var kafka aclCases
	var ours [][]uint32
	var filters []authz.Filter
	for range filterSets {
		kafka.begin("", false)
		var have []authz.Binding
		for range 200 {
			if b := draw.binding(); !slices.Contains(have, b) {
				kafka.add(len(have), b)
				have = append(have, b)
			}
		}
		for range filtersPerSet {
			f := draw.filter(have)
			kafka.filter(f)
			filters, ours = append(filters, f), append(ours, matching(f, have))
		}
	}
	answers, some := kafka.run(t), 0
	for i := range filters {
		var kafkas []uint32
		kafkas, answers = numbersOf(answers)
		if diff := cmp.Diff(kafkas, ours[i]); diff != "" {
			t.Fatalf("%+v matches by number (-Apache Kafka +ours):\n%s", filters[i], diff)
		}
		if len(kafkas) > 0 {
			some++
		}
	}
	if few := len(filters) / 4; some < few || len(filters)-some < few {
		t.Errorf("%d of %d filters match anything: the cases are poor", some, len(filters))
	}
}

func matching(f authz.Filter, have []authz.Binding) []uint32 {
	var numbers []uint32
	for i, b := range have {
		if f.Matches(b) {
			numbers = append(numbers, uint32(i))
		}
	}
	return numbers
}

// numbersOf reads the answer to one filter.
func numbersOf(answers []byte) (numbers []uint32, rest []byte) {
	n := binary.BigEndian.Uint32(answers)
	answers = answers[4:]
	for range n {
		numbers, answers = append(numbers, binary.BigEndian.Uint32(answers)), answers[4:]
	}
	slices.Sort(numbers)
	return numbers, answers
}
