//go:build interop

package interop

import (
	"github.com/twmb/franz-go/pkg/kmsg"
)

// configResources are what has configurations: the kind, a name, and the resource that rights are on.
var configResources = []struct {
	what, on string
	kind     kmsg.ConfigResourceType
	name     string
	key      string
	value    string
}{
	{"a topic", "topic cashbook", kmsg.ConfigResourceTypeTopic, cashbook, "retention.ms", "1000000"},
	{"a group", "group tellers", kmsg.ConfigResourceTypeGroupConfig, tellers, "consumer.session.timeout.ms", "50000"},
	{"a broker", "cluster", kmsg.ConfigResourceTypeBroker, "1", "log.retention.ms", "1000000"},
	{"all brokers", "cluster", kmsg.ConfigResourceTypeBroker, "", "log.retention.ms", "1000000"},
}

// configCases are about configurations and quotas.
func configCases() []tried {
	var out []tried
	for _, r := range configResources {
		out = append(out,
			tried{name: "DescribeConfigs of " + r.what, version: 4, request: func(*world) kmsg.Request {
				return &kmsg.DescribeConfigsRequest{Resources: []kmsg.DescribeConfigsRequestResource{
					{ResourceType: r.kind, ResourceName: r.name, ConfigNames: []string{r.key}},
				}}
			}, needs: []string{"DESCRIBE_CONFIGS " + r.on}, also: []string{"ALTER_CONFIGS " + r.on, "DESCRIBE " + r.on, "READ " + r.on}},
			tried{name: "IncrementalAlterConfigs of " + r.what, version: 1, request: func(*world) kmsg.Request {
				return &kmsg.IncrementalAlterConfigsRequest{ValidateOnly: true, Resources: []kmsg.IncrementalAlterConfigsRequestResource{{
					ResourceType: r.kind, ResourceName: r.name,
					Configs: []kmsg.IncrementalAlterConfigsRequestResourceConfig{{Name: r.key, Value: &r.value}},
				}}}
			}, needs: []string{"ALTER_CONFIGS " + r.on}, also: []string{"ALTER " + r.on, "DESCRIBE_CONFIGS " + r.on}},
			tried{name: "AlterConfigs of " + r.what, version: 2, request: func(*world) kmsg.Request {
				return &kmsg.AlterConfigsRequest{ValidateOnly: true, Resources: []kmsg.AlterConfigsRequestResource{{
					ResourceType: r.kind, ResourceName: r.name, Configs: []kmsg.AlterConfigsRequestResourceConfig{{Name: r.key, Value: &r.value}},
				}}}
			}, needs: []string{"ALTER_CONFIGS " + r.on}, also: []string{"ALTER " + r.on, "DESCRIBE_CONFIGS " + r.on}})
	}
	return append(out, mixedConfigCases()...)
}

func mixedConfigCases() []tried {
	return []tried{
		{name: "DescribeConfigs of two topics and the broker", version: 4, request: func(*world) kmsg.Request {
			return &kmsg.DescribeConfigsRequest{Resources: []kmsg.DescribeConfigsRequestResource{
				{ResourceType: kmsg.ConfigResourceTypeTopic, ResourceName: cashbook},
				{ResourceType: kmsg.ConfigResourceTypeTopic, ResourceName: vault},
				{ResourceType: kmsg.ConfigResourceTypeBroker, ResourceName: "1"},
			}}
		}, needs: []string{"DESCRIBE_CONFIGS topic cashbook"}, also: []string{"DESCRIBE_CONFIGS cluster"}},
		{name: "DescribeConfigs of what is not there", version: 4, request: func(*world) kmsg.Request {
			return &kmsg.DescribeConfigsRequest{Resources: []kmsg.DescribeConfigsRequestResource{{ResourceType: kmsg.ConfigResourceTypeTopic, ResourceName: "nowhere"}}}
		}, needs: []string{"DESCRIBE_CONFIGS topic nowhere"}},
		{name: "DescribeConfigs of client metrics", version: 4, request: func(*world) kmsg.Request {
			return &kmsg.DescribeConfigsRequest{Resources: []kmsg.DescribeConfigsRequestResource{{ResourceType: kmsg.ConfigResourceTypeClientMetrics, ResourceName: "gauges"}}}
		}, needs: []string{"DESCRIBE_CONFIGS cluster"}},
		{name: "DescribeConfigs of a logger", version: 4, request: func(*world) kmsg.Request {
			return &kmsg.DescribeConfigsRequest{Resources: []kmsg.DescribeConfigsRequestResource{{ResourceType: kmsg.ConfigResourceTypeBrokerLogger, ResourceName: "1"}}}
		}, needs: []string{"DESCRIBE_CONFIGS cluster"}},
		{name: "IncrementalAlterConfigs of two topics", version: 1, request: func(*world) kmsg.Request {
			q := &kmsg.IncrementalAlterConfigsRequest{ValidateOnly: true}
			for _, name := range []string{cashbook, vault} {
				q.Resources = append(q.Resources, kmsg.IncrementalAlterConfigsRequestResource{ResourceType: kmsg.ConfigResourceTypeTopic, ResourceName: name})
			}
			return q
		}, needs: []string{"ALTER_CONFIGS topic cashbook"}},
		{
			name: "ListConfigResources of client metrics", version: 0, request: func(*world) kmsg.Request { return &kmsg.ListConfigResourcesRequest{} },
			needs: []string{"DESCRIBE_CONFIGS cluster"}, also: []string{"DESCRIBE cluster"},
		},
		{name: "ListConfigResources of topics", version: 1, request: func(*world) kmsg.Request {
			return &kmsg.ListConfigResourcesRequest{ResourceTypes: []int8{int8(kmsg.ConfigResourceTypeTopic)}}
		}, also: []string{"DESCRIBE_CONFIGS topic cashbook", "DESCRIBE cluster"}},
		{
			name: "DescribeClientQuotas", version: 1, request: func(*world) kmsg.Request { return &kmsg.DescribeClientQuotasRequest{} },
			needs: []string{"DESCRIBE_CONFIGS cluster"}, also: []string{"DESCRIBE cluster", "ALTER_CONFIGS cluster"},
		},
		{name: "AlterClientQuotas", version: 1, request: func(*world) kmsg.Request {
			return &kmsg.AlterClientQuotasRequest{ValidateOnly: true, Entries: []kmsg.AlterClientQuotasRequestEntry{{
				Entity: []kmsg.AlterClientQuotasRequestEntryEntity{{Type: "user", Name: kmsg.StringPtr(warden)}},
				Ops:    []kmsg.AlterClientQuotasRequestEntryOp{{Key: "producer_byte_rate", Value: 1 << 20}},
			}}}
		}, needs: []string{"ALTER_CONFIGS cluster"}, also: []string{"ALTER cluster", "DESCRIBE_CONFIGS cluster"}},
	}
}
