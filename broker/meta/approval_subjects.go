package meta

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/authz"
)

func (t *Topic) deletion() *Subject {
	return &Subject{
		Operation: ApproveDeleteTopics, Action: "DeleteTopic", ResourceType: authz.Topic.String(), Resource: t.Name, ResourceID: t.ID.String(),
		Right: Right{authz.Delete, authz.Topic, t.Name},
	}
}

// Watched is what was seen of a resource when a change of its configuration was prepared: whether records are kept for less long after it
// depends on the configuration of the broker too.
type Watched struct {
	// Sight is ConfigSight of the resource for the node that has prepared the change.
	Sight string `json:"sight"`
	Node  string `json:"node"`
	// Before and After have what is cut, as it is in force; empty where nothing is.
	Before map[string]string `json:"before,omitempty"`
	After  map[string]string `json:"after,omitempty"`
}

// ConfigSight changes whenever that changes which is in force of a resource's configuration on a node: another topic of the name, its
// configuration, that of the node, or that of all brokers.
func (img *Image) ConfigSight(key ResourceKey, node string) string {
	seen := struct {
		ID                      TopicID
		Resource, Node, Default map[string]string
	}{
		Resource: img.Config(key), Node: img.Config(ResourceKey{Type: BrokerConfig, Name: node}), Default: img.Config(ResourceKey{Type: BrokerConfig}),
	}
	if t := img.Topic(key.Name); t != nil && key.Type == TopicConfig {
		seen.ID = t.ID
	}
	text, err := json.Marshal(seen) // maps by rising key
	if err != nil {
		return "" // no such value can be encoded wrongly
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// cut is what a change of a configuration asks for that keeps records for less long. What is in force stands in the place of what is set.
func (c ResourceChange) cut(img *Image, before, after map[string]string) *Subject {
	s := &Subject{
		Operation: ApproveRetentionCuts, Action: "AlterConfigs", ResourceType: c.Key.Type.String(), Resource: c.Key.Name,
		Right:  Right{authz.AlterConfigs, authz.Cluster, authz.ClusterName},
		Before: maps.Clone(before), After: maps.Clone(after),
	}
	if t := img.Topic(c.Key.Name); t != nil && c.Key.Type == TopicConfig {
		s.ResourceID, s.Right = t.ID.String(), Right{authz.AlterConfigs, authz.Topic, t.Name}
	}
	maps.Copy(s.Before, c.Watched.Before)
	maps.Copy(s.After, c.Watched.After)
	return s
}

// administers reports whether to have what a binding speaks of is to be an administrator, or to be able to log in as one: ALTER on the
// cluster grants everything else, and CREATE_TOKENS on a user makes tokens of his. Where changes of policies take two persons, so does
// ALTER_CONFIGS on the cluster: an administrator could make a user who asks for a change, and approve it.
func (r *ApprovalRule) administers(b authz.Binding) bool {
	switch b.Type {
	case authz.Cluster:
		return b.Operation.Implies(authz.Alter) || r.covers(ApprovePolicyChanges) && b.Operation.Implies(authz.AlterConfigs)
	case authz.UserResource:
		return b.Operation.Implies(authz.CreateTokens)
	default:
		return false
	}
}

// administrative reports whether a binding is of a resource that administrators are made of. Where everything is allowed that has no ACL,
// whichever is the last of it opens ALTER and CREATE_TOKENS to everybody when it goes.
func administrative(b authz.Binding) bool {
	return b.Type == authz.Cluster || b.Type == authz.UserResource
}

// hasACL reports whether an ACL is there.
func (img *Image) hasACL(b authz.Binding) bool {
	_, found := img.acls.Get(aclKey(b))
	return found
}

var alterCluster = Right{authz.Alter, authz.Cluster, authz.ClusterName}

// grant is the creation of an ACL, where that makes an administrator; else nil.
func (r *ApprovalRule) grant(img *Image, b authz.Binding) *Subject {
	if !r.covers(ApproveSuperUserGrants) || b.Permission != authz.Allow || !r.administers(b) || img.hasACL(b) {
		return nil
	}
	return aclSubject("CreateAcl", b, nil, aclFields(b))
}

// loosening is the removal of an ACL, where that may make an administrator; else nil.
func (r *ApprovalRule) loosening(b authz.Binding) *Subject {
	loosens := b.Permission == authz.Deny && r.administers(b) || r != nil && r.OpenByDefault && administrative(b)
	if !r.covers(ApproveSuperUserGrants) || !loosens {
		return nil
	}
	return aclSubject("DeleteAcl", b, aclFields(b), nil)
}

func aclSubject(action string, b authz.Binding, before, after map[string]string) *Subject {
	return &Subject{
		Operation: ApproveSuperUserGrants, Action: action, ResourceType: "ACL", Resource: b.Name, Right: alterCluster, Before: before, After: after,
	}
}

// password is the setting of an administrator's password, by which one becomes him; nil of anybody else. The password is no part of it:
// a client salts it anew each time that it asks.
func (r *ApprovalRule) password(d *draft, c ScramCredential) *Subject {
	if !r.covers(ApproveSuperUserGrants) || !r.isAdministrator(d, auth.User(c.User).String()) {
		return nil
	}
	return &Subject{
		Operation: ApproveSuperUserGrants, Action: "SetScramCredential", ResourceType: "USER", Resource: c.User, Right: alterCluster, After: scramFields(c),
	}
}

// reinstatement is a change by which tickets, tokens and certificates of an administrator are good again that were revoked; else nil.
func (r *ApprovalRule) reinstatement(d *draft, key ResourceKey, before, after map[string]string) *Subject {
	if !r.covers(ApproveSuperUserGrants) || key.Type != UserConfig || revokedSince(after) >= revokedSince(before) || !r.isAdministrator(d, key.Name) {
		return nil
	}
	return &Subject{
		Operation: ApproveSuperUserGrants, Action: "Reinstate", ResourceType: key.Type.String(), Resource: key.Name,
		Right: Right{authz.AlterConfigs, authz.Cluster, authz.ClusterName}, Before: before, After: after,
	}
}

// isAdministrator reports whether a principal is a super user or an ACL makes him an administrator, from whatever host. Denials do not count:
// they may not be there tomorrow.
func (r *ApprovalRule) isAdministrator(d *draft, principal string) bool {
	if slices.Contains(r.SuperUsers, principal) {
		return true
	}
	if d.administrators == nil {
		d.administrators = r.administrators(d.img)
	}
	return d.administrators[principal] || d.administrators[auth.User(authz.Wildcard).String()]
}

// administrators are the principals whom ACLs make administrators.
func (r *ApprovalRule) administrators(img *Image) map[string]bool {
	all := map[string]bool{}
	for _, kind := range []authz.ResourceType{authz.Cluster, authz.UserResource} {
		f := authz.Filter{Type: kind, Pattern: authz.AnyPattern, Operation: authz.AnyOperation, Permission: authz.Allow}
		img.MatchingACLs(f, func(b authz.Binding) bool {
			if r.administers(b) {
				all[b.Principal] = true
			}
			return true
		})
	}
	return all
}
