package server

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	krbclient "github.com/jcmturner/gokrb5/v8/client"
	"github.com/jcmturner/gokrb5/v8/config"
	krb "github.com/jcmturner/gokrb5/v8/gssapi"
	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/spnego"
	"github.com/jcmturner/gokrb5/v8/types"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/auth/gssapi"
	"github.com/chronik-stream/chronik/auth/oauth"
	"github.com/chronik-stream/chronik/auth/plain"
	"github.com/chronik-stream/chronik/auth/scram"
)

const (
	rightPassword = "Zwei-Orgeln-im-Mai"
	issuerName    = "https://issuer.example"
	audienceName  = "kafka"
	realmName     = "EXAMPLE.COM"
	tokenID       = "token-1"
)

// holder has the right credentials of alice, and the secrets of those who give them. Her principal is one for all mechanisms.
type holder struct {
	t testing.TB
	// now is the server's clock.
	now time.Time
	// gone is true when her password and her token are deleted, over when the token has expired.
	gone, over bool
	// revoked is since when she is revoked.
	revoked    time.Time
	credential scram.Credential
	issuer     ed25519.PrivateKey
	// kdc has the keys of the broker's service and of another's, imposter keys of a KDC with the same names.
	kdc, imposter *keytab.Keytab
}

func newHolder(t testing.TB) *holder {
	t.Helper()
	h := &holder{t: t, now: time.Now()}
	var err error
	if h.credential, err = scram.Derive(rightPassword, scram.NewSalt(), scram.DefaultIterations, scram.SHA512); err != nil {
		t.Fatal(err)
	}
	if _, h.issuer, err = ed25519.GenerateKey(nil); err != nil {
		t.Fatal(err)
	}
	h.kdc, h.imposter = h.keys("of the KDC", "kafka/localhost", "kafka/elsewhere"), h.keys("of somebody", "kafka/localhost")
	return h
}

// keys are the keys of services, made of a secret.
func (h *holder) keys(secret string, services ...string) *keytab.Keytab {
	h.t.Helper()
	const quick = 23 // the library makes a key of a password, which is slow for AES
	out := keytab.New()
	for i, service := range services {
		h.must(out.AddEntry(service, realmName, secret, h.now, 1, quick))
		key := sha256.Sum256([]byte(secret + service))
		out.Entries[i].Key = types.EncryptionKey{KeyType: ticketType, KeyValue: key[:16]}
	}
	return out
}

// listener has every SASL mechanism, each as it is in a broker.
func (h *holder) listener() Listener {
	h.t.Helper()
	verifier, err := plain.NewStoredVerifier(plain.StoredConfig{Lookup: func(user string) (plain.Credential, bool) {
		c := h.credential
		return plain.Credential{Mechanism: "SCRAM-SHA-512", Salt: c.Salt, Iterations: c.Iterations, StoredKey: c.StoredKey}, user == "alice" && !h.gone
	}})
	h.must(err)
	byPassword, err := plain.New(plain.Config{Verifier: verifier})
	h.must(err)
	bySCRAM, err := scram.New(scram.Config{
		Hash: scram.SHA512, FakeSaltKey: make([]byte, 64),
		Lookup: func(user string) (scram.Credential, bool) { return h.credential, user == "alice" && !h.gone },
		Tokens: func(id string) (scram.Token, bool) {
			expires := h.now.Add(time.Hour)
			if h.over {
				expires = h.now
			}
			return scram.Token{Owner: auth.User("alice"), Expires: expires, Credential: h.credential}, id == tokenID && !h.gone
		},
	})
	h.must(err)
	return Listener{Protocol: SASLPlaintext, Mechanisms: []auth.Mechanism{byPassword, bySCRAM, h.bearer(), h.kerberos()}}
}

func (h *holder) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *holder) file(name string, content []byte) string {
	h.t.Helper()
	path := filepath.Join(h.t.TempDir(), name)
	h.must(os.WriteFile(path, content, 0o600))
	return path
}

func (h *holder) clock() time.Time { return h.now }

