package gssapi

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"time"

	krbclient "github.com/jcmturner/gokrb5/v8/client"
	"github.com/jcmturner/gokrb5/v8/config"
	"github.com/jcmturner/gokrb5/v8/iana/etypeID"
	"github.com/jcmturner/gokrb5/v8/iana/nametype"
	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
)

// InitiatorConfig is what an Initiator needs.
type InitiatorConfig struct {
	// Keytab has the keys of Principal, such as kafka/host@REALM, who logs in.
	Keytab, Principal string
	// Service is the first part of the names of those that it logs in at.
	Service string
	// ConfigFile is the krb5.conf that says where the KDCs are; "" means DefaultConfigFile.
	ConfigFile string
	// SHA2Only refuses the encryption types that use SHA-1.
	SHA2Only bool
	// Clock is time.Now where it is nil.
	Clock func() time.Time
}

// Initiator logs in at other brokers by GSSAPI, as the owner of a keytab. It keeps tickets until shortly before they end. It is safe for
// concurrent use.
type Initiator struct {
	cfg      InitiatorConfig
	enctypes enctypes

	mu      sync.Mutex // guards tickets, and has one ask the KDC at a time
	tickets map[string]ticket
}

// ticket is a ticket for a service, with its key.
type ticket struct {
	client  name
	ticket  messages.Ticket
	session types.EncryptionKey
	ends    time.Time
}

// NewInitiator returns an initiator. It asks no KDC before the first log-in.
func NewInitiator(cfg InitiatorConfig) (*Initiator, error) {
	if cfg.Keytab == "" || cfg.Principal == "" || cfg.Service == "" {
		return nil, fmt.Errorf("%w: to log in elsewhere takes a keytab, a principal and a service", ErrBadConfig)
	}
	cfg.ConfigFile = cmp.Or(cfg.ConfigFile, DefaultConfigFile)
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	return &Initiator{cfg: cfg, enctypes: enctypes{sha2Only: cfg.SHA2Only}, tickets: map[string]ticket{}}, nil
}

// Start begins a log-in at a host, with a ticket for SERVICE/host. It may take as long as the KDCs take to answer; ctx is looked at before.
func (i *Initiator) Start(ctx context.Context, host string) (*Initiation, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	t, held := i.tickets[host]
	if !held || !i.cfg.Clock().Before(t.ends.Add(-ticketReserve)) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		err := contain(func() (err error) {
			t, err = i.ask(i.cfg.Service + "/" + host)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("a ticket of %s for %s/%s: %w", i.cfg.Principal, i.cfg.Service, host, err)
		}
		if len(i.tickets) >= maxTickets {
			clear(i.tickets)
		}
		i.tickets[host] = t
	}
	return &Initiation{initiator: i, ticket: t, next: takeReply}, nil
}

// ask gets a ticket from the KDC. The library's client is used for this alone: one that stays renews its tickets in goroutines of its
// own, whose faults nothing contains.
func (i *Initiator) ask(service string) (ticket, error) {
	c, err := i.client()
	if err != nil {
		return ticket{}, err
	}
	defer c.Destroy()
	realm := c.Credentials.Realm()
	request, err := messages.NewASReqForTGT(realm, c.Config, c.Credentials.CName())
	if err != nil {
		return ticket{}, err
	}
	first, err := c.ASExchange(realm, request, 0)
	if err != nil {
		return ticket{}, err
	}
	wanted := types.NewPrincipalName(nametype.KRB_NT_PRINCIPAL, service)
	_, second, err := c.TGSREQGenerateAndExchange(wanted, realm, first.Ticket, first.DecryptedEncPart.Key, false)
	if err != nil {
		return ticket{}, err
	}
	if err := i.enctypes.checkKey("session key", second.DecryptedEncPart.Key); err != nil {
		return ticket{}, err
	}
	return ticket{
		client: name{c.Credentials.CName().NameString, realm}, ticket: second.Ticket,
		session: second.DecryptedEncPart.Key, ends: second.DecryptedEncPart.EndTime,
	}, nil
}

// client reads krb5.conf and the keytab anew, so that both may change.
func (i *Initiator) client() (*krbclient.Client, error) {
	conf, err := config.Load(i.cfg.ConfigFile)
	if err != nil {
		return nil, fmt.Errorf("krb5.conf: %w", err)
	}
	accepted := []int32{etypeID.AES256_CTS_HMAC_SHA384_192, etypeID.AES128_CTS_HMAC_SHA256_128}
	if !i.cfg.SHA2Only {
		accepted = append(accepted, etypeID.AES256_CTS_HMAC_SHA1_96, etypeID.AES128_CTS_HMAC_SHA1_96)
	}
	conf.LibDefaults.DefaultTktEnctypeIDs, conf.LibDefaults.DefaultTGSEnctypeIDs, conf.LibDefaults.PermittedEnctypeIDs = accepted, accepted, accepted
	raw, err := readKeytab(i.cfg.Keytab)
	if err != nil {
		return nil, err
	}
	keys := keytab.New()
	if keys.Unmarshal(raw) != nil { // the error would hold the file
		return nil, fmt.Errorf("%w: %s is no keytab, or cut off", ErrBadConfig, i.cfg.Keytab)
	}
	who := parseName(i.cfg.Principal, conf.LibDefaults.DefaultRealm)
	return krbclient.NewWithKeytab(who.local(), who.realm, keys, conf, krbclient.DisablePAFXFAST(true)), nil
}
