package plan

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"

	"github.com/chronik-stream/chronik/authz"
)

const (
	// Version is that of the file's form.
	Version = 1
	// MaxFileBytes bounds a file: a hundred thousand ACLs take some 18 MiB.
	MaxFileBytes = 32 << 20
)

// ErrFile is wrapped by whatever is wrong with a file.
var ErrFile = errors.New("the file of ACLs")

// header is what a file begins with.
const header = "# The ACLs of a cluster, one a line. chronik authz plan says what this file would change, chronik authz apply changes it.\n"

// The fields of an ACL, by the names that kafka-acls --list prints.
const (
	fieldType, fieldPattern, fieldName = "resourceType", "patternType", "name"
	fieldPrincipal, fieldHost          = "principal", "host"
	fieldOperation, fieldPermission    = "operation", "permissionType"
	defaultPattern, defaultHost        = "LITERAL", authz.AnyHost
	topVersion, topACLs                = "version", "acls"
)

// Write writes ACLs, one a line, in the order of Sorted: the same ACLs are the same bytes.
func Write(w io.Writer, acls []authz.Binding) error {
	list := &yaml.Node{Kind: yaml.SequenceNode}
	for _, b := range Sorted(acls) {
		list.Content = append(list.Content, node(b))
	}
	if len(acls) == 0 {
		list.Style = yaml.FlowStyle
	}
	top := &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{plain(topVersion), plain(fmt.Sprint(Version)), plain(topACLs), list}}
	var b bytes.Buffer
	b.WriteString(header)
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := errors.Join(e.Encode(top), e.Close()); err != nil {
		return fmt.Errorf("encode the ACLs: %w", err)
	}
	if _, err := io.WriteString(w, escaped(b.String())); err != nil {
		return fmt.Errorf("write the ACLs: %w", err)
	}
	return nil
}

// escaped has escapes in the place of characters that are not seen, such as those that turn the direction of writing: what YAML calls printable is more
// than what a reader sees. They stand in quotes only.
func escaped(text string) string {
	hidden := func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }
	if strings.IndexFunc(text, hidden) < 0 {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if hidden(r) {
			fmt.Fprintf(&b, "\\U%08X", r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

func plain(text string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Value: text} }

// quoted is text that others have chosen, which could be anything.
func quoted(text string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Style: yaml.DoubleQuotedStyle, Value: text}
}

func node(b authz.Binding) *yaml.Node {
	return &yaml.Node{Kind: yaml.MappingNode, Style: yaml.FlowStyle, Content: []*yaml.Node{
		plain(fieldType), plain(b.Type.String()), plain(fieldName), quoted(b.Name), plain(fieldPattern), plain(b.Pattern.String()),
		plain(fieldPrincipal), quoted(b.Principal), plain(fieldHost), quoted(b.Host), plain(fieldOperation), plain(b.Operation.String()),
		plain(fieldPermission), plain(b.Permission.String()),
	}}
}

// Read reads ACLs. A file that does not say which there are, such as an empty one, is an error: applied it would remove them all.
func Read(r io.Reader) ([]authz.Binding, error) {
	text, err := io.ReadAll(io.LimitReader(r, MaxFileBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read the ACLs: %w", err)
	}
	if len(text) > MaxFileBytes {
		return nil, fmt.Errorf("%w has more than %d bytes", ErrFile, MaxFileBytes)
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	var document, more yaml.Node
	if err := d.Decode(&document); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: %w", ErrFile, err)
	}
	if err := d.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w goes on after its end, with line %d", ErrFile, more.Line)
	}
	if len(document.Content) != 1 {
		return nil, fmt.Errorf("%w is empty; it needs %s, and for no ACLs, %s: []", ErrFile, topACLs, topACLs)
	}
	return readTop(document.Content[0])
}

func readTop(top *yaml.Node) ([]authz.Binding, error) {
	fields, err := fieldsOf(top, topVersion, topACLs)
	if err != nil {
		return nil, err
	}
	version, list := fields[topVersion], fields[topACLs]
	switch {
	case version == nil || version.Value != fmt.Sprint(Version):
		return nil, fmt.Errorf("%w needs %s: %d", ErrFile, topVersion, Version)
	case list == nil || list.Kind != yaml.SequenceNode:
		return nil, fmt.Errorf("%w needs %s, a list; for no ACLs, %s: []", ErrFile, topACLs, topACLs)
	}
	acls := make([]authz.Binding, 0, len(list.Content))
	lines := make(map[authz.Binding]int, len(list.Content))
	for _, n := range list.Content {
		b, err := readACL(n)
		if err != nil {
			return nil, err
		}
		if line, twice := lines[b]; twice {
			return nil, fmt.Errorf("%w: line %d has the same ACL as line %d", ErrFile, n.Line, line)
		}
		lines[b] = n.Line
		acls = append(acls, b)
	}
	return acls, nil
}

func readACL(n *yaml.Node) (b authz.Binding, err error) {
	fields, err := fieldsOf(n, fieldType, fieldPattern, fieldName, fieldPrincipal, fieldHost, fieldOperation, fieldPermission)
	if err != nil {
		return b, err
	}
	text := func(name, usual string) string {
		if f := fields[name]; f != nil {
			return f.Value
		}
		return usual
	}
	for name, f := range fields {
		if f.Kind != yaml.ScalarNode || f.Tag == "!!null" {
			return b, fmt.Errorf("%w: line %d: %s is no text", ErrFile, f.Line, name)
		}
	}
	var errs [4]error
	b.Type, errs[0] = authz.ParseResourceType(text(fieldType, ""))
	b.Pattern, errs[1] = authz.ParsePatternType(text(fieldPattern, defaultPattern))
	b.Operation, errs[2] = authz.ParseOperation(text(fieldOperation, ""))
	b.Permission, errs[3] = authz.ParsePermission(text(fieldPermission, ""))
	b.Name, b.Principal, b.Host = text(fieldName, ""), text(fieldPrincipal, ""), text(fieldHost, defaultHost)
	if err = errors.Join(errs[:]...); err == nil {
		err = b.Validate()
	}
	if err != nil {
		return b, fmt.Errorf("%w: line %d: %w", ErrFile, n.Line, err)
	}
	return b, nil
}

// fieldsOf are the values of a mapping by name: only those that are known, each once, and none by reference to another place.
func fieldsOf(n *yaml.Node, known ...string) (map[string]*yaml.Node, error) {
	if n.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("%w: line %d has to have %v", ErrFile, n.Line, known)
	}
	fields := make(map[string]*yaml.Node, len(known))
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, value := n.Content[i].Value, n.Content[i+1]
		switch {
		case !slices.Contains(known, name):
			return nil, fmt.Errorf("%w: line %d: unknown field %q: it is one of %v", ErrFile, n.Content[i].Line, name, known)
		case fields[name] != nil:
			return nil, fmt.Errorf("%w: line %d: %s stands twice", ErrFile, n.Content[i].Line, name)
		case value.Kind == yaml.AliasNode:
			return nil, fmt.Errorf("%w: line %d: references are not understood", ErrFile, value.Line)
		}
		fields[name] = value
	}
	return fields, nil
}
