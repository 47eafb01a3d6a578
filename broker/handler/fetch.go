package handler

import (
	"context"
	"math"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/fetchsession"
	"github.com/chronik-stream/chronik/broker/limit"
	"github.com/chronik-stream/chronik/broker/replica"
	"github.com/chronik-stream/chronik/broker/wire"
)

const (
	// fetchSessions is the version from which there are fetch sessions (KIP-227), fetchTopicIDs that from which topics are named
	// by id, fetchZstd that from which zstd is known.
	fetchSessions = 7
	fetchZstd     = 10
	fetchTopicIDs = 13
	readCommitted = 1
)

// fetch is API 1, versions 4-18. A consumer waits until MinBytes have come or MaxWait has passed; the first batch is given even
// when it is larger than the limits. From version 13 on the answer names topics by id alone.
func (r *Records) fetch() api.Row {
	return api.Spec[*kmsg.FetchRequest, *fetchScope]{
		Row:     api.Row{Key: 1, Name: "Fetch", Min: 4, Max: 18, Gate: api.Authenticated, MaxBytes: fetchFrame, Recheck: true},
		Resolve: r.resolveFetch,
		Needs: func(_ *api.Call, _ *kmsg.FetchRequest, plan *fetchScope) authz.Needs {
			if plan.follower {
				return authz.Needs{Each: []authz.Need{{Op: authz.ClusterAction, On: authz.TheCluster()}}}
			}
			return authz.Needs{Each: topicNeeds(authz.Read, plan.names)}
		},
		Refuse: refuseFetch,
		Handle: r.handleFetch,
	}.Build()
}

// fetchScope is what a request asks with its session taken into account.
type fetchScope struct {
	fetch *fetchsession.Fetch
	err   error
	// names has the name of each partition's topic, "" where the id is unknown.
	names []string
	// byID says that the answer names topics by their ids, follower that a broker asks.
	byID, follower bool
}

func (r *Records) resolveFetch(c *api.Call, q *kmsg.FetchRequest) *fetchScope {
	plan := &fetchScope{byID: q.Version >= fetchTopicIDs, follower: q.ReplicaID >= 0 || q.ReplicaState.ID >= 0}
	s := fetchsession.Request{
		Principal: c.Session.Principal, SessionID: q.SessionID, Epoch: q.SessionEpoch, ByID: plan.byID, Wanted: wantedOf(q),
	}
	if q.Version < fetchSessions {
		s.SessionID, s.Epoch = 0, -1
	}
	for i := range q.ForgottenTopics {
		f := &q.ForgottenTopics[i]
		for _, p := range f.Partitions {
			s.Forgotten = append(s.Forgotten, fetchsession.Key{Topic: f.Topic, TopicID: f.TopicID, Partition: p})
		}
	}
	plan.fetch, plan.err = r.Sessions.Begin(s)
	if plan.err != nil {
		return plan
	}
	img := r.Image()
	plan.names = make([]string, len(plan.fetch.Wanted))
	for i := range plan.fetch.Wanted {
		plan.names[i] = nameOf(img, plan.fetch.Wanted[i].Topic, plan.fetch.Wanted[i].TopicID)
	}
	return plan
}

// wantedOf lists the partitions that a request names, each once: as in Apache Kafka the last mention counts, and an answer must not
// grow by repeating the question.
func wantedOf(q *kmsg.FetchRequest) []fetchsession.Wanted {
	n := 0
	for i := range q.Topics {
		n += len(q.Topics[i].Partitions)
	}
	out := make([]fetchsession.Wanted, 0, n)
	places := make(map[fetchsession.Key]int, n)
	for i := range q.Topics {
		t := &q.Topics[i]
		for j := range t.Partitions {
			p := &t.Partitions[j]
			w := fetchsession.Wanted{
				Key:    fetchsession.Key{Topic: t.Topic, TopicID: t.TopicID, Partition: p.Partition},
				Offset: p.FetchOffset, MaxBytes: p.PartitionMaxBytes,
				CurrentLeaderEpoch: p.CurrentLeaderEpoch, LastFetchedEpoch: p.LastFetchedEpoch,
			}
			if at, again := places[w.Key]; again {
				out[at] = w
				continue
			}
			places[w.Key] = len(out)
			out = append(out, w)
		}
	}
	return out
}

