package main

import (
	"context"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chronik-stream/chronik/authz"
)

// rulesInForce are what brokers decide by.
type rulesInForce struct {
	settings *authorizerSettings
	acls     []authz.Binding
}

// rulesOf asks for the rules in force.
func rulesOf(ctx context.Context, client *kgo.Client) (*rulesInForce, error) {
	ctx, cancel := context.WithTimeout(ctx, clientTimeout)
	defer cancel()
	settings, err := settingsOf(ctx, client)
	if err != nil {
		return nil, err
	}
	acls, err := describeACLs(ctx, client, every())
	return &rulesInForce{settings, acls}, err
}

// withClient runs something with a client that may take as long as the audit log, or the file of ACLs, is; each of its questions is bounded.
func (f *brokerFlags) withClient(ctx context.Context, run func(context.Context, *kgo.Client) error) error {
	settings, err := f.read()
	if err != nil {
		return err
	}
	client, err := f.connect(settings)
	if err != nil {
		return err
	}
	defer client.Close()
	return run(ctx, client)
}
