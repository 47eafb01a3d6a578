package config

import "regexp"

// throttledReplicas checks a list of replicas as partition:broker, or * for all (ThrottledReplicaListValidator of Apache Kafka).
type throttledReplicas struct{ list *regexp.Regexp }

func newThrottledReplicas() Check {
	return throttledReplicas{regexp.MustCompile(`^(\*|[0-9]+:[0-9]+(,[0-9]+:[0-9]+)*)?$`)}
}

func (t throttledReplicas) problem(value string) string {
	if t.list.MatchString(value) {
		return ""
	}
	return "Must be the literal '*' or a list of replicas in the following format: [partitionId]:[brokerId],[partitionId]:[brokerId],..."
}

func (throttledReplicas) allowed() string { return "* or partition:broker,..." }
