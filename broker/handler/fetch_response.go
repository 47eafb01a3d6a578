package handler

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/fetchsession"
	"github.com/chronik-stream/chronik/broker/record"
	"github.com/chronik-stream/chronik/broker/replica"
	"github.com/chronik-stream/chronik/broker/wire"
)

// response builds the answer of what was fetched: in a session only what is news.
func (f *fetching) response() kmsg.Response {
	resp := f.q.ResponseKind().(*kmsg.FetchResponse)
	resp.SessionID = f.plan.fetch.SessionID()
	places := make(map[fetchsession.Key]int, 4)
	for i := range f.results {
		res, w := &f.results[i], &f.plan.fetch.Wanted[i]
		if !f.plan.fetch.Tell(w.Key, res.told, len(res.data) > 0, res.err != nil || res.diverging != nil) {
			continue
		}
		topic := fetchsession.Key{Topic: w.Topic, TopicID: w.TopicID}
		at, known := places[topic]
		if !known {
			at = len(resp.Topics)
			places[topic] = at
			t := kmsg.NewFetchResponseTopic()
			t.Topic, t.TopicID = w.Topic, w.TopicID
			resp.Topics = append(resp.Topics, t)
		}
		resp.Topics[at].Partitions = append(resp.Topics[at].Partitions, res.partition(w.Partition))
	}
	return resp
}

func (res *fetched) partition(number int32) kmsg.FetchResponseTopicPartition {
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
	if res.diverging != nil {
		out.DivergingEpoch = *res.diverging
	}
	return out
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
