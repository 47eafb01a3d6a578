package handler

import (
	"math"
	"slices"
	"strconv"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/authz/explain"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/config"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
)

const (
	// configsFrame caps the requests of this area, in bytes: every configuration of some ten thousand topics.
	configsFrame = 8 << 20
	// configResources bounds the resources of one request. An answer of all configurations with their documentation has about
	// 12 KiB a topic.
	configResources = 10_000
	// configValue is the longest value of a configuration, as in Apache Kafka (ConfigurationControlManager), in bytes.
	configValue = math.MaxInt16
)

// Configs answers the APIs that describe and change configurations and client quotas.
type Configs struct {
	Metadata MetadataLog
	Config   *config.Config
	// Rules answer questions of who may do what.
	Rules *explain.Rules
	// Approvals say what takes two persons.
	Approvals Approvals
}

// Rows are the rows of this area.
func (s *Configs) Rows() []api.Row {
	return []api.Row{
		s.describeConfigs(), s.alterConfigs(), s.incrementalAlterConfigs(), s.listConfigResources(), s.describeClientQuotas(),
		s.alterClientQuotas(),
	}
}

// configKey names a resource of a request.
type configKey struct {
	kind kmsg.ConfigResourceType
	name string
}

// on is what has to be allowed for an operation on a resource (AuthHelper and ConfigHelper of Apache Kafka).
func (k configKey) on() authz.Resource {
	switch k.kind {
	case kmsg.ConfigResourceTypeTopic:
		return authz.Resource{Type: authz.Topic, Name: k.name}
	case kmsg.ConfigResourceTypeGroupConfig:
		return authz.Resource{Type: authz.Group, Name: k.name}
	default:
		return authz.TheCluster()
	}
}

// toDescribe is the operation that describing the resource is. Who may ALTER the cluster, and so decides requests that take two persons, may
// DESCRIBE it too.
func (k configKey) toDescribe() authz.Operation {
	if k.kind == questionConfig || k.kind == approvalConfig {
		return authz.Describe
	}
	return authz.DescribeConfigs
}

// toChange is the operation that changing the resource is.
func (k configKey) toChange() authz.Operation {
	if k.kind == approvalConfig {
		return authz.Alter
	}
	return authz.AlterConfigs
}

// changeNeeds asks for the change of each resource; of a request that takes two persons, for what that asks for as well.
func changeNeeds(img *meta.Image, keys []configKey) authz.Needs {
	each := make([]authz.Need, 0, len(keys))
	for _, k := range keys {
		each = appendNeed(each, k.toChange(), k)
		if a := img.Approval(k.name); k.kind == approvalConfig && a != nil {
			each = append(each, rightOf(a))
		}
	}
	return authz.Needs{Each: each}
}

// appendNeed appends the need of an operation on a resource, unless it is the last one already.
func appendNeed(each []authz.Need, op authz.Operation, k configKey) []authz.Need {
	n := authz.Need{Op: op, On: k.on()}
	if slices.Contains(each[max(0, len(each)-1):], n) {
		return each
	}
	return append(each, n)
}

// permitted returns the error of a resource that the caller has no right to.
func permitted(g *authz.Granted, op authz.Operation, k configKey) error {
	on := k.on()
	if g.Has(op, on.Type, on.Name) {
		return nil
	}
	switch on.Type {
	case authz.Topic:
		return wire.Errorf(wire.TopicAuthorizationFailed, "Topic authorization failed.")
	case authz.Group:
		return wire.Errorf(wire.GroupAuthorizationFailed, "Group authorization failed.")
	default:
		return wire.Errorf(wire.ClusterAuthorizationFailed, "Cluster authorization failed.")
	}
}

// nodeName is this broker's id as the name of a resource.
func (s *Configs) nodeName() string { return strconv.Itoa(int(s.Config.Node.ID)) }

// dynamic is what was changed at run time and holds for this broker.
func (s *Configs) dynamic(img *meta.Image) config.Dynamic {
	return config.Dynamic{
		Broker:  img.Config(meta.ResourceKey{Type: meta.BrokerConfig, Name: s.nodeName()}),
		Default: img.Config(meta.ResourceKey{Type: meta.BrokerConfig}),
	}
}
