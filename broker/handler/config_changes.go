package handler

import (
	"context"
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/config"
	"github.com/chronik-stream/chronik/broker/controller"
	"github.com/chronik-stream/chronik/broker/limit"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
)

// configChange is what a request asks for one resource, by whichever of the two APIs.
type configChange struct {
	key     configKey
	replace bool
	ops     []configOp
}

type configOp struct {
	op    meta.ConfigOpType
	name  string
	value *string
}

// alter carries out what it can of a request and returns one error, or nil, for each change (ConfigAdminManager and
// ConfigurationControlManager of Apache Kafka).
func (s *Configs) alter(ctx context.Context, c *api.Call, img *meta.Image, changes []configChange, validateOnly bool) []error {
	errs := make([]error, len(changes))
	if len(changes) > configResources {
		for i := range errs {
			errs[i] = wire.Errorf(wire.PolicyViolation, "%s", excessive)
		}
		return errs
	}
	times := map[configKey]int{}
	for i := range changes {
		times[changes[i].key]++
	}
	command := &meta.AlterConfigs{Origin: originOf(c), MostPrincipals: limit.RevokedPrincipals}
	var places []int // of the command's resources among the changes
	for i := range changes {
		if times[changes[i].key] > 1 {
			errs[i] = wire.Errorf(wire.InvalidRequest, "Each resource must appear at most once.")
			continue
		}
		if changes[i].key.kind == approvalConfig {
			errs[i] = s.decide(ctx, c, img, &changes[i], validateOnly)
			continue
		}
		var prepared meta.ResourceChange
		if prepared, errs[i] = s.prepare(c, img, &changes[i]); errs[i] == nil {
			if !validateOnly && s.Approvals.Requires(meta.ApproveRetentionCuts) {
				s.watch(img, &prepared)
			}
			places = append(places, i)
			command.Resources = append(command.Resources, prepared)
		}
	}
	if !validateOnly {
		command.Approval = s.Approvals.rule(c, img)
	}
	commit(ctx, s.Metadata, img, command, len(command.Resources), validateOnly, func(i int, err error) { errs[places[i]] = err })
	return errs
}

// prepare checks one change and turns it into the command's form.
func (s *Configs) prepare(c *api.Call, img *meta.Image, change *configChange) (meta.ResourceChange, error) {
	if err := change.wellFormed(); err != nil {
		return meta.ResourceChange{}, err
	}
	if err := permitted(c.Granted, authz.AlterConfigs, change.key); err != nil {
		return meta.ResourceChange{}, err
	}
	switch change.key.kind {
	case kmsg.ConfigResourceTypeTopic:
		return s.prepareTopic(img, change)
	case kmsg.ConfigResourceTypeGroupConfig:
		if change.key.name == "" {
			return meta.ResourceChange{}, wire.Errorf(wire.InvalidRequest, "Group name must not be empty")
		}
		explicit := img.Config(meta.ResourceKey{Type: meta.GroupConfig, Name: change.key.name})
		return s.prepareResource(config.GroupScope, meta.GroupConfig, change, explicit)
	case kmsg.ConfigResourceTypeBroker:
		return s.prepareBroker(change, img.Config(meta.ResourceKey{Type: meta.BrokerConfig, Name: change.key.name}))
	case userConfig:
		return prepareUser(c, change)
	case kmsg.ConfigResourceTypeBrokerLogger:
		return meta.ResourceChange{}, wire.Errorf(wire.InvalidRequest, "The level of the log can not be changed at run time; chronik.log.level sets it.")
	default:
		return meta.ResourceChange{}, wire.Errorf(wire.InvalidRequest, "Unsupported resource type: %d", change.key.kind)
	}
}

// wellFormed checks what needs no knowledge of keys.
func (change *configChange) wellFormed() error {
	seen := map[string]bool{}
	var nulls []string
	for _, op := range change.ops {
		if seen[op.name] {
			return wire.Errorf(wire.InvalidRequest, "Error due to duplicate config keys")
		}
		seen[op.name] = true
		switch {
		case op.op < meta.SetConfig || op.op > meta.SubtractConfig:
			return wire.Errorf(wire.InvalidRequest, "Unknown operation on %s", op.name)
		case op.op != meta.DeleteConfig && op.value == nil:
			nulls = append(nulls, op.name)
		case op.value != nil && len(*op.value) > configValue:
			return wire.Errorf(wire.InvalidConfig, "The value of %s is longer than %d bytes.", op.name, configValue)
		}
	}
	if len(nulls) > 0 {
		return wire.Errorf(wire.InvalidRequest, "Null value not supported for : %s", strings.Join(nulls, ","))
	}
	return nil
}

