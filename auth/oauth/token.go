package oauth

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"github.com/chronik-stream/chronik/auth"
)

// token is a JSON Web Token in its compact form (RFC 7515 section 7.1), taken apart. Nothing of it is proven.
type token struct {
	text      string
	algorithm string
	// key is the id of the key that signed it, "" where it names none.
	key       string
	claims    claims
	signature []byte
}

var (
	errCritical  = errors.New("the token's header says crit, and no extension is known here")
	errEmbedded  = errors.New("the token's header brings a key of its own")
	errAlgorithm = errors.New("the token's algorithm is not allowed")
)

// parseToken takes a token apart. What its header says of where keys are (jku, x5u, x5c) is not looked at; a key in it (jwk) refuses the
// token, since the library would read it before the signature is verified. Errors hold nothing of the token but names of claims.
func parseToken(text string) (token, error) {
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return token{}, fmt.Errorf("%w: the token has %d parts, want 3", auth.ErrMalformed, len(parts))
	}
	var raw [3][]byte
	for i, part := range parts {
		var err error
		if raw[i], err = base64.RawURLEncoding.Strict().DecodeString(part); err != nil {
			return token{}, fmt.Errorf("%w: part %d of the token is not base64url", auth.ErrMalformed, i+1)
		}
	}
	header, err := parseObject(raw[0])
	if err != nil {
		return token{}, fmt.Errorf("header of the token: %w", err)
	}
	t := token{text: text, signature: raw[2]}
	if t.algorithm, err = header.text("alg"); err != nil {
		return token{}, fmt.Errorf("header of the token: %w", err)
	}
	if _, critical := header["crit"]; critical {
		return token{}, errCritical
	}
	if _, embedded := header["jwk"]; embedded {
		return token{}, errEmbedded
	}
	if header.has("kid") {
		if t.key, err = header.text("kid"); err != nil || len(t.key) > maxKeyID {
			return token{}, fmt.Errorf("header of the token: %w", wrong("kid", "is no string, or too long"))
		}
	}
	if t.claims, err = parseObject(raw[1]); err != nil {
		return token{}, fmt.Errorf("claims of the token: %w", err)
	}
	return t, nil
}

// allowed returns the token's algorithm if tokens may be signed with it.
func (t *token) allowed() (jose.SignatureAlgorithm, error) {
	algorithm := jose.SignatureAlgorithm(t.algorithm)
	if !slices.Contains(algorithms(), algorithm) {
		return "", fmt.Errorf("%w: %.16q", errAlgorithm, t.algorithm)
	}
	return algorithm, nil
}

// verify holds that a key has signed the token with an algorithm, by which the key was chosen.
func (t *token) verify(algorithm jose.SignatureAlgorithm, public any) error {
	signed, err := jose.ParseSignedCompact(t.text, []jose.SignatureAlgorithm{algorithm})
	if err != nil {
		return fmt.Errorf("%w: it does not parse", errSignature)
	}
	if _, err := signed.Verify(public); err != nil {
		return errSignature
	}
	return nil
}
