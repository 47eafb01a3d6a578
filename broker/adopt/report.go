package adopt

import "fmt"

// Kind names a problem, so that one kind at a time can be accepted.
type Kind string

// The kinds. Blocked ones can not be accepted.
const (
	// Blocked problems have to be solved, or their topics left out.
	Blocked Kind = "blocked"
	// Unclean: the broker was not stopped but killed. Accepted, each log is cut at its first damaged batch that was not flushed, as
	// Apache Kafka would at its next start.
	Unclean Kind = "unclean"
	// OutOfSync: the replica was not in sync, so that it may lack acknowledged records; or whether it was is not known.
	OutOfSync Kind = "out-of-sync"
	// OpenTransactions: there is no __transaction_state, and read-committed consumers stop before a transaction that nobody ends.
	OpenTransactions Kind = "open-transactions"
	// Configs: configurations that are not acted on here. Accepted, they are left out.
	Configs Kind = "configs"
	// Missing: no partition of a topic is in the directories. Accepted, the topic is left out.
	Missing Kind = "missing"
	// Tiered: a part of the topic lies in remote storage. Accepted, what is local is imported.
	Tiered Kind = "tiered"
)

// Kinds lists the kinds that can be accepted.
func Kinds() []Kind { return []Kind{Unclean, OutOfSync, OpenTransactions, Configs, Missing, Tiered} }

// Problem is what stands against an import.
type Problem struct {
	Kind Kind `json:"kind"`
	// Topic is "" where it is not about one.
	Topic    string `json:"topic,omitempty"`
	Text     string `json:"text"`
	Accepted bool   `json:"accepted,omitempty"`
}

func (p Problem) String() string {
	if p.Topic == "" {
		return fmt.Sprintf("[%s] %s", p.Kind, p.Text)
	}
	return fmt.Sprintf("[%s] topic %s: %s", p.Kind, p.Topic, p.Text)
}

// Report tells what was, or in a dry run would be, imported.
type Report struct {
	ClusterID string `json:"clusterId"`
	NodeID    int32  `json:"nodeId"`
	// MetadataEnd is the offset behind the last metadata record that was read; -1 where there is no metadata log.
	MetadataEnd int64         `json:"metadataEnd"`
	DryRun      bool          `json:"dryRun,omitempty"`
	Imported    bool          `json:"imported"`
	Topics      []TopicReport `json:"topics"`
	ACLs        int           `json:"acls"`
	Users       []string      `json:"users,omitempty"`
	// KeptUsers have a credential here already, which stays.
	KeptUsers []string `json:"keptUsers,omitempty"`
	// Tokens is how many delegation tokens there are.
	Tokens int `json:"tokens,omitempty"`
	// Quotas is how many quotas of clients there are.
	Quotas         int              `json:"quotas,omitempty"`
	NextProducerID int64            `json:"nextProducerId"`
	Features       map[string]int16 `json:"features,omitempty"`
	// LeftOut is what there is no place for, Notes what an operator should know.
	LeftOut  []string  `json:"leftOut,omitempty"`
	Notes    []string  `json:"notes,omitempty"`
	Problems []Problem `json:"problems,omitempty"`
}

// TopicReport tells of one topic.
type TopicReport struct {
	Name       string            `json:"name"`
	ID         string            `json:"id"`
	Configs    map[string]string `json:"configs,omitempty"`
	Records    int64             `json:"records"`
	Bytes      int64             `json:"bytes"`
	Partitions []PartitionReport `json:"partitions"`
}

// PartitionReport tells of one partition.
type PartitionReport struct {
	Partition   int32  `json:"partition"`
	From        string `json:"from"`
	To          string `json:"to,omitempty"`
	StartOffset int64  `json:"startOffset"`
	EndOffset   int64  `json:"endOffset"`
	Records     int64  `json:"records"`
	Bytes       int64  `json:"bytes"`
	LeaderEpoch int32  `json:"leaderEpoch"`
	// Cut is how many bytes of an unclean log were left out.
	Cut              int64 `json:"cut,omitempty"`
	OpenTransactions int   `json:"openTransactions,omitempty"`
}

// Standing lists the problems that were not accepted.
func (r *Report) Standing() []Problem {
	var out []Problem
	for _, p := range r.Problems {
		if !p.Accepted {
			out = append(out, p)
		}
	}
	return out
}
