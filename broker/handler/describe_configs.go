package handler

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/config"
	"github.com/chronik-stream/chronik/broker/controller"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
)

// describeConfigs is API 32, versions 1-4. Version 3 adds types and documentation. Values of sensitive keys are null.
func (s *Configs) describeConfigs() api.Row {
	return api.Spec[*kmsg.DescribeConfigsRequest, *meta.Image]{
		Row:     api.Row{Key: 32, Name: "DescribeConfigs", Min: 1, Max: 4, Gate: api.Authenticated, MaxBytes: configsFrame, Recheck: true},
		Resolve: func(*api.Call, *kmsg.DescribeConfigsRequest) *meta.Image { return s.Metadata.Image() },
		Needs: func(_ *api.Call, q *kmsg.DescribeConfigsRequest, _ *meta.Image) authz.Needs {
			each := make([]authz.Need, 0, len(q.Resources))
			for i := range q.Resources {
				key := configKey{q.Resources[i].ResourceType, q.Resources[i].ResourceName}
				each = appendNeed(each, key.toDescribe(), key)
			}
			return authz.Needs{Each: each}
		},
		Refuse: func(_ *api.Call, q *kmsg.DescribeConfigsRequest, code int16) kmsg.Response {
			return s.describeAll(q, func(*kmsg.DescribeConfigsRequestResource) ([]kmsg.DescribeConfigsResponseResourceConfig, error) {
				return nil, wire.Errorf(code, "%s", excessive)
			})
		},
		Handle: func(_ context.Context, c *api.Call, q *kmsg.DescribeConfigsRequest, img *meta.Image) api.Answer {
			described := map[configKey]bool{}
			return api.Now(s.describeAll(q, func(r *kmsg.DescribeConfigsRequestResource) ([]kmsg.DescribeConfigsResponseResourceConfig, error) {
				if len(q.Resources) > configResources {
					return nil, wire.Errorf(wire.PolicyViolation, "%s", excessive)
				}
				key := configKey{r.ResourceType, r.ResourceName}
				if err := permitted(c.Granted, key.toDescribe(), key); err != nil {
					return nil, err
				}
				if described[key] {
					// All of a broker's configurations are a hundred kilobytes: an answer must not grow by repeating the question.
					return nil, wire.Errorf(wire.InvalidRequest, "Each resource must appear at most once.")
				}
				described[key] = true
				d := description{configs: s, img: img, dynamic: s.dynamic(img), request: q, resource: r, now: c.Received.UnixMilli()}
				return d.entries()
			}))
		},
	}.Build()
}

func (s *Configs) describeAll(
	q *kmsg.DescribeConfigsRequest, describe func(*kmsg.DescribeConfigsRequestResource) ([]kmsg.DescribeConfigsResponseResourceConfig, error),
) kmsg.Response {
	resp := q.ResponseKind().(*kmsg.DescribeConfigsResponse)
	for i := range q.Resources {
		out := kmsg.NewDescribeConfigsResponseResource()
		out.ResourceType, out.ResourceName = q.Resources[i].ResourceType, q.Resources[i].ResourceName
		entries, err := describe(&q.Resources[i])
		if err != nil {
			out.ErrorCode, out.ErrorMessage = wire.CodeOf(err), messageOf(err)
		}
		out.Configs = entries
		resp.Resources = append(resp.Resources, out)
	}
	return resp
}

// description makes the entries of one resource (ConfigHelper of Apache Kafka).
type description struct {
	configs  *Configs
	img      *meta.Image
	dynamic  config.Dynamic
	request  *kmsg.DescribeConfigsRequest
	resource *kmsg.DescribeConfigsRequestResource
	// now is in milliseconds since 1970.
	now int64
}

func (d *description) entries() ([]kmsg.DescribeConfigsResponseResourceConfig, error) {
	name, node := d.resource.ResourceName, d.configs.nodeName()
	switch d.resource.ResourceType {
	case kmsg.ConfigResourceTypeTopic:
		return d.topic(name)
	case kmsg.ConfigResourceTypeGroupConfig:
		if name == "" {
			return nil, wire.Errorf(wire.InvalidRequest, "Group name must not be empty")
		}
		return d.group(name), nil
	case kmsg.ConfigResourceTypeBroker:
		switch name {
		case "":
			return d.brokerDefaults(), nil
		case node:
			return d.broker(), nil
		}
		return nil, wire.Errorf(wire.InvalidRequest, "Unexpected broker id, expected %s or empty string, but received %s", node, name)
	case userConfig:
		return d.user(name)
	case questionConfig:
		return d.explanation(name)
	case approvalConfig:
		return d.approval(name)
	case kmsg.ConfigResourceTypeBrokerLogger:
		switch name {
		case "":
			return nil, wire.Errorf(wire.InvalidRequest, "Broker id must not be empty")
		case node:
			return d.loggers(), nil
		}
		return nil, wire.Errorf(wire.InvalidRequest, "Unexpected broker id, expected %s but received %s", node, name)
	default:
		return nil, wire.Errorf(wire.InvalidRequest, "Unsupported resource type: %d", d.resource.ResourceType)
	}
}

// wanted reports whether the request asks for a key; it asks for all when it names none.
func (d *description) wanted(name string) bool {
	return len(d.resource.ConfigNames) == 0 || slices.Contains(d.resource.ConfigNames, name)
}

