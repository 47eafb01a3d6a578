package broker

import (
	"github.com/chronik-stream/chronik/authz/explain"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/config"
	"github.com/chronik-stream/chronik/broker/handler"
)

// configRows makes the rows of the APIs that describe and change configurations.
func configRows(c *config.Config, approvals handler.Approvals) func(handler.MetadataLog, *explain.Rules) []api.Row {
	return func(log handler.MetadataLog, rules *explain.Rules) []api.Row {
		return (&handler.Configs{Metadata: log, Config: c, Rules: rules, Approvals: approvals}).Rows()
	}
}
