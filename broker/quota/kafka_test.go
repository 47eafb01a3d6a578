package quota

import (
	"math"
	"os"
	"strconv"
	"strings"
	"testing"
)

// TestArithmeticIsKafkas replays what Apache Kafka's own Rate and TokenBucket made of the same values at the same times.
func TestArithmeticIsKafkas(t *testing.T) {
	data, err := os.ReadFile("testdata/kafka-4.3.1.tsv")
	if err != nil {
		t.Fatal(err)
	}
	var r rate
	var b bucket
	configuration, lines := "", 0
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		lines++
		fields := strings.Split(strings.TrimSpace(line), "\t")
		if is := strings.Join(fields[:3], "/"); is != configuration {
			configuration, r, b = is, rate{}, bucket{}
		}
		n := make([]float64, len(fields))
		for i, f := range fields {
			if n[i], err = strconv.ParseFloat(f, 64); err != nil {
				t.Fatal(err)
			}
		}
		s, limit, now := span{int(n[0]), int64(n[1])}, n[2], int64(n[3])+1_700_000_000_000
		r.record(s, n[4], now)
		perSecond, over := r.measure(s, now)
		if !near(perSecond, n[5]) || over != int64(n[6]) {
			t.Fatalf("%s: rate %v over %d, Apache Kafka has %v over %v", line, perSecond, over, n[5], n[6])
		}
		if want := max(int64(n[7]), 0); throttle(perSecond, limit, over) != want {
			t.Fatalf("%s: throttle %d, Apache Kafka has %d", line, throttle(perSecond, limit, over), want)
		}
		b.count(s, limit, now)
		b.take(n[4])
		if got := b.count(s, limit, now); !near(got, n[8]) {
			t.Fatalf("%s: %v tokens, Apache Kafka has %v", line, got, n[8])
		}
	}
	if lines != 300 {
		t.Errorf("%d lines were compared, not 300", lines)
	}
}

func near(a, b float64) bool { return math.Abs(a-b) <= 1e-9*max(math.Abs(a), math.Abs(b), 1) }