func (h *holder) bearer() auth.Mechanism {
	h.t.Helper()
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: h.issuer.Public(), KeyID: "k"}}})
	h.must(err)
	keys, err := oauth.NewKeys(oauth.KeysConfig{
		URL: "file://" + h.file("keys.json", set), Refresh: time.Hour, Backoff: time.Hour, BackoffMax: time.Hour, Logger: slog.New(slog.DiscardHandler),
	})
	h.must(err)
	m, err := oauth.New(oauth.Config{
		Keys: keys, Issuer: issuerName, Audiences: []string{audienceName}, SubjectClaim: "sub", ScopeClaim: "scope", GroupsClaim: "groups",
		Skew: 30 * time.Second, Clock: h.clock,
	})
	h.must(err)
	return m
}

func (h *holder) kerberos() auth.Mechanism {
	h.t.Helper()
	raw, err := h.keys("of the KDC", "kafka/localhost").Marshal()
	h.must(err)
	m, err := gssapi.New(gssapi.Config{
		Keytab: h.file("keytab", raw), Principal: "kafka/localhost@" + realmName, Rules: []string{"DEFAULT"}, DefaultRealm: realmName,
		Clock: h.clock, Logger: slog.New(slog.DiscardHandler),
	})
	h.must(err)
	return m
}

// jwt is a token of alice with changed claims, signed by a key.
func (h *holder) jwt(by ed25519.PrivateKey, changes map[string]any) string {
	h.t.Helper()
	claims := map[string]any{
		"iss": issuerName, "aud": audienceName, "sub": "alice", "iat": h.now.Add(-time.Minute).Unix(), "exp": h.now.Add(time.Hour).Unix(),
	}
	maps.Copy(claims, changes)
	payload, err := json.Marshal(claims)
	h.must(err)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: jose.JSONWebKey{Key: by, KeyID: "k"}}, nil)
	h.must(err)
	signed, err := signer.Sign(payload)
	h.must(err)
	text, err := signed.CompactSerialize()
	h.must(err)
	return text
}

// scramFinal has a SCRAM exchange up to the client's last message, and returns that.
func (h *holder) scramFinal(c *client, user, password, extensions string) []byte {
	h.t.Helper()
	bare := "n=" + user + ",r=rOprNGfwEbeRWgbNEkqO" + extensions
	first := string(c.authenticate("n,," + bare).SASLAuthBytes)
	nonce, _, _ := strings.Cut(strings.TrimPrefix(first, "r="), ",")
	withoutProof := "c=biws,r=" + nonce
	salted, err := scram.Salted(password, h.credential.Salt, h.credential.Iterations, scram.SHA512)
	h.must(err)
	proof := mac(salted, "Client Key")
	stored := sha512.Sum512(proof)
	subtle.XORBytes(proof, proof, mac(stored[:], bare+","+first+","+withoutProof))
	return []byte(withoutProof + ",p=" + base64.StdEncoding.EncodeToString(proof))
}

func mac(key []byte, text string) []byte {
	m := hmac.New(sha512.New, key)
	m.Write([]byte(text))
	return m.Sum(nil)
}

// ticketType is aes128-cts-hmac-sha256-128, which FIPS 140-3 has too.
const ticketType = 19

// ticket is a first token with a ticket for a service, its session key, and the times that it is good for.
func (h *holder) ticket(keys *keytab.Keytab, service string, from, to time.Time) ([]byte, types.EncryptionKey) {
	h.t.Helper()
	alice := types.PrincipalName{NameType: 1, NameString: []string{"alice"}}
	sname := types.PrincipalName{NameType: 2, NameString: []string{"kafka", service}}
	ticket, key, err := messages.NewTicket(alice, realmName, sname, realmName, types.NewKrbFlags(), keys, ticketType, 1, from, from, to, to)
	h.must(err)
	asAlice := krbclient.NewWithPassword("alice", realmName, "not used", config.New())
	token, err := spnego.NewKRB5TokenAPREQ(asAlice, ticket, key, []int{krb.ContextFlagInteg}, nil)
	h.must(err)
	raw, err := token.Marshal()
	h.must(err)
	return raw, key
}

// choice answers the broker's offer of layers.
func (h *holder) choice(offer []byte, key types.EncryptionKey) []byte {
	h.t.Helper()
	var offered krb.WrapToken
	h.must(offered.Unmarshal(offer, true))
	chosen, err := krb.NewInitiatorWrapToken(offered.Payload, key)
	h.must(err)
	raw, err := chosen.Marshal()
	h.must(err)
	return raw
}