// prepareTopic keeps the clean-up of the broker's own topics as it is: to delete from a topic that is compacted is to lose
// offsets.
func (s *Configs) prepareTopic(img *meta.Image, change *configChange) (meta.ResourceChange, error) {
	const policy = "cleanup.policy"
	t := img.Topic(change.key.name)
	if t == nil {
		return meta.ResourceChange{}, wire.Errorf(wire.UnknownTopicOrPartition, "The topic '%s' does not exist.", change.key.name)
	}
	if t.Name == controller.AuditTopic {
		return meta.ResourceChange{}, wire.Errorf(wire.PolicyViolation, "The configuration of %s is the broker's: whoever cuts its retention removes evidence.", t.Name)
	}
	if !t.Internal {
		return s.prepareResource(config.TopicScope, meta.TopicConfig, change, t.Configs)
	}
	rest := configChange{key: change.key, replace: change.replace}
	for _, op := range change.ops {
		switch {
		case op.name != policy:
			rest.ops = append(rest.ops, op)
		case op.op != meta.SetConfig || *op.value != t.Configs[policy]:
			return meta.ResourceChange{}, wire.Errorf(wire.InvalidConfig, "The %s of the internal topic %s can not be changed.", policy, t.Name)
		}
	}
	prepared, err := s.prepareResource(config.TopicScope, meta.TopicConfig, &rest, t.Configs)
	if value, set := t.Configs[policy]; set && change.replace {
		prepared.Ops = append(prepared.Ops, meta.ConfigOp{Op: meta.SetConfig, Name: policy, Value: value})
	}
	return prepared, err
}

// prepareResource checks a change of a topic or a group, of which explicit is what is set now.
func (s *Configs) prepareResource(
	scope config.Scope, kind meta.ConfigType, change *configChange, explicit map[string]string,
) (meta.ResourceChange, error) {
	prepared := meta.ResourceChange{Key: meta.ResourceKey{Type: kind, Name: change.key.name}, Replace: change.replace}
	table := s.Config.Table()
	for _, op := range change.ops {
		k := table.Key(scope, op.name)
		if k == nil && op.op == meta.DeleteConfig {
			continue // as in Apache Kafka: what is not there is not missed
		}
		if k == nil || op.op == meta.SetConfig {
			if err := table.Validate(scope, map[string]string{op.name: valueOf(op)}); err != nil {
				return prepared, wire.Errorf(wire.InvalidConfig, "%w", err)
			}
		}
		made, err := opOn(k, op)
		if err != nil {
			return prepared, err
		}
		prepared.Ops = append(prepared.Ops, made)
	}
	next := prepared.On(explicit)
	for i := range prepared.Ops {
		op := &prepared.Ops[i]
		if op.Op != meta.AppendConfig && op.Op != meta.SubtractConfig {
			continue
		}
		if err := table.Validate(scope, map[string]string{op.Name: next[op.Name]}); err != nil {
			return prepared, wire.Errorf(wire.InvalidConfig, "%w", err)
		}
	}
	if scope == config.GroupScope {
		if err := s.Config.ValidateGroup(next); err != nil {
			return prepared, wire.Errorf(wire.InvalidConfig, "%w", err)
		}
	}
	return prepared, nil
}

// prepareBroker checks a change for this broker, or for all of them, of which explicit is what is set now. Only what takes effect at run
// time may be changed.
func (s *Configs) prepareBroker(change *configChange, explicit map[string]string) (meta.ResourceChange, error) {
	prepared := meta.ResourceChange{
		Key: meta.ResourceKey{Type: meta.BrokerConfig, Name: change.key.name}, Replace: change.replace,
	}
	if name, node := change.key.name, s.nodeName(); name != "" && name != node {
		return prepared, wire.Errorf(wire.InvalidRequest, "Unexpected broker id, expected %s or empty string, but received %s", node, name)
	}
	var fixed []string
	for _, op := range change.ops {
		k := s.Config.Table().Key(config.BrokerScope, op.name)
		if k == nil || k.Update != config.ClusterWide {
			fixed = append(fixed, op.name)
			continue
		}
		made, err := opOn(k, op)
		if err != nil {
			return prepared, err
		}
		prepared.Ops = append(prepared.Ops, made)
	}
	if len(fixed) > 0 {
		return prepared, wire.Errorf(wire.InvalidRequest, "Cannot update these configs dynamically: [%s]", strings.Join(fixed, ", "))
	}
	next := prepared.On(explicit)
	for i := range prepared.Ops {
		op := &prepared.Ops[i]
		if op.Op == meta.DeleteConfig {
			continue
		}
		if _, err := s.Config.Table().Key(config.BrokerScope, op.Name).Parse(next[op.Name]); err != nil {
			return prepared, wire.Errorf(wire.InvalidRequest, "%w", err)
		}
	}
	return prepared, nil
}

// opOn turns one operation on a known key into the command's form, its value in the canonical form.
func opOn(k *config.Key, op configOp) (meta.ConfigOp, error) {
	made := meta.ConfigOp{Op: op.op, Name: op.name, Value: valueOf(op), Sensitive: k.Sensitive()}
	switch op.op {
	case meta.AppendConfig, meta.SubtractConfig:
		if k.Type != config.List {
			return made, wire.Errorf(wire.InvalidConfig, "Can't %s to key %s because its type is not LIST.", opName(op.op), op.name)
		}
		made.Base = k.Default
	case meta.SetConfig:
		if canonical, err := k.Parse(made.Value); err == nil {
			made.Value = canonical
		}
	}
	return made, nil
}

func valueOf(op configOp) string {
	if op.value == nil {
		return ""
	}
	return *op.value
}

func opName(op meta.ConfigOpType) string {
	switch op {
	case meta.SetConfig:
		return "SET"
	case meta.DeleteConfig:
		return "DELETE"
	case meta.AppendConfig:
		return "APPEND"
	case meta.SubtractConfig:
		return "SUBTRACT"
	default:
		return fmt.Sprintf("operation %d", op)
	}
}
