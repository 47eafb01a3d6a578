package handler

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/fetchsession"
	"github.com/chronik-stream/chronik/broker/record"
	"github.com/chronik-stream/chronik/broker/replica"
	"github.com/chronik-stream/chronik/broker/wire"
)

// fetchNodes is the first version of Fetch that says where the leaders are reached (KIP-951). Older clients end on the field.
const fetchNodes = 16

// response builds the answer of what was fetched: in a session only what is news.
func (f *fetching) response() kmsg.Response {
	resp := f.q.ResponseKind().(*kmsg.FetchResponse)
	resp.SessionID = f.plan.fetch.SessionID()
	for i := range f.results {
		res, w := &f.results[i], &f.plan.fetch.Wanted[i]
		if !f.plan.fetch.Tell(w.Key, res.told, len(res.data) > 0, res.err != nil || res.diverging != nil) {
			continue
		}
		out := f.partition(res, w.Partition)
		if l, ok := f.records.leaderAfter(out.ErrorCode, f.call.Conn.Listener, f.plan.names[i], w.Partition); ok {
			out.CurrentLeader.LeaderID, out.CurrentLeader.LeaderEpoch = l.id, l.epoch
			if f.q.Version >= fetchNodes {
				tellNode(resp, &l)
			}
		}
		addPartition(resp, w, &out)
	}
	return resp
}

// What an answer to a fetch has besides records, in bytes, near enough for a quota.
const (
	fetchOverhead     = 24
	partitionOverhead = 64
)

// size is about how large the answer is.
func (f *fetching) size() int {
	size := fetchOverhead + f.bytes
	for i := range f.results {
		if len(f.results[i].data) > 0 {
			size += partitionOverhead
		}
	}
	return size
}

// throttled is the answer to a client that is over its quota: it has no partitions. A session that such an answer would begin ends, as
// the client takes it for none; any other stays as it is.
func (f *fetching) throttled() kmsg.Response {
	resp := f.q.ResponseKind().(*kmsg.FetchResponse)
	if f.plan.fetch.Full {
		f.records.Sessions.Forget(f.plan.fetch)
		return resp
	}
	resp.SessionID = f.plan.fetch.SessionID()
	return resp
}

func (f *fetching) partition(res *fetched, number int32) kmsg.FetchResponseTopicPartition {
	out := kmsg.NewFetchResponseTopicPartition()
	out.Partition = number
	out.RecordBatches = []byte{}
	if res.err != nil {
		out.ErrorCode = wire.CodeOf(res.err)
		out.HighWatermark, out.LastStableOffset, out.LogStartOffset = -1, -1, -1
		return out
	}
	out.HighWatermark, out.LastStableOffset, out.LogStartOffset = res.told.HighWatermark, res.told.LastStable, res.told.LogStart
	if res.data != nil {
		out.RecordBatches = res.data
	}
	if f.committed { // none is an empty list and not null, which means "all is shown"
		out.AbortedTransactions = append([]kmsg.FetchResponseTopicPartitionAbortedTransaction{}, res.aborted...)
	}
	if res.diverging != nil {
		out.DivergingEpoch = *res.diverging
	}
	return out
}

func tellNode(resp *kmsg.FetchResponse, l *leader) {
	for i := range resp.Brokers {
		if resp.Brokers[i].NodeID == l.id {
			return
		}
	}
	node := kmsg.NewFetchResponseBroker()
	node.NodeID, node.Host, node.Port, node.Rack = l.id, l.endpoint.Host, l.endpoint.Port, l.rack()
	resp.Brokers = append(resp.Brokers, node)
}

// refuseFetch refuses a request whole, or, when a right is lost while it waits, the partitions that it is lost for: the others
// are left without records this time.
func refuseFetch(c *api.Call, q *kmsg.FetchRequest, code int16) kmsg.Response {
	resp := q.ResponseKind().(*kmsg.FetchResponse)
	plan, resolved := c.Resolved.(*fetchScope)
	if code != wire.TopicAuthorizationFailed || !resolved || plan.err != nil {
		resp.ErrorCode = code
		return resp
	}
	resp.SessionID = plan.fetch.SessionID()
	for i := range plan.fetch.Wanted {
		w := &plan.fetch.Wanted[i]
		out := kmsg.NewFetchResponseTopicPartition()
		out.Partition, out.HighWatermark, out.RecordBatches = w.Partition, -1, []byte{}
		plan.fetch.Tell(w.Key, fetchsession.Told{}, false, true) // whatever an answer that is not sent would have told
		if denied := plan.names[i] != "" && !c.Granted.Has(authz.Read, authz.Topic, plan.names[i]); denied {
			out.ErrorCode = code
		} else if !plan.fetch.Full {
			continue
		}
		addPartition(resp, w, &out)
	}
	return resp
}

// addPartition adds to the answer. As in Apache Kafka a topic comes again where its partitions do not follow each other.
func addPartition(resp *kmsg.FetchResponse, w *fetchsession.Wanted, out *kmsg.FetchResponseTopicPartition) {
	last := len(resp.Topics) - 1
	if last < 0 || resp.Topics[last].Topic != w.Topic || resp.Topics[last].TopicID != w.TopicID {
		t := kmsg.NewFetchResponseTopic()
		t.Topic, t.TopicID = w.Topic, w.TopicID
		resp.Topics = append(resp.Topics, t)
		last++
	}
	resp.Topics[last].Partitions = append(resp.Topics[last].Partitions, *out)
}

// divergence says where the fetcher's log and this one part (KIP-595): the fetcher names the epoch of the record before its
// offset, and this log has another one there.
func divergence(part *replica.Replica, w *fetchsession.Wanted) (*kmsg.FetchResponseTopicPartitionDivergingEpoch, error) {
	end := part.EndOffsetFor(w.LastFetchedEpoch)
	if end.Epoch < 0 || end.EndOffset < 0 || w.Offset < part.LogStart() {
		return nil, wire.Errorf(wire.OffsetOutOfRange, "epoch %d of %s-%d is not known", w.LastFetchedEpoch, part.Topic(), part.Partition())
	}
	if end.Epoch >= w.LastFetchedEpoch && end.EndOffset >= w.Offset {
		return nil, nil
	}
	out := kmsg.NewFetchResponseTopicPartitionDivergingEpoch()
	out.Epoch, out.EndOffset = end.Epoch, end.EndOffset
	return &out, nil
}

func hasZstd(data []byte) bool {
	found := false
	record.Batches(data, func(b record.Batch) bool {
		found = b.Codec() == record.Zstd
		return !found
	})
	return found
}