func (r *Records) handleFetch(ctx context.Context, c *api.Call, q *kmsg.FetchRequest, plan *fetchScope) api.Answer {
	if plan.err != nil {
		resp := q.ResponseKind().(*kmsg.FetchResponse)
		resp.ErrorCode = wire.CodeOf(plan.err)
		return api.Now(resp)
	}
	f := &fetching{records: r, call: c, q: q, plan: plan, committed: q.IsolationLevel == readCommitted}
	f.window = r.Quotas.FetchWindow(c.Session.Principal.Name, c.ClientID, math.MaxInt32)
	f.results = make([]fetched, len(plan.fetch.Wanted))
	made := false
	defer func() {
		if !made { // a fault must not keep what all fetches share
			f.hold(0)
		}
	}()
	f.poll(ctx)
	throttle, send := r.Quotas.Fetched(c.Session.Principal.Name, c.ClientID, f.size())
	if !send {
		return api.Answer{Response: f.throttled(), Throttle: throttle}
	}
	answer := api.Answer{Response: f.response(), Throttle: throttle, Sent: func() { f.hold(0) }}
	made = true
	return answer
}

// fetching is one fetch on its way.
type fetching struct {
	records   *Records
	call      *api.Call
	q         *kmsg.FetchRequest
	plan      *fetchScope
	committed bool
	results   []fetched
	bytes     int
	failed    bool
	// window is the most that the client's quota lets one answer have.
	window int32
	// most is what the last reading was limited to, held what of the memory for all fetches is this one's.
	most, held int
}

// fetched is what was found of one partition.
type fetched struct {
	part *replica.Replica
	data []byte
	// aborted are the aborted transactions that have records in data, where the fetcher leaves them out.
	aborted   []kmsg.FetchResponseTopicPartitionAbortedTransaction
	end       int64 // of what the fetcher may see
	err       error
	told      fetchsession.Told
	diverging *kmsg.FetchResponseTopicPartitionDivergingEpoch
}

// poll reads until there is enough, or time is up.
func (f *fetching) poll(ctx context.Context) {
	f.read()
	if f.enough() || f.q.MaxWaitMillis <= 0 {
		return
	}
	timer := time.NewTimer(f.wait())
	defer timer.Stop()
	s := replica.NewSignal()
	for !f.enough() {
		f.await(s)
		more := f.sleep(ctx, s, timer.C)
		f.forget(s)
		if !more {
			return
		}
		f.read()
	}
}

// sleep waits for a signal, and reports whether it came before the end of the wait.
func (f *fetching) sleep(ctx context.Context, s replica.Signal, end <-chan time.Time) bool {
	defer api.BeginWait(ctx).End()
	select {
	case <-s:
		return true
	case <-end:
	case <-f.records.Draining:
	case <-ctx.Done():
	}
	return false
}

// wait is how long the fetch may wait for records. It does not outlive its session: what comes later is for who has renewed it.
func (f *fetching) wait() time.Duration {
	most := min(time.Duration(f.q.MaxWaitMillis)*time.Millisecond, limit.FetchWait)
	if end := f.call.Session.Expires; !end.IsZero() {
		most = min(most, end.Sub(f.call.Received))
	}
	return most
}

func (f *fetching) enough() bool {
	return f.failed || f.bytes >= min(int(f.q.MinBytes), max(1, f.most)) || len(f.results) == 0
}

func (f *fetching) await(s replica.Signal) {
	for i := range f.results {
		if part := f.results[i].part; part != nil {
			part.Await(s, f.results[i].told.HighWatermark+1)
		}
	}
}

func (f *fetching) forget(s replica.Signal) {
	for i := range f.results {
		if part := f.results[i].part; part != nil {
			part.Forget(s)
		}
	}
}

// read reads every partition where something is new, within the limits of the request.
func (f *fetching) read() {
	f.bytes, f.failed = 0, false
	f.most = f.allowed()
	left := f.most
	for i := range f.results {
		w, res := &f.plan.fetch.Wanted[i], &f.results[i]
		most := min(left, int(w.MaxBytes))
		if !f.stands(res, w, most) {
			*res = f.one(w, f.plan.names[i], most, f.bytes == 0)
		}
		f.failed = f.failed || res.err != nil || res.diverging != nil
		f.bytes += len(res.data)
		left -= len(res.data)
	}
	f.hold(f.bytes)
}

