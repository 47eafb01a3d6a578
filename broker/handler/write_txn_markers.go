package handler

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/coordinator"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/txn"
	"github.com/chronik-stream/chronik/broker/wire"
)

const (
	// markerVersions is the first version of WriteTxnMarkers that says by which transaction.version a transaction ended.
	markerVersions = 2
	// markerTimeout bounds how long a client waits for markers (request.timeout.ms of Apache Kafka's brokers).
	markerTimeout = 30 * time.Second
)

// writeTxnMarkers is API 27, versions 1-2: an operator ends a hanging transaction by it (KIP-664). What a client ends by hand is in the
// audit log before it is done; the coordinators of this broker do not come by here.
func (t *Transactions) writeTxnMarkers() api.Row {
	return api.Spec[*kmsg.WriteTxnMarkersRequest, struct{}]{
		Row: api.Row{Key: 27, Name: "WriteTxnMarkers", Min: 1, Max: 2, Gate: api.Authenticated, MaxBytes: transactionFrame},
		Needs: func(*api.Call, *kmsg.WriteTxnMarkersRequest, struct{}) authz.Needs {
			return authz.Needs{Any: []authz.Need{
				{Op: authz.Alter, On: authz.TheCluster(), Probe: true}, {Op: authz.ClusterAction, On: authz.TheCluster()},
			}}
		},
		Refuse: func(_ *api.Call, q *kmsg.WriteTxnMarkersRequest, code int16) kmsg.Response {
			return markersAnswer(q, markersOf(q), func(int, int) int16 { return code })
		},
		Handle: t.markByHand,
	}.Build()
}

func (t *Transactions) markByHand(ctx context.Context, c *api.Call, q *kmsg.WriteTxnMarkersRequest, _ struct{}) api.Answer {
	ctx, cancel := context.WithTimeout(ctx, markerTimeout)
	defer cancel()
	markers, origin := markersOf(q), originOf(c)
	if code := intend(ctx, t.Changes, markerRecords(origin, markers, func(int, int) int16 { return wire.None })); code != wire.None {
		return api.Now(markersAnswer(q, markers, func(int, int) int16 { return code }))
	}
	codes := t.Markers.Write(ctx, markers)
	code := func(i, j int) int16 { return codes[i][j] }
	t.Changes.Done(context.WithoutCancel(ctx), markerRecords(origin, markers, code))
	return api.Now(markersAnswer(q, markers, code))
}

func markersOf(q *kmsg.WriteTxnMarkersRequest) []Marker {
	markers := make([]Marker, len(q.Markers))
	for i := range q.Markers {
		from := &q.Markers[i]
		markers[i].Marker = coordinator.Marker{
			ProducerID: from.ProducerID, Epoch: from.ProducerEpoch, Commit: from.Committed, CoordinatorEpoch: from.CoordinatorEpoch,
		}
		if q.Version >= markerVersions {
			markers[i].Level = from.TransactionVersion
		}
		for _, topic := range from.Topics {
			for _, p := range topic.Partitions {
				markers[i].Partitions = append(markers[i].Partitions, txn.TopicPartition{Topic: topic.Topic, Partition: p})
			}
		}
	}
	return markers
}

// markerRecords says for the audit log which markers were asked for, and what became of each.
func markerRecords(origin meta.Origin, markers []Marker, code func(marker, partition int) int16) []meta.AuditRecord {
	parts := changedParts{origin: origin, resourceType: authz.Topic.String()}
	for i := range markers {
		outcome := "abort"
		if markers[i].Commit {
			outcome = "commit"
		}
		text := fmt.Sprintf("%s of producer %d, epoch %d, coordinator epoch %d", outcome, markers[i].ProducerID, markers[i].Epoch, markers[i].CoordinatorEpoch)
		for j, p := range markers[i].Partitions {
			parts.add(p.Topic, partName(p.Partition), code(i, j), "", text)
		}
	}
	return parts.records
}

func markersAnswer(q *kmsg.WriteTxnMarkersRequest, markers []Marker, code func(marker, partition int) int16) kmsg.Response {
	resp := q.ResponseKind().(*kmsg.WriteTxnMarkersResponse)
	for i := range markers {
		out := kmsg.NewWriteTxnMarkersResponseMarker()
		out.ProducerID = markers[i].ProducerID
		for j, p := range markers[i].Partitions {
			if len(out.Topics) == 0 || out.Topics[len(out.Topics)-1].Topic != p.Topic {
				topic := kmsg.NewWriteTxnMarkersResponseMarkerTopic()
				topic.Topic = p.Topic
				out.Topics = append(out.Topics, topic)
			}
			one := kmsg.NewWriteTxnMarkersResponseMarkerTopicPartition()
			one.Partition, one.ErrorCode = p.Partition, code(i, j)
			last := &out.Topics[len(out.Topics)-1]
			last.Partitions = append(last.Partitions, one)
		}
		resp.Markers = append(resp.Markers, out)
	}
	return resp
}
