package handler

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/txn"
	"github.com/chronik-stream/chronik/broker/wire"
)

func TestInitProducerID(t *testing.T) {
	withTransactions(t, func(t *testing.T, x *txnBroker) {
		seen := map[int64]bool{}
		proposed := x.log.proposed
		for range producerIDBlock + 1 {
			resp := x.send(kmsg.NewPtrInitProducerIDRequest(), 5).(*kmsg.InitProducerIDResponse)
			if resp.ErrorCode != wire.None || resp.ProducerID < 0 || resp.ProducerEpoch != 0 || seen[resp.ProducerID] {
				t.Fatalf("%+v after %d ids", resp, len(seen))
			}
			seen[resp.ProducerID] = true
		}
		if n := x.log.proposed - proposed; n != 2 {
			t.Errorf("%d blocks were taken", n)
		}
		x.log.err = wire.Errorf(wire.RequestTimedOut, "no majority")
		x.area.ProducerIDs = NewProducerIDs(x.log, 1)
		if resp := x.send(kmsg.NewPtrInitProducerIDRequest(), 5).(*kmsg.InitProducerIDResponse); resp.ErrorCode != wire.RequestTimedOut {
			t.Errorf("without a metadata log: %+v", resp)
		}
	})
}

func TestInitProducerIDAsksForTheTopicOfTransactions(t *testing.T) {
	withTransactions(t, func(t *testing.T, x *txnBroker) {
		x.area.Groups.Image = meta.NewImage
		wantTxnCode(t, "init", x.init("id", 5).ErrorCode, wire.CoordinatorNotAvailable)
		if len(x.created) != 1 || x.created[0] != txn.Topic {
			t.Errorf("topics that were asked for: %v", x.created)
		}
	})
}
