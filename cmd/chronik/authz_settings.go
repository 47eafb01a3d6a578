package main

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/authz/acl"
	"github.com/chronik-stream/chronik/broker/config"
)

// authorizerSettings are what brokers decide by beside ACLs.
type authorizerSettings struct {
	rules acl.Config
	mode  config.AuthorizerMode
}

// settingsOf are the settings of a cluster's brokers. An answer without the super users would be wrong, so that not to be allowed to see them is an
// error; so is it when the brokers are not of one mind.
func settingsOf(ctx context.Context, client *kgo.Client) (*authorizerSettings, error) {
	admin := kadm.NewClient(client)
	brokers, err := admin.ListBrokers(ctx)
	if err != nil {
		return nil, fmt.Errorf("list the brokers: %w", err)
	}
	configs, err := admin.DescribeBrokerConfigs(ctx, brokers.NodeIDs()...)
	if err != nil {
		return nil, fmt.Errorf("describe the brokers, whose super users have to be known (DESCRIBE_CONFIGS on the cluster): %w", err)
	}
	var all *authorizerSettings
	for _, of := range configs {
		if of.Err != nil {
			return nil, fmt.Errorf("describe broker %s, whose super users have to be known (DESCRIBE_CONFIGS on the cluster): %w", of.Name, of.Err)
		}
		s, err := settingsFrom(of.Configs)
		if err != nil {
			return nil, fmt.Errorf("broker %s: %w", of.Name, err)
		}
		if all != nil && !reflect.DeepEqual(all, s) {
			return nil, errors.New("the brokers have different super users, or different settings of the authorizer: ask none of them before they are the same")
		}
		all = s
	}
	if all == nil {
		return nil, errors.New("describe the brokers: there is none")
	}
	return all, nil
}

func settingsFrom(configs []kadm.Config) (*authorizerSettings, error) {
	s := &authorizerSettings{mode: config.ModeACL, rules: acl.Config{SuperUsersBy: map[string][]auth.Principal{}}}
	for i := range configs {
		key, value := configs[i].Key, configs[i].MaybeValue()
		listener, ofListener := strings.CutSuffix(key, ".super.users")
		var err error
		switch {
		case key == "super.users":
			s.rules.SuperUsers, err = principalsIn(value)
		case ofListener && value != "":
			// Listeners' names are in upper case, but in keys.
			s.rules.SuperUsersBy[strings.ToUpper(strings.TrimPrefix(listener, "listener.name."))], err = principalsIn(value)
		case key == "allow.everyone.if.no.acl.found":
			s.rules.AllowIfNoACL = value == "true"
		case key == "chronik.authorizer.mode":
			s.mode = config.AuthorizerMode(value)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
	}
	return s, nil
}

// principalsIn reads super.users.
func principalsIn(value string) ([]auth.Principal, error) {
	var all []auth.Principal
	for text := range strings.SplitSeq(value, ";") {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		p, err := auth.ParsePrincipal(text)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

// modeNote says what else decides, "" for nothing.
func (s *authorizerSettings) modeNote() string {
	switch s.mode {
	case config.ModeACL:
		return ""
	case config.ModeOPA:
		return "chronik.authorizer.mode is opa: policies decide about everybody whom no ACL denies, and no ACL allows anything. Ask about one principal by chronik authz explain."
	case config.ModeBoth:
		return "chronik.authorizer.mode is acl+opa: policies decide further, and may deny what is allowed here. Ask about one principal by chronik authz explain."
	case config.ModeShadow:
		return "chronik.authorizer.mode is shadow: policies are asked too, and change nothing."
	default:
		return fmt.Sprintf("chronik.authorizer.mode is %s, which this command does not know.", shown(string(s.mode)))
	}
}
