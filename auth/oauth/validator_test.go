package oauth

import (
	"crypto"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/chronik-stream/chronik/auth"
)

func TestGoodTokens(t *testing.T) {
	var keys []signingKey
	for _, algorithm := range algorithms() {
		keys = append(keys, newSigningKey(t, "key of "+string(algorithm), algorithm))
	}
	v := newTestValidator(t, configOf(fileKeys(t, keySetOf(t, keys...))))
	now := time.Now()
	for _, k := range keys {
		id, err := v.Validate(t.Context(), k.sign(t, goodClaims(nil), nil))
		if err != nil || id.Subject != testSubject || !slices.Equal(id.Groups, []string{"auditors", "operators"}) || id.Expires.Unix() < now.Unix()+3590 ||
			id.Issued.Sub(now).Abs() > time.Minute {
			t.Errorf("%s: %+v, %v", k.algorithm, id, err)
		}
	}
	for name, changes := range map[string]map[string]any{
		"audiences":          {"aud": []string{"x", testAudience}},
		"issuer's clock":     {"iat": now.Add(25 * time.Second).Unix(), "nbf": now.Add(25 * time.Second).Unix()},
		"fractions":          {"iat": float64(now.UnixMilli()) / 1000, "exp": float64(now.UnixMilli())/1000 + 60.5},
		"exponent":           {"exp": rawJSON("4.2e9")},
		"no scope":           {"scope": nil},
		"no groups":          {"groups": nil},
		"null groups":        {"groups": rawJSON("null")},
		"one group":          {"groups": "operators"},
		"scopes":             {"scope": []string{"a", "b"}},
		"blanks around":      {"sub": " alice\t"},
		"as many groups":     {"groups": numbered(auth.MaxGroups)},
		"claims of no use":   {"azp": "x", "Exp": 1, "cnf": map[string]any{"x5t#S256": "y"}},
		"another type":       {"jti": "1", "nonce": []int{1}},
		"long living":        {"exp": int64(latest)},
		"name with any sign": {"sub": "CN=älice,O=x:y"},
	} {
		if _, err := v.Validate(t.Context(), keys[0].sign(t, goodClaims(changes), nil)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	headers := map[string]any{"jku": "https://evil.example/keys", "x5u": "https://evil.example/cert", "typ": "at+jwt"}
	if _, err := v.Validate(t.Context(), keys[0].sign(t, goodClaims(nil), headers)); err != nil {
		t.Errorf("headers that say where keys are: %v", err)
	}
}

type rawJSON string

func (r rawJSON) MarshalJSON() ([]byte, error) { return []byte(r), nil }

func numbered(n int) []string {
	var out []string
	for i := range n {
		out = append(out, fmt.Sprintf("group-%03d", i))
	}
	return out
}

func TestBadClaims(t *testing.T) {
	key := newSigningKey(t, "k", jose.EdDSA)
	v := newTestValidator(t, configOf(fileKeys(t, keySetOf(t, key))))
	now := time.Now()
	at := func(d time.Duration) int64 { return now.Add(d).Unix() }
	for name, test := range map[string]struct {
		changes map[string]any
		want    error
	}{
		"expired":             {map[string]any{"exp": at(-time.Second)}, errExpired},
		"expired in the skew": {map[string]any{"exp": at(0)}, errExpired},
		"not yet":             {map[string]any{"nbf": at(time.Minute)}, errNotYet},
		"issued later":        {map[string]any{"iat": at(time.Minute)}, errNotYet},
		"no exp":              {map[string]any{"exp": nil}, errClaim},
		"null exp":            {map[string]any{"exp": rawJSON("null")}, errClaim},
		"no iat":              {map[string]any{"iat": nil}, errClaim},
		"exp is text":         {map[string]any{"exp": fmt.Sprint(at(time.Hour))}, errClaim},
		"exp is true":         {map[string]any{"exp": true}, errClaim},
		"exp in milliseconds": {map[string]any{"exp": now.UnixMilli() * 1000}, errClaim},
		"exp is huge":         {map[string]any{"exp": rawJSON("1e400")}, errClaim},
		"iat below 0":         {map[string]any{"iat": -1}, errClaim},
		"nbf is text":         {map[string]any{"nbf": "now"}, errClaim},
		"no iss":              {map[string]any{"iss": nil}, errClaim},
		"issuer":              {map[string]any{"iss": testIssuer + "/"}, errIssuer},
		"issuer's case":       {map[string]any{"iss": strings.ToUpper(testIssuer)}, errIssuer},
		"issuers":             {map[string]any{"iss": []string{testIssuer}}, errClaim},
		"no aud":              {map[string]any{"aud": nil}, errAudience},
		"audience":            {map[string]any{"aud": "kafka2"}, errAudience},
		"audiences":           {map[string]any{"aud": []string{"a", "b"}}, errAudience},
		"no audiences":        {map[string]any{"aud": []string{}}, errAudience},
		"aud is a number":     {map[string]any{"aud": 7}, errClaim},
		"aud has null":        {map[string]any{"aud": []any{testAudience, nil}}, errClaim},
		"no sub":              {map[string]any{"sub": nil}, errClaim},
		"sub is empty":        {map[string]any{"sub": ""}, errClaim},
		"sub is blank":        {map[string]any{"sub": " \t"}, errClaim},
		"sub is a number":     {map[string]any{"sub": 7}, errClaim},
		"sub has a line":      {map[string]any{"sub": "al\nice"}, errClaim},
		"sub has NUL":         {map[string]any{"sub": "alice\x00"}, errClaim},
		"sub half a rune":     {map[string]any{"sub": rawJSON(`"al\ud800ice"`)}, errClaim},
		"sub too long":        {map[string]any{"sub": strings.Repeat("a", auth.MaxNameBytes+1)}, errClaim},
		"scope is a number":   {map[string]any{"scope": 7}, errClaim},
		"scope is blank":      {map[string]any{"scope": " "}, errClaim},
		"scope twice":         {map[string]any{"scope": []string{"a", "a"}}, errClaim},
		"too many groups":     {map[string]any{"groups": numbered(auth.MaxGroups + 1)}, errClaim},
		"group too long":      {map[string]any{"groups": []string{strings.Repeat("g", auth.MaxGroupBytes+1)}}, errClaim},
		"group is empty":      {map[string]any{"groups": []string{""}}, errClaim},
		"groups of groups":    {map[string]any{"groups": []any{[]string{"g"}}}, errClaim},
		"groups by name":      {map[string]any{"groups": map[string]any{"g": 1}}, errClaim},
	} {
		id, err := v.Validate(t.Context(), key.sign(t, goodClaims(test.changes), nil))
		if !errors.Is(err, test.want) || errors.Is(err, auth.ErrUndecided) {
			t.Errorf("%s: %+v, %v, want %v", name, id, err, test.want)
		}
	}
}

// TestForgedTokens are tokens that the issuer has not made, or that hide what they are.
func TestForgedTokens(t *testing.T) {
	key, unnamed := newSigningKey(t, "k", jose.RS256), newSigningKey(t, "", jose.ES256)
	impostor := signingKey{newSigningKey(t, "k", jose.RS256).private, jose.RS256, key.entry}
	v := newTestValidator(t, configOf(fileKeys(t, keySetOf(t, key, unnamed))))
	good := key.sign(t, goodClaims(nil), nil)
	payload := toJSON(t, goodClaims(nil))
	part := strings.Split(good, ".")
	hs := func(secret []byte, header string) string {
		signed := encode(header) + "." + encode(payload)
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(signed))
		return signed + "." + encode(string(mac.Sum(nil)))
	}
	der, err := x509.MarshalPKIXPublicKey(key.private.Public())
	if err != nil {
		t.Fatal(err)
	}
	asPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	embedded := newSigningKey(t, "", jose.ES256)
	tokens := map[string]string{
		"alg none":               encode(`{"alg":"none"}`) + "." + encode(payload) + ".",
		"alg None":               encode(`{"alg":"None","kid":"k"}`) + "." + encode(payload) + ".",
		"alg none, signed":       encode(`{"alg":"none","kid":"k"}`) + "." + part[1] + "." + part[2],
		"no signature":           part[0] + "." + part[1] + ".",
		"no alg":                 encode(`{"kid":"k"}`) + "." + part[1] + "." + part[2],
		"HS256, DER":             hs(der, `{"alg":"HS256","kid":"k"}`),
		"HS256, PEM":             hs(asPEM, `{"alg":"HS256","kid":"k"}`),
		"HS256, modulus":         hs([]byte(toJSON(t, key.entry)), `{"alg":"HS256","kid":"k"}`),
		"HS256, zeroes":          hs(make([]byte, 32), `{"alg":"HS256"}`),
		"another's key":          impostor.sign(t, goodClaims(nil), nil),
		"PS256 with an RS256":    signingKey{key.private, jose.PS256, key.entry}.sign(t, goodClaims(nil), nil),
		"signature of another":   part[0] + "." + encode(toJSON(t, goodClaims(map[string]any{"sub": "admin"}))) + "." + part[2],
		"header of another":      encode(`{"alg":"RS256","kid":"k","x":1}`) + "." + part[1] + "." + part[2],
		"crit":                   key.sign(t, goodClaims(nil), map[string]any{"crit": []string{"exp"}, "exp": 1}),
		"crit b64":               encode(`{"alg":"RS256","kid":"k","crit":["b64"],"b64":false}`) + "." + part[1] + "." + part[2],
		"embedded key":           embedded.sign(t, goodClaims(nil), map[string]any{"jwk": embedded.entry}),
		"kid is a number":        encode(`{"alg":"RS256","kid":7}`) + "." + part[1] + "." + part[2],
		"kid too long":           encode(`{"alg":"RS256","kid":"`+strings.Repeat("k", maxKeyID+1)+`"}`) + "." + part[1] + "." + part[2],
		"kid of a path":          encode(`{"alg":"RS256","kid":"../../dev/null"}`) + "." + part[1] + "." + part[2],
		"alg twice":              encode(`{"alg":"RS256","alg":"none","kid":"k"}`) + "." + part[1] + "." + part[2],
		"claim twice":            key.sign(t, `{"sub":"admin",`+payload[1:], nil),
		"claims are a list":      key.sign(t, `[]`, nil),
		"claims are null":        key.sign(t, `null`, nil),
		"claims are not UTF-8":   key.sign(t, strings.Replace(payload, testSubject, "al\xffce", 1), nil),
		"something behind":       key.sign(t, payload+"x", nil),
		"two parts":              part[0] + "." + part[1],
		"four parts":             good + "." + part[2],
		"five parts, encrypted":  strings.Repeat(part[0]+".", 4) + part[0],
		"padding":                part[0] + "." + part[1] + "." + part[2] + "=",
		"empty":                  "",
		"dots":                   "..",
		"ES256 signature by DER": derSigned(t, unnamed, payload),
		"zeroes":                 encode(`{"alg":"ES256"}`) + "." + part[1] + "." + encode(strings.Repeat("\x00", 64)),
	}
	ctx, cancel := contextThatHasEnded()
	defer cancel()
	for name, text := range tokens {
		if id, err := v.Validate(ctx, text); err == nil || errors.Is(err, auth.ErrUndecided) && !strings.HasPrefix(name, "kid") {
			t.Errorf("%s: %+v, %v", name, id, err)
		}
	}
	if _, err := v.Validate(t.Context(), unnamed.sign(t, goodClaims(nil), nil)); err != nil {
		t.Errorf("a key without a name, which is the only one for its algorithm: %v", err)
	}
}

// derSigned signs with an EC key, and writes the signature as ASN.1 and not as RFC 7518 section 3.4 wants it.
func derSigned(t *testing.T, k signingKey, payload string) string {
	t.Helper()
	signed := encode(`{"alg":"ES256"}`) + "." + encode(payload)
	digest := sha256.Sum256([]byte(signed))
	signature, err := k.private.Sign(nil, digest[:], crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	return signed + "." + encode(string(signature))
}

func TestEveryBitAndEveryLengthOfATokenCounts(t *testing.T) {
	key := newSigningKey(t, "k", jose.EdDSA)
	keys := fileKeys(t, keySetOf(t, key))
	v := newTestValidator(t, configOf(keys))
	good := key.sign(t, goodClaims(nil), nil)
	if _, err := v.Validate(t.Context(), good); err != nil {
		t.Fatal(err)
	}
	// What names another key waits for the issuer, which is not asked here.
	ctx, cancel := contextThatHasEnded()
	defer cancel()
	for i := range len(good) {
		if _, err := v.Validate(ctx, good[:i]); err == nil {
			t.Errorf("the first %d bytes are taken", i)
		}
		for bit := range 8 {
			flipped := []byte(good)
			flipped[i] ^= 1 << bit
			if id, err := v.Validate(ctx, string(flipped)); err == nil {
				t.Errorf("bit %d of byte %d flipped: %+v", bit, i, id)
			}
		}
	}
}

func TestAnyIssuerAndAudienceHaveToBeWanted(t *testing.T) {
	key := newSigningKey(t, "k", jose.ES384)
	cfg := configOf(fileKeys(t, keySetOf(t, key)))
	cfg.Issuer, cfg.AnyIssuer, cfg.Audiences, cfg.AnyAudience = "", true, nil, true
	v := newTestValidator(t, cfg)
	if _, err := v.Validate(t.Context(), key.sign(t, goodClaims(map[string]any{"iss": nil, "aud": nil}), nil)); err != nil {
		t.Error(err)
	}
	if _, err := v.Validate(t.Context(), key.sign(t, goodClaims(map[string]any{"exp": 1}), nil)); !errors.Is(err, errExpired) {
		t.Error(err)
	}
}

func TestClaimsByOtherNames(t *testing.T) {
	key := newSigningKey(t, "k", jose.ES512)
	cfg := configOf(fileKeys(t, keySetOf(t, key)))
	cfg.SubjectClaim, cfg.ScopeClaim, cfg.GroupsClaim = "azp", "scp", "https://issuer.example/roles"
	changes := map[string]any{"sub": nil, "azp": "svc", "scp": []string{"x"}, "https://issuer.example/roles": "r", "groups": []int{1}}
	id, err := newTestValidator(t, cfg).Validate(t.Context(), key.sign(t, goodClaims(changes), nil))
	if err != nil || id.Subject != "svc" || !slices.Equal(id.Groups, []string{"r"}) {
		t.Errorf("%+v, %v", id, err)
	}
}

func unsecured(t *testing.T, claims map[string]any) string {
	t.Helper()
	return encode(`{"alg":"none"}`) + "." + encode(toJSON(t, claims)) + "."
}

func TestUnsecuredTokens(t *testing.T) {
	v, err := NewUnsecuredValidator(UnsecuredConfig{GroupsClaim: "groups", RequiredScope: []string{"a", "b"}, Skew: 3 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	good := map[string]any{"sub": "dev", "exp": now.Add(time.Minute).Unix(), "scope": []string{"b", "c", " a "}}
	id, err := v.Validate(t.Context(), unsecured(t, good))
	if err != nil || id.Subject != "dev" || id.Expires.IsZero() {
		t.Errorf("%+v, %v", id, err)
	}
	for name, changes := range map[string]map[string]any{
		"no sub": {"sub": nil}, "no exp": {"exp": nil}, "expired": {"exp": now.Add(-4 * time.Second).Unix()},
		"issued later": {"iat": now.Add(time.Minute).Unix()}, "exp before iat": {"iat": now.Unix(), "exp": now.Unix()},
	} {
		claims := maps.Clone(good)
		maps.Copy(claims, changes)
		if _, err := v.Validate(t.Context(), unsecured(t, claims)); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	var scope *ScopeError
	good["scope"] = "a"
	if _, err := v.Validate(t.Context(), unsecured(t, good)); !errors.As(err, &scope) {
		t.Errorf("a scope is missing: %v", err)
	}
	key := newSigningKey(t, "k", jose.ES256)
	part := strings.Split(key.sign(t, goodClaims(nil), nil), ".")
	for name, text := range map[string]string{
		"signed": strings.Join(part, "."), "none, signed": encode(`{"alg":"none"}`) + "." + part[1] + "." + part[2], "none, not signed": part[0] + "." + part[1] + ".",
	} {
		if _, err := v.Validate(t.Context(), text); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}
