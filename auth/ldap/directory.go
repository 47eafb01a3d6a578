package ldap

import (
	"context"
	"fmt"

	"github.com/go-ldap/ldap/v3"

	"github.com/chronik-stream/chronik/auth"
)

// Directory checks passwords against one directory. It is safe for concurrent use.
type Directory struct {
	cfg       Config
	attribute string
	// binds has connections on which users' passwords are tried, searches those that are bound as who searches.
	binds, searches *pool
	memory          *memory
	tally           tally
}

// New returns the directory that cfg describes. It does not connect.
func New(cfg Config) (*Directory, error) {
	attribute, err := cfg.attribute()
	if err != nil {
		return nil, err
	}
	e, err := cfg.endpoint()
	if err != nil {
		return nil, err
	}
	if cfg.Timeout <= 0 || cfg.TLS == nil && (e.secure || e.upgrade) {
		return nil, fmt.Errorf("%w: a time-out of %s, or no TLS", ErrBadConfig, cfg.Timeout)
	}
	d := &Directory{cfg: cfg, attribute: attribute}
	if cfg.TLS != nil {
		d.cfg.TLS = cfg.TLS.Clone()
		d.cfg.TLS.ServerName = e.host
	}
	plain := func(ctx context.Context) (*ldap.Conn, error) { return connect(ctx, e, d.cfg.TLS) }
	d.binds = newPool(plain)
	d.searches = newPool(func(ctx context.Context) (*ldap.Conn, error) { return d.searcher(ctx, plain) })
	if d.memory, err = newMemory(cfg.Remember); err != nil {
		return nil, err
	}
	return d, nil
}

// searcher is a connection that is bound as who searches.
func (d *Directory) searcher(ctx context.Context, dial func(context.Context) (*ldap.Conn, error)) (*ldap.Conn, error) {
	c, err := dial(ctx)
	if err != nil || d.cfg.BindDN == "" {
		return c, err
	}
	if err := c.Bind(d.cfg.BindDN, d.cfg.BindPassword); err != nil {
		_ = c.Close() // the bind says what is wrong
		return nil, fmt.Errorf("bind as %s: %w", d.cfg.BindDN, err)
	}
	return c, nil
}

// Run closes the connections that nobody uses when ctx ends.
func (d *Directory) Run(ctx context.Context) {
	<-ctx.Done()
	d.binds.close()
	d.searches.close()
}

// Authenticate returns who a right password proves. Its errors wrap auth.ErrUnknownUser or auth.ErrBadCredential, or auth.ErrUndecided
// where the directory can not be asked or does not decide.
func (d *Directory) Authenticate(ctx context.Context, user, password string) (*auth.Outcome, error) {
	if user == "" || password == "" {
		// A bind with a name and no password succeeds as anonymous (RFC 4513 section 5.1.2).
		return nil, fmt.Errorf("%w: no name or no password", auth.ErrBadCredential)
	}
	if groups, known := d.memory.recall(user, password); known {
		return &auth.Outcome{Principal: auth.User(user), Groups: groups}, nil
	}
	groups, err := d.ask(ctx, user, password)
	d.tally.ended(ctx, err)
	if err != nil {
		return nil, fmt.Errorf("check the password of %q: %w", user, err)
	}
	d.memory.keep(user, password, groups)
	return &auth.Outcome{Principal: auth.User(user), Groups: groups}, nil
}

func (d *Directory) ask(ctx context.Context, user, password string) (groups []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, d.cfg.Timeout)
	defer cancel()
	if d.cfg.BindTemplate != "" {
		return d.byTemplate(ctx, user, password)
	}
	return d.bySearch(ctx, user, password)
}

// byTemplate binds as the user, and reads the user's own entry with the user's rights.
func (d *Directory) byTemplate(ctx context.Context, user, password string) (groups []string, err error) {
	dn := d.cfg.nameOf(user)
	err = d.binds.with(ctx, func(c *ldap.Conn) error {
		if err := c.Bind(dn, password); err != nil {
			return refusal(err)
		}
		entry, err := d.find(ctx, c, dn, ldap.ScopeBaseObject, "(objectClass=*)")
		if err == nil {
			groups, err = d.identify(entry, user)
		}
		return err
	})
	return groups, err
}

