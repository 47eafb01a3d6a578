package handler

import (
	"context"
	"testing"

	"github.com/chronik-stream/chronik/broker/wire"
)

func TestAnAnswerOfAnotherTypeIsNoSuccess(t *testing.T) {
	giving := func(answer any, err error) waiting {
		return func(context.Context) (any, error) { return answer, err }
	}
	ctx := t.Context()
	failed := wire.Errorf(wire.NotCoordinator, "it has moved")
	for name, test := range map[string]struct{ got, want int16 }{
		"consent":             {awaitConsent(ctx, giving(nil, nil)), wire.None},
		"an answer instead":   {awaitConsent(ctx, giving("x", nil)), wire.UnknownServerError},
		"no consent":          {awaitConsent(ctx, giving(nil, failed)), wire.NotCoordinator},
		"an answer":           {codeOf(awaitAnswer[string](ctx, giving("x", nil))), wire.None},
		"another answer":      {codeOf(awaitAnswer[string](ctx, giving(7, nil))), wire.UnknownServerError},
		"consent instead":     {codeOf(awaitAnswer[string](ctx, giving(nil, nil))), wire.UnknownServerError},
		"no answer":           {codeOf(awaitAnswer[string](ctx, giving(nil, failed))), wire.NotCoordinator},
		"a list":              {codeOf(gather[int](ctx, []waiting{giving([]int{1}, nil), giving(nil, failed)})), wire.None},
		"another list":        {codeOf(gather[int](ctx, []waiting{giving([]int{1}, nil), giving([]string{"x"}, nil)})), wire.UnknownServerError},
		"a list that is late": {codeOf(gather[int](ctx, []waiting{giving(nil, wire.Errorf(wire.CoordinatorLoadInProgress, "later"))})), wire.CoordinatorLoadInProgress},
	} {
		if test.got != test.want {
			t.Errorf("%s: %s, want %s", name, wire.CodeName(test.got), wire.CodeName(test.want))
		}
	}
}

func codeOf[T any](_ T, code int16) int16 { return code }
