package main

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/authz"
)

// every is the filter that matches every ACL.
func every() authz.Filter {
	return authz.Filter{Type: authz.AnyResource, Pattern: authz.AnyPattern, Operation: authz.AnyOperation, Permission: authz.AnyPermission}
}

// describeACLs are the ACLs of a cluster that a filter matches.
func describeACLs(ctx context.Context, client *kgo.Client, f authz.Filter) ([]authz.Binding, error) {
	ctx, cancel := context.WithTimeout(ctx, clientTimeout)
	defer cancel()
	q := kmsg.NewPtrDescribeACLsRequest()
	q.ResourceType, q.ResourceName, q.ResourcePatternType = kmsg.ACLResourceType(f.Type), f.Name, kmsg.ACLResourcePatternType(f.Pattern) //nolint:gosec // small
	q.Principal, q.Host = f.Principal, f.Host
	q.Operation, q.PermissionType = kmsg.ACLOperation(f.Operation), kmsg.ACLPermissionType(f.Permission) //nolint:gosec // small
	resp, err := q.RequestWith(ctx, client)
	if err == nil {
		err = brokerError(resp.ErrorCode, resp.ErrorMessage, "DESCRIBE")
	}
	if err != nil {
		return nil, fmt.Errorf("describe ACLs: %w", err)
	}
	var all []authz.Binding
	for i := range resp.Resources {
		r := &resp.Resources[i]
		for j := range r.ACLs {
			a := &r.ACLs[j]
			b := authz.Binding{
				Type: authz.ResourceType(r.ResourceType), Name: r.ResourceName, Pattern: authz.PatternType(r.ResourcePatternType), //nolint:gosec // validated below
				Principal: a.Principal, Host: a.Host, Operation: authz.Operation(a.Operation), Permission: authz.Permission(a.PermissionType), //nolint:gosec // validated below
			}
			if err := b.Validate(); err != nil {
				return nil, fmt.Errorf("describe ACLs: the broker has one that this command does not understand: %w", err)
			}
			all = append(all, b)
		}
	}
	return all, nil
}

// createACLs adds ACLs, by one command of the metadata.
func createACLs(ctx context.Context, client *kgo.Client, acls []authz.Binding) error {
	ctx, cancel := context.WithTimeout(ctx, clientTimeout)
	defer cancel()
	q := kmsg.NewPtrCreateACLsRequest()
	for _, b := range acls {
		c := kmsg.NewCreateACLsRequestCreation()
		c.ResourceType, c.ResourceName, c.ResourcePatternType = kmsg.ACLResourceType(b.Type), b.Name, kmsg.ACLResourcePatternType(b.Pattern) //nolint:gosec // small
		c.Principal, c.Host = b.Principal, b.Host
		c.Operation, c.PermissionType = kmsg.ACLOperation(b.Operation), kmsg.ACLPermissionType(b.Permission) //nolint:gosec // small
		q.Creations = append(q.Creations, c)
	}
	resp, err := q.RequestWith(ctx, client)
	if err != nil {
		return fmt.Errorf("add ACLs: %w", err)
	}
	for i := range resp.Results {
		if err := brokerError(resp.Results[i].ErrorCode, resp.Results[i].ErrorMessage, "ALTER"); err != nil {
			return fmt.Errorf("add ACLs: %w", err)
		}
	}
	return nil
}

// deleteACLs removes these ACLs and no others, by one command of the metadata.
func deleteACLs(ctx context.Context, client *kgo.Client, acls []authz.Binding) error {
	ctx, cancel := context.WithTimeout(ctx, clientTimeout)
	defer cancel()
	q := kmsg.NewPtrDeleteACLsRequest()
	for _, b := range acls {
		f := kmsg.NewDeleteACLsRequestFilter()
		f.ResourceType, f.ResourceName, f.ResourcePatternType = kmsg.ACLResourceType(b.Type), &b.Name, kmsg.ACLResourcePatternType(b.Pattern) //nolint:gosec // small
		f.Principal, f.Host = &b.Principal, &b.Host
		f.Operation, f.PermissionType = kmsg.ACLOperation(b.Operation), kmsg.ACLPermissionType(b.Permission) //nolint:gosec // small
		q.Filters = append(q.Filters, f)
	}
	resp, err := q.RequestWith(ctx, client)
	if err != nil {
		return fmt.Errorf("remove ACLs: %w", err)
	}
	for i := range resp.Results {
		if err := brokerError(resp.Results[i].ErrorCode, resp.Results[i].ErrorMessage, "ALTER"); err != nil {
			return fmt.Errorf("remove ACLs: %w", err)
		}
	}
	return nil
}
