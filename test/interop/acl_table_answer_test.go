//go:build interop

package interop

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/wire"
)

// shown is what of an answer the table compares.
func (w *world) shown(resp kmsg.Response) string {
	text := w.shownOf(reflect.ValueOf(resp).Elem())
	if text == "" {
		return "nothing is shown"
	}
	return text
}

// namesShown are the fields of answers that name something.
var namesShown = []string{
	"Topic", "Group", "GroupID", "TransactionalID", "Key", "Name", "ResourceName", "PrincipalName", "Principal", "User", "Feature",
}

// presenceShown are the fields of which the table only says that they hold something, as 0 or more, or at least one.
var presenceShown = map[string]string{
	"Offset": "an offset", "BaseOffset": "an offset", "EndOffset": "an offset", "LowWatermark": "an offset", "HighWatermark": "",
	"ProducerID": "a producer id", "NumPartitions": "a number of partitions", "RecordBatches": "records", "Configs": "configurations",
	"HMAC": "a secret", "CredentialInfos": "credentials", "CurrentVoters": "voters", "ActiveProducers": "producers",
}

// shownOf is one struct: its own fields, and its elements in braces. Brokers are no secret to who has logged in.
func (w *world) shownOf(v reflect.Value) string {
	var parts []string
	for i := range v.NumField() {
		name := v.Type().Field(i).Name
		if part := w.shownField(name, v.Field(i)); part != "" && name != "Brokers" && name != "Nodes" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, " ")
}

func (w *world) shownField(name string, v reflect.Value) string {
	if v.Kind() == reflect.Pointer && !v.IsNil() {
		v = v.Elem()
	}
	what, counted := presenceShown[name]
	switch {
	case counted:
		if has(v) {
			return what
		}
		return ""
	case strings.HasSuffix(name, "ErrorCode"):
		return strings.TrimSuffix(name, "ErrorCode") + wire.CodeName(int16(v.Int()))
	case strings.HasSuffix(name, "AuthorizedOperations"):
		return operations(v.Int())
	case name == "TopicID":
		return w.idName(v.Interface().([16]byte))
	case name == "Partition":
		return fmt.Sprint(v.Int())
	case v.Kind() == reflect.String && slices.Contains(namesShown, name):
		return v.String()
	case v.Kind() == reflect.Struct:
		return w.shownOf(v)
	case v.Kind() == reflect.Slice:
		return w.shownSlice(name, v)
	default:
		return ""
	}
}

func has(v reflect.Value) bool {
	if v.Kind() == reflect.Slice {
		return v.Len() > 0
	}
	return v.CanInt() && v.Int() >= 0
}

func (w *world) shownSlice(name string, v reflect.Value) string {
	var parts []string
	for i := range v.Len() {
		switch e := v.Index(i); {
		case e.Kind() == reflect.Struct:
			parts = append(parts, w.shownOf(e))
		case e.Kind() == reflect.String && name != "UnknownStateFilters":
			parts = append(parts, e.String())
		}
	}
	parts = slices.DeleteFunc(parts, func(part string) bool { return part == "" })
	if len(parts) == 0 {
		return ""
	}
	slices.Sort(parts)
	return "{" + strings.Join(parts, "; ") + "}"
}

// operations are the bits of an authorized-operations field.
func operations(bits int64) string {
	if bits == math.MinInt32 {
		return ""
	}
	may := []string{}
	for op := authz.Operation(0); op < 31; op++ {
		if bits&(1<<op) != 0 {
			may = append(may, op.String())
		}
	}
	return fmt.Sprintf("may%v", may)
}

// textsOf are all texts of a request or an answer.
func textsOf(message any) string {
	var out []string
	var walk func(v reflect.Value)
	walk = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.String:
			out = append(out, v.String())
		case reflect.Pointer:
			if !v.IsNil() {
				walk(v.Elem())
			}
		case reflect.Struct:
			for i := range v.NumField() {
				walk(v.Field(i))
			}
		case reflect.Slice:
			if v.Type().Elem().Kind() == reflect.Uint8 {
				out = append(out, string(v.Bytes()))
				return
			}
			for i := range v.Len() {
				walk(v.Index(i))
			}
		}
	}
	walk(reflect.ValueOf(message))
	return strings.Join(out, "\n")
}
