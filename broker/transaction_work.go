package broker

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/chronik-stream/chronik/broker/coordinator"
	"github.com/chronik-stream/chronik/broker/handler"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/replica"
	"github.com/chronik-stream/chronik/broker/txn"
	"github.com/chronik-stream/chronik/broker/wire"
)

// markerTimeout bounds one attempt to write a transaction's markers; what is missing is sent again.
const markerTimeout = 30 * time.Second

// transactionWork carries out what transaction coordinators call for.
type transactionWork struct {
	ids     *handler.ProducerIDs
	markers *handler.Markers
	image   func() *meta.Image
	metrics *transactionMetrics
	logger  *slog.Logger
}

// do carries out one call; it is shard.TransactionsConfig.Do.
func (w *transactionWork) do(ctx context.Context, _ int32, what any) any {
	switch what := what.(type) {
	case txn.WantProducerID:
		return w.producerID(ctx)
	case txn.SendMarkers:
		return w.send(ctx, &what)
	default:
		return nil
	}
}

// producerID gets an id. Clients are to come again when there is none, for which the code of a time-out is not known to all of them.
func (w *transactionWork) producerID(ctx context.Context) txn.ProducerID {
	id, err := w.ids.Next(ctx)
	code := wire.CodeOf(err)
	if err != nil {
		w.logger.Error("there is no producer id for a transactional id", "error", err)
	}
	if code == wire.RequestTimedOut {
		code = wire.CoordinatorLoadInProgress
	}
	return txn.ProducerID{ID: id, Code: code}
}

// send writes the markers of one transaction. This broker leads every partition that there is, so that none is sent to another.
func (w *transactionWork) send(ctx context.Context, what *txn.SendMarkers) txn.Marked {
	ctx, cancel := context.WithTimeout(ctx, markerTimeout)
	defer cancel()
	w.metrics.sending.Add(float64(len(what.Partitions)))
	defer w.metrics.sending.Sub(float64(len(what.Partitions)))
	marker := handler.Marker{Partitions: what.Partitions, Marker: coordinator.Marker{
		ProducerID: what.ProducerID, Epoch: what.Epoch, Commit: what.Commit, CoordinatorEpoch: what.CoordinatorEpoch,
		Level: int8(what.Level), //nolint:gosec // there are three levels
	}}
	codes := w.markers.Write(ctx, []handler.Marker{marker})[0]
	marked := make(txn.Marked, len(codes))
	for i, code := range codes {
		marked[i] = txn.MarkedPartition{TopicPartition: what.Partitions[i], Code: code, Gone: w.gone(what.Partitions[i], what.ProducerID, code)}
		w.note(what, &marked[i])
	}
	return marked
}

// gone reports whether a partition that took no marker has nothing to mark: it does not exist, or is of a topic that no transaction can
// write to, or the transaction has no record there. Apache Kafka waits for ever in the last case, to which anybody can bring it who may
// write to the topic, by a batch of the producer's id in a later epoch.
func (w *transactionWork) gone(p txn.TopicPartition, producerID int64, code int16) bool {
	switch code {
	case wire.InvalidProducerEpoch:
		part := w.markers.Partitions.Replicas.Get(p.Topic, p.Partition)
		return part != nil && !slices.ContainsFunc(part.Producers(), func(s replica.ProducerState) bool {
			return s.ID == producerID && s.TxnStart >= 0
		})
	case wire.InvalidTopicException:
		return true
	case wire.UnknownTopicOrPartition:
		topic := w.image().Topic(p.Topic)
		return topic == nil || p.Partition < 0 || int(p.Partition) >= len(topic.Partitions)
	default:
		return false
	}
}

func (w *transactionWork) note(what *txn.SendMarkers, m *txn.MarkedPartition) {
	switch {
	case m.Code == wire.None:
		w.metrics.marked.WithLabelValues(markerWritten).Inc()
		return
	case m.Gone:
		w.metrics.marked.WithLabelValues(markerGone).Inc()
	default:
		w.metrics.marked.WithLabelValues(markerRetried).Inc()
	}
	w.logger.Warn("a partition has not taken the marker of a transaction", "transactionalID", what.TransactionalID, "topic", m.Topic,
		"partition", m.Partition, "error", wire.CodeName(m.Code), "gone", m.Gone)
}