func (d *description) topic(name string) ([]kmsg.DescribeConfigsResponseResourceConfig, error) {
	if err := controller.ValidateTopicName(name); err != nil {
		return nil, err
	}
	t := d.img.Topic(name)
	if t == nil {
		return nil, wire.Errorf(wire.UnknownTopicOrPartition, "The topic '%s' does not exist.", name)
	}
	var out []kmsg.DescribeConfigsResponseResourceConfig
	for _, key := range d.configs.Config.Table().Names(config.TopicScope) {
		if !d.wanted(key) {
			continue
		}
		if e, known := d.configs.Config.Resource(config.TopicScope, key, t.Configs, d.dynamic); known {
			out = append(out, d.entry(key, e, false))
		}
	}
	return out, nil
}

// group shows the configurations of a group, which need not exist.
func (d *description) group(name string) []kmsg.DescribeConfigsResponseResourceConfig {
	explicit := d.img.Config(meta.ResourceKey{Type: meta.GroupConfig, Name: name})
	var out []kmsg.DescribeConfigsResponseResourceConfig
	for _, key := range d.configs.Config.Table().Names(config.GroupScope) {
		if !d.wanted(key) {
			continue
		}
		if e, known := d.configs.Config.Resource(config.GroupScope, key, explicit, d.dynamic); known {
			out = append(out, d.entry(key, e, false))
		}
	}
	return out
}

// broker shows all keys of this broker, and whatever else was given, such as keys for single listeners and throttles.
func (d *description) broker() []kmsg.DescribeConfigsResponseResourceConfig {
	names := d.configs.Config.Table().Names(config.BrokerScope)
	for name := range d.configs.Config.Explicit {
		names = append(names, name)
	}
	names = slices.AppendSeq(names, maps.Keys(d.dynamic.Broker))
	names = slices.AppendSeq(names, maps.Keys(d.dynamic.Default))
	slices.Sort(names)
	var out []kmsg.DescribeConfigsResponseResourceConfig
	for _, name := range slices.Compact(names) {
		if !d.wanted(name) {
			continue
		}
		if e, known := d.configs.Config.Broker(name, d.dynamic); known {
			out = append(out, d.entry(name, e, e.Key.Update == config.ReadOnly))
		}
	}
	return out
}

// brokerDefaults shows what is set for all brokers.
func (d *description) brokerDefaults() []kmsg.DescribeConfigsResponseResourceConfig {
	var out []kmsg.DescribeConfigsResponseResourceConfig
	for _, name := range slices.Sorted(maps.Keys(d.dynamic.Default)) {
		e, known := d.configs.Config.Broker(name, config.Dynamic{Default: d.dynamic.Default})
		if !d.wanted(name) || !known {
			continue
		}
		e.Value, e.Source = d.dynamic.Default[name], config.DynamicDefaultBroker
		e.Synonyms = []config.Synonym{{Name: name, Value: e.Value, Source: e.Source}}
		out = append(out, d.entry(name, e, false))
	}
	return out
}

// loggers shows the one logger there is.
func (d *description) loggers() []kmsg.DescribeConfigsResponseResourceConfig {
	const root = "root"
	if !d.wanted(root) {
		return nil
	}
	level := strings.ToUpper(d.configs.Config.LogLevel)
	key := &config.Key{Name: root, Type: config.String, Doc: "Level of the log; chronik.log.level sets it."}
	return []kmsg.DescribeConfigsResponseResourceConfig{
		d.entry(root, config.Effective{Key: key, Value: level, Source: config.DynamicBrokerLogger}, true),
	}
}

func (d *description) entry(name string, e config.Effective, readOnly bool) kmsg.DescribeConfigsResponseResourceConfig {
	out := kmsg.NewDescribeConfigsResponseResourceConfig()
	out.Name, out.ReadOnly, out.IsSensitive = name, readOnly, e.Key.Sensitive()
	out.Source, out.ConfigType = kmsg.ConfigSource(e.Source), configTypeOf(e.Key.Type)
	if !e.Null && !out.IsSensitive {
		out.Value = &e.Value
	}
	if d.request.IncludeDocumentation {
		out.Documentation = &e.Key.Doc
	}
	if !d.request.IncludeSynonyms {
		return out
	}
	for i := range e.Synonyms {
		synonym := kmsg.NewDescribeConfigsResponseResourceConfigConfigSynonym()
		synonym.Name, synonym.Source = e.Synonyms[i].Name, kmsg.ConfigSource(e.Synonyms[i].Source)
		if !out.IsSensitive {
			synonym.Value = &e.Synonyms[i].Value
		}
		out.ConfigSynonyms = append(out.ConfigSynonyms, synonym)
	}
	return out
}

func configTypeOf(t config.Type) kmsg.ConfigType {
	switch t {
	case config.Boolean:
		return kmsg.ConfigTypeBoolean
	case config.String:
		return kmsg.ConfigTypeString
	case config.Int:
		return kmsg.ConfigTypeInt
	case config.Short:
		return kmsg.ConfigTypeShort
	case config.Long:
		return kmsg.ConfigTypeLong
	case config.Double:
		return kmsg.ConfigTypeDouble
	case config.List:
		return kmsg.ConfigTypeList
	case config.Class:
		return kmsg.ConfigTypeClass
	case config.Password:
		return kmsg.ConfigTypePassword
	default:
		return kmsg.ConfigTypeUnknown
	}
}
