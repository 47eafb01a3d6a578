package handler

import (
	"context"

	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
)

// commit proposes a command of as many items, or only tries it on the image, and tells which of the items failed.
func commit(ctx context.Context, log MetadataLog, img *meta.Image, command meta.Command, items int, validateOnly bool, failed func(int, error)) {
	if items == 0 {
		return
	}
	var result meta.Result
	var err error
	if validateOnly {
		_, _, result = img.Apply(img.Index(), command)
	} else {
		result, err = log.Propose(ctx, command)
	}
	for i := range items {
		switch {
		case err != nil:
			failed(i, err)
		case result.Items[i].Code != wire.None:
			failed(i, wire.Errorf(result.Items[i].Code, "%s", result.Items[i].Message))
		}
	}
}
