package wire

import (
	"math/rand/v2"
	"reflect"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// testBounds are wide enough for every honest request of the tests.
var testBounds = Bounds{PerByte: 16, Base: 16 << 10, Most: 32 << 20, Elements: 500_000, Tags: 16, ClientID: 1024}

// randomRequest returns a request of the schema with random content in every field.
func randomRequest(rng *rand.Rand, s *schema, version int16) kmsg.Request {
	r := kmsg.RequestForKey(s.key)
	fillStruct(rng, reflect.ValueOf(r).Elem())
	r.SetVersion(version)
	return r
}

func fillStruct(rng *rand.Rand, v reflect.Value) {
	for i := range v.NumField() {
		f := v.Field(i)
		if tags, isTags := f.Addr().Interface().(*kmsg.Tags); isTags {
			for range rng.IntN(3) {
				tags.Set(uint32(100+rng.IntN(100)), randomBytes(rng))
			}
			continue
		}
		fillValue(rng, f)
	}
}

func fillValue(rng *rand.Rand, v reflect.Value) {
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(rng.IntN(2) == 0)
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(rng.Int64() >> rng.IntN(64))
	case reflect.Float64:
		v.SetFloat(rng.NormFloat64())
	case reflect.String:
		v.SetString(string(randomBytes(rng)))
	case reflect.Array:
		for i := range v.Len() {
			v.Index(i).SetUint(uint64(rng.IntN(256)))
		}
	case reflect.Pointer:
		if rng.IntN(3) > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			fillValue(rng, v.Elem())
		}
	case reflect.Struct:
		fillStruct(rng, v)
	case reflect.Slice:
		fillSlice(rng, v)
	default:
		panic("no random value for " + v.Type().String())
	}
}

func fillSlice(rng *rand.Rand, v reflect.Value) {
	if rng.IntN(4) == 0 {
		return
	}
	if v.Type().Elem().Kind() == reflect.Uint8 {
		v.SetBytes(randomBytes(rng))
		return
	}
	n := rng.IntN(4)
	v.Set(reflect.MakeSlice(v.Type(), n, n))
	for i := range n {
		fillValue(rng, v.Index(i))
	}
}

func randomBytes(rng *rand.Rand) []byte {
	b := make([]byte, rng.IntN(40))
	for i := range b {
		b[i] = byte('a' + rng.IntN(26))
	}
	return b
}
