package mtls

import (
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// ErrBadName is wrapped by the errors about a distinguished name that cannot be written.
var ErrBadName = errors.New("unusable distinguished name")

// attribute is one AttributeTypeAndValue (RFC 5280 section 4.1.2.4); the value keeps its encoding.
type attribute struct {
	Type  asn1.ObjectIdentifier
	Value asn1.RawValue
}

// relativeNameSET is decoded as a SET for its name's ending, which encoding/asn1 looks at.
type relativeNameSET []attribute

// distinguishedName writes a DER-encoded name as java.security's X500Principal.getName() does (RFC 2253): last part first,
// attributes without an RFC 2253 keyword as OID=#hex of their encoding. Where Java would put replacement characters for
// bytes that are no UTF-8, the name is refused: two certificates must not come out as one name.
func distinguishedName(der []byte) (string, error) {
	var parts []relativeNameSET
	rest, err := asn1.Unmarshal(der, &parts)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrBadName, err)
	}
	if len(rest) > 0 {
		return "", fmt.Errorf("%w: %d bytes follow it", ErrBadName, len(rest))
	}
	var b strings.Builder
	for i := len(parts) - 1; i >= 0; i-- {
		for j, a := range parts[i] {
			if j > 0 {
				b.WriteByte('+')
			}
			if err := writeAttribute(&b, a); err != nil {
				return "", err
			}
		}
		if i > 0 {
			b.WriteByte(',')
		}
	}
	return b.String(), nil
}

// keyword returns the name of an attribute type in RFC 2253 section 2.3, or "".
func keyword(oid string) string {
	switch oid {
	case "2.5.4.3":
		return "CN"
	case "2.5.4.6":
		return "C"
	case "2.5.4.7":
		return "L"
	case "2.5.4.8":
		return "ST"
	case "2.5.4.9":
		return "STREET"
	case "2.5.4.10":
		return "O"
	case "2.5.4.11":
		return "OU"
	case "0.9.2342.19200300.100.1.25":
		return "DC"
	case "0.9.2342.19200300.100.1.1":
		return "UID"
	default:
		return ""
	}
}

func writeAttribute(b *strings.Builder, a attribute) error {
	oid := a.Type.String()
	name := keyword(oid)
	if name == "" || !isText(a.Value) {
		if name == "" {
			name = oid
		}
		b.WriteString(name + "=#" + hex.EncodeToString(a.Value.FullBytes))
		return nil
	}
	if !utf8.Valid(a.Value.Bytes) {
		return fmt.Errorf("%w: the value of %s is not UTF-8", ErrBadName, name)
	}
	b.WriteString(name + "=")
	writeEscaped(b, string(a.Value.Bytes))
	return nil
}

// The string types under the names of X.680.
const tagUTF8, tagTeletex, tagGeneral, tagBMP = asn1.TagUTF8String, asn1.TagT61String, asn1.TagGeneralString, asn1.TagBMPString

// isText reports whether Java writes a value as text. It takes the bytes of every such string type for UTF-8.
func isText(v asn1.RawValue) bool {
	if v.Class != asn1.ClassUniversal || v.IsCompound {
		return false
	}
	switch v.Tag {
	case asn1.TagPrintableString, asn1.TagIA5String, tagUTF8, tagTeletex, tagGeneral, tagBMP:
		return true
	default:
		return false
	}
}

// writeEscaped escapes as Java does: the special characters, NUL, and every space at the beginning or the end.
func writeEscaped(b *strings.Builder, s string) {
	leading := len(s) - len(strings.TrimLeft(s, " "))
	trailing := len(strings.TrimRight(s, " "))
	for i := range len(s) {
		c := s[i]
		switch {
		case c == 0:
			b.WriteString(`\00`)
			continue
		case strings.IndexByte(",=+<>#;\"\\", c) >= 0, c == ' ' && (i < leading || i >= trailing):
			b.WriteByte('\\')
		}
		b.WriteByte(c)
	}
}
