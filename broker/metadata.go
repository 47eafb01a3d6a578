package broker

import (
	"context"

	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/quorum"
	"github.com/chronik-stream/chronik/broker/wire"
)

// metadataLog is the store with the log that drives it, as handlers use it.
type metadataLog struct {
	*meta.Store
	quorum *quorum.Quorum
	// room says, with an error, that the disk has none for another entry; nil always has.
	room func() error
}

// Propose returns when the command is committed and applied here.
func (m *metadataLog) Propose(ctx context.Context, c meta.Command) (meta.Result, error) {
	data, err := meta.Encode(c)
	if err != nil {
		return meta.Result{}, err
	}
	if m.room != nil {
		if err := m.room(); err != nil {
			return meta.Result{}, err
		}
	}
	wait := api.BeginWait(ctx)
	answer, err := m.quorum.Propose(ctx, data)
	wait.End()
	if err != nil {
		return meta.Result{}, err
	}
	result, ok := answer.(meta.Result)
	if !ok {
		return meta.Result{}, wire.Errorf(wire.UnknownServerError, "the metadata log answered with a %T", answer)
	}
	return result, nil
}
