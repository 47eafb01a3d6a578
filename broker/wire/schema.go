package wire

import (
	"fmt"
	"reflect"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// kind is what a field is on the wire. The zero value is invalid.
type kind uint8

const (
	fixedKind kind = iota + 1
	stringKind
	bytesKind
	arrayKind
	groupKind
	optionalKind
)

const (
	// never is the first flexible version of a request that has none, and the first nullable one of a field that has none.
	never = 1 << 14
	// untagged is the tag of a field that stands in its place.
	untagged = -1
	// element names the one field of an array of plain values.
	element = ""
)

// schema is the layout of one request in all versions that are served.
type schema struct {
	key      int16
	name     string
	min, max int16
	// flexible is the first version with compact lengths and tagged fields (KIP-482).
	flexible int16
	body     fields
}

type fields []field

// field is one field of a structure, by the name that kmsg gives it.
type field struct {
	name string
	kind kind
	// first and last are the versions that have the field.
	first, last int16
	// nullFrom is the first version in which it may be null.
	nullFrom int16
	tag      int32
	// bytes is the length of a fixed field, or what one element of an array, or an optional structure, takes in memory.
	bytes int
	// pointer says that kmsg holds a string by a pointer, which costs an allocation of its own.
	pointer bool
	inner   fields
}

func plain(name string, k kind) field {
	return field{name: name, kind: k, last: never, nullFrom: never, tag: untagged}
}

func fixed(name string, bytes int) field {
	f := plain(name, fixedKind)
	f.bytes = bytes
	return f
}

func boolean(name string) field { return fixed(name, 1) }
func i8(name string) field      { return fixed(name, 1) }
func i16(name string) field     { return fixed(name, 2) }
func i32(name string) field     { return fixed(name, 4) }
func i64(name string) field     { return fixed(name, 8) }
func f64(name string) field     { return fixed(name, 8) }
func uuid(name string) field    { return fixed(name, 16) }
func str(name string) field     { return plain(name, stringKind) }
func blob(name string) field    { return plain(name, bytesKind) }

// array is a repeated structure, or, with one field named element, a repeated plain value.
func array(name string, inner ...field) field { return nested(name, arrayKind, inner) }

// group is a structure within another.
func group(name string, inner ...field) field { return nested(name, groupKind, inner) }

// optional is a structure within another that may be absent, which one byte before it says.
func optional(name string, inner ...field) field { return nested(name, optionalKind, inner) }

func nested(name string, k kind, inner fields) field {
	f := plain(name, k)
	f.inner = inner
	return f
}

func (f field) since(v int16) field          { f.first = v; return f }
func (f field) until(v int16) field          { f.last = v; return f }
func (f field) only(first, last int16) field { f.first, f.last = first, last; return f }
func (f field) null(from int16) field        { f.nullFrom = from; return f }

// tagged makes it a tagged field (KIP-482).
func (f field) tagged(tag int32) field { f.tag = tag; return f }

func (f *field) in(version int16) bool { return f.first <= version && version <= f.last }

// plainValues reports whether an array's elements are plain values and not structures.
func (f *field) plainValues() bool { return len(f.inner) == 1 && f.inner[0].name == element }

// schemas is the closed set of requests that can be decoded.
var schemas = buildSchemas()

func buildSchemas() map[int16]*schema {
	all := map[int16]*schema{}
	lists := [][]schema{
		recordsSchemas(), membersSchemas(), groupsSchemas(), offsetsSchemas(),
		clusterSchemas(), topicsSchemas(), configsSchemas(), securitySchemas(), directoriesSchemas(),
		transactionsSchemas(), consumersSchemas(), featuresSchemas(),
	}
	for _, list := range lists {
		for i := range list {
			s := &list[i]
			bind(s.body, reflect.TypeOf(kmsg.RequestForKey(s.key)).Elem())
			all[s.key] = s
		}
	}
	return all
}

// bind looks up what the fields take in memory once kmsg has decoded them.
func bind(fs fields, t reflect.Type) {
	for i := range fs {
		f := &fs[i]
		member, found := t.FieldByName(f.name)
		if !found {
			panic(fmt.Sprintf("wire: %s has no field %s", t, f.name))
		}
		mt := member.Type
		f.pointer = mt.Kind() == reflect.Pointer
		switch f.kind {
		case arrayKind:
			f.bytes = int(mt.Elem().Size())
			if !f.plainValues() {
				bind(f.inner, mt.Elem())
			}
		case groupKind:
			bind(f.inner, mt)
		case optionalKind:
			f.bytes = int(mt.Elem().Size())
			bind(f.inner, mt.Elem())
		}
	}
}

// Covers reports, with an error, that requests of an API cannot be decoded in all versions from one to another.
func Covers(key, from, to int16) error {
	s, found := schemas[key]
	if !found {
		return fmt.Errorf("%w: no layout of API %d", ErrUnknownRequest, key)
	}
	if from < s.min || to > s.max {
		return fmt.Errorf("%w: %s is laid out for versions %d to %d, not %d to %d", ErrUnknownRequest, s.name, s.min, s.max, from, to)
	}
	return nil
}

// Flexible reports whether a version of an API uses header version 2 (KIP-482).
func Flexible(key, version int16) bool {
	s, found := schemas[key]
	return found && version >= s.flexible
}
