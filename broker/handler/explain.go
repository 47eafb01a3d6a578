package handler

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/authz/explain"
	"github.com/chronik-stream/chronik/broker/controller"
	"github.com/chronik-stream/chronik/broker/wire"
)

// questionConfig is the type of the resource that is a question of who may do what. To ask is to DESCRIBE the cluster, as to list ACLs is.
const questionConfig = kmsg.ConfigResourceType(explain.ConfigType)

const explanationDoc = "Whether the principal may do that, and which rule decides, as JSON."

// explanation answers a question.
func (d *description) explanation(text string) ([]kmsg.DescribeConfigsResponseResourceConfig, error) {
	questions := 0
	for i := range d.request.Resources {
		if d.request.Resources[i].ResourceType == questionConfig {
			questions++
		}
	}
	if questions > 1 {
		// Each may take as long as policies do, for many hosts.
		return nil, wire.Errorf(wire.InvalidRequest, "A request asks one question at a time.")
	}
	q, err := explain.DecodeQuestion(text)
	if err != nil {
		return nil, wire.Errorf(wire.InvalidRequest, "%w", err)
	}
	answer, err := d.configs.Rules.Answer(q)
	if err != nil {
		return nil, wire.Errorf(wire.InvalidRequest, "%w", err)
	}
	value, err := answer.Encode()
	if err != nil {
		return nil, err
	}
	out := kmsg.NewDescribeConfigsResponseResourceConfig()
	out.Name, out.Value, out.ConfigType, out.ReadOnly = explain.ConfigName, &value, kmsg.ConfigTypeString, true
	if d.request.IncludeDocumentation {
		out.Documentation = kmsg.StringPtr(explanationDoc)
	}
	return []kmsg.DescribeConfigsResponseResourceConfig{out}, nil
}

// Invariant says why handlers refuse an operation to every client, whatever the rules allow; "" where they do not: see Produce, CreateTopics,
// DeleteTopics, DeleteRecords, CreatePartitions, which is all that ALTER on a topic allows, and AlterConfigs.
func Invariant(op authz.Operation, on authz.Resource) string {
	changes := op == authz.Write || op == authz.Create || op == authz.Delete || op == authz.Alter
	switch {
	case on.Type != authz.Topic:
		return ""
	case changes && controller.IsInternal(on.Name):
		return "the broker alone creates, alters, writes and deletes internal topics"
	case op == authz.AlterConfigs && on.Name == controller.AuditTopic:
		return "the broker alone configures its audit log"
	default:
		return ""
	}
}
