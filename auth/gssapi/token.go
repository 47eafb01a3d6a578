package gssapi

import (
	"bytes"
	"fmt"

	"github.com/jcmturner/gofork/encoding/asn1"
	"github.com/jcmturner/gokrb5/v8/asn1tools"

	"github.com/chronik-stream/chronik/auth"
)

// Kinds of the tokens that establish a context (RFC 4121 section 4.1).
const (
	tokenAPReq = "\x01\x00"
	tokenAPRep = "\x02\x00"
)

// mechanismOID is the DER form of Kerberos V5's object identifier, 1.2.840.113554.1.2.2.
const mechanismOID = "\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02"

// openToken returns what is in a token of a kind (RFC 2743 section 3.1): exactly one of Kerberos V5, with nothing after it.
func openToken(token []byte, kind string) ([]byte, error) {
	inner, err := application(token, 0)
	if err != nil {
		return nil, malformed("GSS-API token: %w", err)
	}
	message, found := bytes.CutPrefix(inner, []byte(mechanismOID+kind))
	if !found {
		return nil, malformed("the GSS-API token is not of Kerberos V5, or another one than is due")
	}
	return message, nil
}

// wrapToken is the opposite of openToken.
func wrapToken(message []byte, kind string) []byte {
	return asn1tools.AddASNAppTag(append([]byte(mechanismOID+kind), message...), 0)
}

// application returns the content of an application tag that is all of b.
func application(b []byte, tag int) ([]byte, error) {
	var raw asn1.RawValue
	rest, err := asn1.Unmarshal(b, &raw)
	switch {
	case err != nil:
		return nil, err
	case raw.Class != asn1.ClassApplication || raw.Tag != tag || !raw.IsCompound:
		return nil, fmt.Errorf("class %d, tag %d where application tag %d is due", raw.Class, raw.Tag, tag)
	case len(rest) > 0:
		return nil, fmt.Errorf("%d bytes after it", len(rest))
	}
	return raw.Bytes, nil
}

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %w", auth.ErrMalformed, fmt.Errorf(format, args...))
}
