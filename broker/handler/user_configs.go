package handler

import (
	"fmt"
	"strconv"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/limit"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
)

// userConfig is the type of the resource that is a principal, Type:name. Apache Kafka has none of this number; its configurations need
// what those of brokers need, on the cluster.
const userConfig = kmsg.ConfigResourceType(meta.UserConfig)

// revokedNow stands for the time at which the broker takes a revocation: that of the caller's clock may be earlier, and spare what
// was made in between.
const revokedNow = "now"

// revokedDoc explains the one key of a principal.
const revokedDoc = "Sessions of the principal from before this time, in milliseconds since 1970, were ended, and tickets, tokens and certificates from before it are refused."

// unlocked is the one value of meta.LoginLocked: a lock-out can be lifted, not set.
const unlocked = "false"

// prepareUser checks a change of what is said of a principal.
func prepareUser(c *api.Call, change *configChange) (meta.ResourceChange, error) {
	prepared := meta.ResourceChange{Key: meta.ResourceKey{Type: meta.UserConfig, Name: change.key.name}}
	if change.replace {
		// It would take a revocation back that it does not name.
		return prepared, wire.Errorf(wire.InvalidRequest, "What is said of a principal is changed by IncrementalAlterConfigs.")
	}
	principal, err := auth.ParsePrincipal(change.key.name)
	if err == nil && len(change.key.name) > limit.PrincipalBytes {
		err = fmt.Errorf("a principal's name of %d bytes, at most %d are", len(change.key.name), limit.PrincipalBytes)
	}
	if err != nil {
		return prepared, wire.Errorf(wire.InvalidRequest, "%w", err)
	}
	for _, op := range change.ops {
		made := meta.ConfigOp{Op: op.op, Name: op.name}
		switch {
		case op.name != meta.RevokedBefore && op.name != meta.LoginLocked:
			return prepared, wire.Errorf(wire.InvalidConfig, "Unknown principal config name: %s", op.name)
		case op.op != meta.SetConfig && op.op != meta.DeleteConfig:
			return prepared, wire.Errorf(wire.InvalidConfig, "Can't %s to key %s because its type is not LIST.", opName(op.op), op.name)
		case op.name == meta.LoginLocked:
			made.Value, err = unlocked, mayUnlock(principal, op)
		case op.op == meta.SetConfig:
			made.Value, err = revocationTime(c, valueOf(op))
		}
		if err != nil {
			return prepared, err
		}
		prepared.Ops = append(prepared.Ops, made)
	}
	return prepared, nil
}

// mayUnlock is nil when an operation lifts lock-outs: those are of users.
func mayUnlock(of auth.Principal, op configOp) error {
	if op.op != meta.SetConfig || valueOf(op) != unlocked || of.Type != auth.UserType {
		return wire.Errorf(wire.InvalidConfig, "%s can only be set to %s, for a principal User:name", meta.LoginLocked, unlocked)
	}
	return nil
}

// revocationTime reads the time of a revocation, which is not to come.
func revocationTime(c *api.Call, value string) (string, error) {
	now := c.Received.UnixMilli()
	if value == revokedNow {
		return strconv.FormatInt(now, 10), nil
	}
	ms, err := strconv.ParseInt(value, 10, 64)
	if err != nil || ms < 1 || ms > now {
		return "", wire.Errorf(wire.InvalidConfig, "%s has to be %q or a time that is over, in milliseconds since 1970", meta.RevokedBefore, revokedNow)
	}
	return strconv.FormatInt(ms, 10), nil
}

// user shows what is said of a principal, who need not exist.
func (d *description) user(name string) ([]kmsg.DescribeConfigsResponseResourceConfig, error) {
	if _, err := auth.ParsePrincipal(name); err != nil {
		return nil, wire.Errorf(wire.InvalidRequest, "%w", err)
	}
	value, revoked := d.img.Config(meta.ResourceKey{Type: meta.UserConfig, Name: name})[meta.RevokedBefore]
	if !revoked || !d.wanted(meta.RevokedBefore) {
		return nil, nil
	}
	out := kmsg.NewDescribeConfigsResponseResourceConfig()
	out.Name, out.Value, out.ConfigType = meta.RevokedBefore, &value, kmsg.ConfigTypeLong
	if d.request.IncludeDocumentation {
		out.Documentation = kmsg.StringPtr(revokedDoc)
	}
	return []kmsg.DescribeConfigsResponseResourceConfig{out}, nil
}