// bySearch looks for the user's entry and binds as it.
func (d *Directory) bySearch(ctx context.Context, user, password string) (groups []string, err error) {
	filter := d.cfg.filterFor(user)
	var entry *ldap.Entry
	err = d.searches.with(ctx, func(c *ldap.Conn) error {
		entry, err = d.find(ctx, c, d.cfg.SearchBase, ldap.ScopeWholeSubtree, filter)
		if err == nil {
			groups, err = d.identify(entry, user)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return groups, d.binds.with(ctx, func(c *ldap.Conn) error { return refusal(c.Bind(entry.DN, password)) })
}

// find returns the one entry that a filter is about. References to other directories are not followed, nor are aliases.
func (d *Directory) find(ctx context.Context, c *ldap.Conn, base string, scope int, filter string) (*ldap.Entry, error) {
	attributes := []string{d.attribute}
	if d.cfg.GroupsAttribute != "" {
		attributes = append(attributes, d.cfg.GroupsAttribute)
	}
	c.SetTimeout(remaining(ctx))
	seconds := int(d.cfg.Timeout.Seconds()) + 1
	result, err := c.Search(ldap.NewSearchRequest(base, scope, ldap.NeverDerefAliases, sizeLimit, seconds, false, filter, attributes, nil))
	switch {
	case ldap.IsErrorWithCode(err, ldap.LDAPResultSizeLimitExceeded):
		return nil, fmt.Errorf("%w: several entries have the name", auth.ErrUnknownUser)
	case scope == ldap.ScopeBaseObject && ldap.IsErrorAnyOf(err, ldap.LDAPResultNoSuchObject, ldap.LDAPResultInsufficientAccessRights):
		return nil, fmt.Errorf("%w: the user may not read the own entry: %w", auth.ErrUnknownUser, err)
	case err != nil:
		return nil, fmt.Errorf("%w: search: %w", auth.ErrUndecided, err)
	case len(result.Entries) != 1 || result.Entries[0].DN == "":
		return nil, fmt.Errorf("%w: %d entries have the name", auth.ErrUnknownUser, len(result.Entries))
	}
	return result.Entries[0], nil
}

// identify holds that an entry is the user's by exactly that name, and returns its groups. A directory takes Alice, ALICE and al for one
// user where ACLs know three: a DENY must not be escaped by another way to write the name.
func (d *Directory) identify(entry *ldap.Entry, user string) (groups []string, err error) {
	if names := entry.GetEqualFoldAttributeValues(d.attribute); len(names) != 1 || names[0] != user {
		return nil, fmt.Errorf("%w: the entry's %s is not that one name alone", auth.ErrUnknownUser, d.attribute)
	}
	if d.cfg.GroupsAttribute == "" {
		return nil, nil
	}
	groups = entry.GetEqualFoldAttributeValues(d.cfg.GroupsAttribute)
	if len(groups) > auth.MaxGroups {
		return nil, fmt.Errorf("%w: %d groups, allowed are %d", auth.ErrBadCredential, len(groups), auth.MaxGroups)
	}
	for _, g := range groups {
		if g == "" || len(g) > auth.MaxGroupBytes {
			return nil, fmt.Errorf("%w: the name of a group has %d bytes, allowed are 1 to %d", auth.ErrBadCredential, len(g), auth.MaxGroupBytes)
		}
	}
	return groups, nil
}

// refusal says what the answer to a bind means: the results by which directories refuse a user, or a log-in that is not decided, a
// referral included.
func refusal(err error) error {
	switch {
	case err == nil:
		return nil
	case ldap.IsErrorWithCode(err, ldap.LDAPResultNoSuchObject):
		return fmt.Errorf("%w: %w", auth.ErrUnknownUser, err)
	case ldap.IsErrorAnyOf(err, ldap.LDAPResultInvalidCredentials, ldap.LDAPResultInappropriateAuthentication, ldap.LDAPResultInvalidDNSyntax,
		ldap.LDAPResultConstraintViolation, ldap.LDAPResultInsufficientAccessRights, ldap.LDAPResultUnwillingToPerform):
		return fmt.Errorf("%w: %w", auth.ErrBadCredential, err)
	}
	return fmt.Errorf("%w: bind: %w", auth.ErrUndecided, err)
}
