package ldap

import (
	"errors"
	"strings"
	"testing"
)

func TestConfigThatWouldNotBeSafeIsRefused(t *testing.T) {
	good := Config{URL: "ldaps://ldap.example.com", BindTemplate: "uid=%s,ou=people,dc=example"}
	search := Config{URL: "ldap://[::1]:389", SearchBase: "dc=example", SearchFilter: "(&(objectClass=person)(uid=%s))", BindDN: "cn=a", BindPassword: "secret"}
	for _, c := range []Config{good, search, {URL: "ldap://ldap.example.com:1389/", StartTLS: true, SearchBase: "dc=example", SearchFilter: "(uid=%s)"}} {
		if err := c.Check(); err != nil {
			t.Errorf("%+v: %v", c, err)
		}
	}
	with := func(c Config, change func(*Config)) Config { change(&c); return c }
	for want, c := range map[string]Config{
		"without TLS":                  with(good, func(c *Config) { c.URL = "ldap://ldap.example.com" }),
		"allowed are ldaps":            with(good, func(c *Config) { c.URL = "https://ldap.example.com" }),
		"form ldaps://host:port":       with(good, func(c *Config) { c.URL = "ldaps://admin:secret@ldap.example.com" }),
		"found by search.base":         {URL: good.URL},
		"or found by":                  with(search, func(c *Config) { c.BindTemplate = good.BindTemplate }),
		"are for searches":             with(good, func(c *Config) { c.BindDN = "cn=a" }),
		"ATTRIBUTE=%s,... with one %s": with(good, func(c *Config) { c.BindTemplate = "uid=%s,cn=%s,dc=example" }),
		"ATTRIBUTE=%s,...":             with(good, func(c *Config) { c.BindTemplate = "%s@example.com" }),
		"(ATTRIBUTE=%s) once":          with(search, func(c *Config) { c.SearchFilter = "(uid=a%s)" }),
		"and no other %":               with(search, func(c *Config) { c.SearchFilter = "(|(uid=%s)(mail=%s))" }),
		"needs a search.base":          with(search, func(c *Config) { c.SearchBase = "" }),
		"need each other":              with(search, func(c *Config) { c.BindPassword = "" }),
	} {
		err := c.Check()
		if !errors.Is(err, ErrBadConfig) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", want, err)
		}
	}
}
