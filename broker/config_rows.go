package broker

import (
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/config"
	"github.com/chronik-stream/chronik/broker/handler"
)

// configRows makes the rows of the APIs that describe and change configurations.
func configRows(c *config.Config) func(handler.MetadataLog) []api.Row {
	return func(log handler.MetadataLog) []api.Row {
		return (&handler.Configs{Metadata: log, Config: c}).Rows()
	}
}