// allowed is how many bytes the answer may have, beside the first batch. While all answers together hold limit.FetchBytes,
// consumers go on batch by batch.
func (f *fetching) allowed() int {
	others := f.records.fetched.Load() - int64(f.held)
	return int(min(int64(min(f.q.MaxBytes, f.records.MaxFetchBytes, f.window)), max(limit.FetchBytes-others, 0)))
}

// hold counts what this fetch has of the memory for all.
func (f *fetching) hold(bytes int) {
	f.records.fetched.Add(int64(bytes - f.held))
	f.held = bytes
}

// stands reports whether a partition would be read just as before. The high watermark may have moved all the same, where the last stable
// offset has not: what the fetch then waits for lies behind it.
func (f *fetching) stands(res *fetched, w *fetchsession.Wanted, most int) bool {
	if res.part == nil || res.err != nil || len(res.data) > max(most, 0) {
		return false
	}
	high := res.part.HighWatermark() // first, so that a marker that is confirmed meanwhile wakes the fetch
	if res.part.EndFor(f.committed) != res.end || res.part.LogStart() != res.told.LogStart || res.part.CheckEpoch(w.CurrentLeaderEpoch) != nil {
		return false
	}
	res.told.HighWatermark = high
	return true
}

// find returns the partition to read, or why this fetcher may not.
func (f *fetching) find(w *fetchsession.Wanted, name string) (*replica.Replica, error) {
	granted, follower := f.call.Granted, f.plan.follower
	switch {
	case follower && !granted.Has(authz.ClusterAction, authz.Cluster, authz.ClusterName):
		return nil, wire.Errorf(wire.TopicAuthorizationFailed, "not authorized to read as a follower")
	case f.plan.byID && name == "":
		return nil, wire.Errorf(wire.UnknownTopicID, "this broker hosts no topic of that id")
	case !follower && !granted.Has(authz.Read, authz.Topic, name):
		return nil, wire.Errorf(wire.TopicAuthorizationFailed, "not authorized to read topic %s", name)
	}
	part, err := f.records.find(name, w.Partition, w.CurrentLeaderEpoch)
	switch {
	case err != nil:
		return nil, err
	case f.plan.byID && part.TopicID() != w.TopicID:
		return nil, wire.Errorf(wire.UnknownTopicID, "topic %s has another id now", name)
	case follower:
		return nil, wire.Errorf(wire.NotLeaderForPartition, "no other broker has a replica of %s-%d", name, w.Partition)
	}
	return part, nil
}

func (f *fetching) one(w *fetchsession.Wanted, name string, maxBytes int, minOne bool) fetched {
	part, err := f.find(w, name)
	if err != nil {
		return fetched{err: err}
	}
	out := fetched{part: part, told: fetchsession.Told{
		HighWatermark: part.HighWatermark(), LogStart: part.LogStart(), LastStable: part.LastStable(),
	}}
	if out.end = out.told.HighWatermark; f.committed {
		out.end = out.told.LastStable
	}
	if w.LastFetchedEpoch >= 0 && f.q.Version >= 12 {
		if out.diverging, out.err = divergence(part, w); out.diverging != nil || out.err != nil {
			return out
		}
	}
	if f.committed {
		out.readCommitted(w.Offset, maxBytes, minOne)
	} else {
		out.data, out.err = part.Read(w.Offset, maxBytes, minOne, nil)
	}
	if len(out.data) == 0 {
		out.data = nil // what was read to find no whole batch is not kept while the fetch waits
	}
	if out.err == nil && f.q.Version < fetchZstd && hasZstd(out.data) {
		out.data, out.err = nil, wire.Errorf(wire.UnsupportedCompressionType, "zstd needs Fetch version 10")
	}
	return out
}

// readCommitted reads what a read-committed consumer may see.
func (f *fetched) readCommitted(offset int64, maxBytes int, minOne bool) {
	data, aborted, err := f.part.ReadCommitted(offset, maxBytes, minOne, nil)
	f.data, f.err = data, err
	for _, t := range aborted {
		one := kmsg.NewFetchResponseTopicPartitionAbortedTransaction()
		one.ProducerID, one.FirstOffset = t.ProducerID, t.FirstOffset
		f.aborted = append(f.aborted, one)
	}
}
