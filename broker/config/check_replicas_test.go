package config

import "testing"

func TestThrottledReplicas(t *testing.T) {
	table := NewTable()
	for value, good := range map[string]bool{"": true, "*": true, "0:1": true, "0:1,10:22": true, "0-1": false, "0:1,": false, "a:1": false, "0:1,*": false, "**": false} {
		err := table.Validate(TopicScope, map[string]string{"leader.replication.throttled.replicas": value})
		if (err == nil) != good {
			t.Errorf("%q: %v", value, err)
		}
	}
}
