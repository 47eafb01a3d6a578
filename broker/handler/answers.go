package handler

import (
	"context"

	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/wire"
)

// waiting waits for what a coordinator answers; its error has a Kafka code.
type waiting = func(context.Context) (any, error)

func await(ctx context.Context, wait waiting) (any, error) {
	defer api.BeginWait(ctx).End()
	return wait(ctx)
}

// awaitAnswer waits for a coordinator's answer of type T, or a code. An answer of another type is not taken for consent.
func awaitAnswer[T any](ctx context.Context, wait waiting) (T, int16) {
	answer, err := await(ctx, wait)
	got, ok := answer.(T)
	if err == nil && !ok {
		return got, wire.UnknownServerError
	}
	return got, wire.CodeOf(err)
}

// awaitConsent waits for a coordinator whose success comes without an answer.
func awaitConsent(ctx context.Context, wait waiting) int16 {
	answer, err := await(ctx, wait)
	if err == nil && answer != nil {
		return wire.UnknownServerError
	}
	return wire.CodeOf(err)
}

// gather joins the lists of all coordinators that were asked. One that is gone has none; any other code is that of the whole.
func gather[T any](ctx context.Context, waits []waiting) ([]T, int16) {
	var all []T
	for _, wait := range waits {
		list, code := awaitAnswer[[]T](ctx, wait)
		switch code {
		case wire.None:
			all = append(all, list...)
		case wire.NotCoordinator:
		default:
			return nil, code
		}
	}
	return all, wire.None
}
