package config

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestConsumerGroupsAreRead(t *testing.T) {
	want := ConsumerGroups{
		Served: true, Assignors: []string{"uniform", "range"}, MaxSize: 1<<31 - 1, Upgrade: true, Downgrade: true, RegexRefresh: 10 * time.Minute,
	}
	if diff := cmp.Diff(want, mustLoad(t, loopback).Groups.Consumer); diff != "" {
		t.Errorf("by default: %s", diff)
	}
	got := mustLoad(t, loopback+`group.coordinator.rebalance.protocols=classic,streams
group.consumer.assignors=org.apache.kafka.coordinator.group.assignor.RangeAssignor,uniform
group.consumer.max.size=7
group.consumer.migration.policy=Downgrade
group.consumer.regex.refresh.interval.ms=10000
`).Groups.Consumer
	want = ConsumerGroups{Assignors: []string{"range", "uniform"}, MaxSize: 7, Downgrade: true, RegexRefresh: 10 * time.Second}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("as set: %s", diff)
	}
	for policy, want := range map[string][2]bool{"disabled": {}, "UPGRADE": {true, false}, "bidirectional": {true, true}} {
		got := mustLoad(t, loopback+"group.consumer.migration.policy="+policy+"\n").Groups.Consumer
		if got.Upgrade != want[0] || got.Downgrade != want[1] {
			t.Errorf("%s: upgrade %v, downgrade %v", policy, got.Upgrade, got.Downgrade)
		}
	}
}

// TestBoundsOfConsumerGroups: what Apache Kafka's GroupCoordinatorConfig refuses.
func TestBoundsOfConsumerGroups(t *testing.T) {
	for text, want := range map[string]string{
		"group.coordinator.rebalance.protocols=consumer":                                                   "Disabling the 'classic' protocol",
		"group.consumer.assignors=uniform,com.example.Mine":                                                `"com.example.Mine" is not an assignor`,
		"group.consumer.assignors=uniform,uniform":                                                         "uniform stands twice",
		"group.consumer.assignors=":                                                                        "at least one assignor",
		"group.consumer.min.heartbeat.interval.ms=20000":                                                   "group.consumer.max.heartbeat.interval.ms=15000",
		"group.consumer.heartbeat.interval.ms=4999":                                                        "group.consumer.min.heartbeat.interval.ms=5000",
		"group.consumer.heartbeat.interval.ms=15001":                                                       "group.consumer.max.heartbeat.interval.ms=15000",
		"group.consumer.max.session.timeout.ms=44999":                                                      "group.consumer.max.session.timeout.ms=44999",
		"group.consumer.session.timeout.ms=44999":                                                          "group.consumer.min.session.timeout.ms=45000",
		"group.consumer.session.timeout.ms=60001":                                                          "group.consumer.max.session.timeout.ms=60000",
		"group.consumer.max.heartbeat.interval.ms=50000\ngroup.consumer.heartbeat.interval.ms=45000":       "must be less than group.consumer.session.timeout.ms=45000",
		"group.consumer.assignment.interval.ms=15001":                                                      "group.consumer.max.assignment.interval.ms=15000",
		"group.consumer.min.assignment.interval.ms=1001":                                                   "group.consumer.min.assignment.interval.ms=1001",
		"group.consumer.min.assignment.interval.ms=3000\ngroup.consumer.max.assignment.interval.ms=2000\n": "group.consumer.max.assignment.interval.ms=2000",
	} {
		if _, _, err := load(t, loopback+text+"\n"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestWhatIsInForceForAConsumerGroup(t *testing.T) {
	c := mustLoad(t, loopback+"group.consumer.session.timeout.ms=50000\ngroup.consumer.assignment.interval.ms=2000\n")
	for name, test := range map[string]struct {
		explicit map[string]string
		dynamic  Dynamic
		want     ConsumerGroup
	}{
		"the broker's": {want: ConsumerGroup{50 * time.Second, 5 * time.Second, 2 * time.Second}},
		"its own": {
			explicit: map[string]string{"consumer.session.timeout.ms": "60000", "consumer.heartbeat.interval.ms": "15000", "consumer.assignment.interval.ms": "0"},
			want:     ConsumerGroup{time.Minute, 15 * time.Second, 0},
		},
		"below the bounds": {
			explicit: map[string]string{"consumer.session.timeout.ms": "1", "consumer.heartbeat.interval.ms": "1"},
			want:     ConsumerGroup{45 * time.Second, 5 * time.Second, 2 * time.Second},
		},
		"above the bounds": {
			explicit: map[string]string{"consumer.session.timeout.ms": "70000", "consumer.heartbeat.interval.ms": "70000", "consumer.assignment.interval.ms": "70000"},
			want:     ConsumerGroup{time.Minute, 15 * time.Second, 15 * time.Second},
		},
		"changed at run time, beyond a bound": {
			dynamic: Dynamic{Default: map[string]string{"group.consumer.assignment.interval.ms": "20000"}},
			want:    ConsumerGroup{50 * time.Second, 5 * time.Second, 15 * time.Second},
		},
		"its own before what was changed at run time": {
			explicit: map[string]string{"consumer.assignment.interval.ms": "3000"},
			dynamic:  Dynamic{Broker: map[string]string{"group.consumer.assignment.interval.ms": "4000"}},
			want:     ConsumerGroup{50 * time.Second, 5 * time.Second, 3 * time.Second},
		},
	} {
		if diff := cmp.Diff(test.want, c.ConsumerGroup(test.explicit, test.dynamic)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestValidateGroupInKafkasWords(t *testing.T) {
	c := mustLoad(t, loopback+"group.consumer.max.heartbeat.interval.ms=50000\n")
	for _, test := range []struct{ session, heartbeat, assignment, want string }{
		{"", "", "", ""},
		{"60000", "50000", "15000", ""},
		{"45000", "5000", "0", ""},
		{"", "4999", "", "consumer.heartbeat.interval.ms must be greater than or equal to group.consumer.min.heartbeat.interval.ms"},
		{"", "50001", "", "consumer.heartbeat.interval.ms must be less than or equal to group.consumer.max.heartbeat.interval.ms"},
		{"44999", "", "", "consumer.session.timeout.ms must be greater than or equal to group.consumer.min.session.timeout.ms"},
		{"60001", "", "", "consumer.session.timeout.ms must be less than or equal to group.consumer.max.session.timeout.ms"},
		{"", "", "15001", "consumer.assignment.interval.ms must be less than or equal to group.consumer.max.assignment.interval.ms"},
		{"", "45000", "", "consumer.session.timeout.ms must be greater than consumer.heartbeat.interval.ms"},
		{"46000", "46000", "", "consumer.session.timeout.ms must be greater than consumer.heartbeat.interval.ms"},
	} {
		explicit := map[string]string{}
		for key, value := range map[string]string{
			"consumer.session.timeout.ms": test.session, "consumer.heartbeat.interval.ms": test.heartbeat, "consumer.assignment.interval.ms": test.assignment,
		} {
			if value != "" {
				explicit[key] = value
			}
		}
		got := ""
		if err := c.ValidateGroup(explicit); err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%v: %q, want %q", explicit, got, test.want)
		}
	}
}
