package broker

import (
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/config"
	"github.com/chronik-stream/chronik/broker/handler"
)

// configRows makes the rows of the APIs that describe and change configurations.
func configRows(*config.Config) func(handler.MetadataLog) []api.Row {
	return func(handler.MetadataLog) []api.Row { return nil }
}
