package quorum

import (
	"context"
	"errors"

	"github.com/hashicorp/raft"

	"github.com/chronik-stream/chronik/broker/wire"
)

// Propose appends an entry and returns the machine's answer to it. REQUEST_TIMED_OUT says that the outcome is not known;
// NOT_CONTROLLER that this node does not lead and nothing was appended.
func (q *Quorum) Propose(ctx context.Context, data []byte) (any, error) {
	if err := q.Err(); err != nil {
		return nil, failed(err)
	}
	answer, err := await(ctx, func() (applied, error) {
		future := q.raft.Apply(frame(data), readyTimeout)
		if err := future.Error(); err != nil {
			return applied{}, err
		}
		return future.Response().(applied), nil
	})
	if err != nil {
		return nil, err
	}
	if answer.err != nil {
		return nil, failed(answer.err)
	}
	return answer.result, nil
}

func failed(err error) error {
	return wire.Errorf(wire.UnknownServerError, "the metadata log can not be followed any further: %w", err)
}

// Barrier returns when all that was committed before it is applied.
func (q *Quorum) Barrier(ctx context.Context) error {
	_, err := await(ctx, func() (struct{}, error) { return struct{}{}, q.raft.Barrier(readyTimeout).Error() })
	if err != nil {
		return err
	}
	return q.Err()
}

// await asks raft and waits for its answer or for the end of the context. The goroutine ends with the answer, which raft gives to
// everybody when it shuts down.
func await[T any](ctx context.Context, ask func() (T, error)) (T, error) {
	type reply struct {
		value T
		err   error
	}
	done := make(chan reply, 1)
	go func() {
		value, err := ask()
		done <- reply{value, err}
	}()
	select {
	case r := <-done:
		return r.value, outcome(r.err)
	case <-ctx.Done():
		var nothing T
		return nothing, wire.Errorf(wire.RequestTimedOut, "the metadata change is under way, its outcome is not known: %w", ctx.Err())
	}
}

// outcome tells apart what surely did not happen and what may have.
func outcome(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, raft.ErrNotLeader), errors.Is(err, raft.ErrEnqueueTimeout), errors.Is(err, raft.ErrLeadershipTransferInProgress):
		return wire.Errorf(wire.NotController, "this node does not lead the metadata log: %w", err)
	default:
		return wire.Errorf(wire.RequestTimedOut, "the outcome of the metadata change is not known: %w", err)
	}
}
