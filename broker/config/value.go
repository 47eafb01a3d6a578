package config

import (
	"math"
	"strconv"
	"strings"
)

// Type is the type of a key's value, as in Apache Kafka's ConfigDef.
type Type uint8

// The types.
const (
	Boolean Type = iota + 1
	String
	Int
	Short
	Long
	Double
	List
	Class
	Password
)

// String is the type's name in lower case, as Apache Kafka's documentation writes it.
func (t Type) String() string {
	switch t {
	case Boolean:
		return "boolean"
	case String:
		return "string"
	case Int:
		return "int"
	case Short:
		return "short"
	case Long:
		return "long"
	case Double:
		return "double"
	case List:
		return "list"
	case Class:
		return "class"
	case Password:
		return "password"
	default:
		return "unknown"
	}
}

// parse returns the canonical form of a value, or what is wrong with it in the words of ConfigDef.
func (t Type) parse(text string) (value, problem string) {
	value = strings.TrimSpace(text)
	switch t {
	case Boolean:
		value = strings.ToLower(value)
		if value != "true" && value != "false" {
			return "", "Expected value to be either true or false"
		}
		return value, ""
	case Int:
		return parseInteger(value, 32, "INT")
	case Short:
		return parseInteger(value, 16, "SHORT")
	case Long:
		return parseInteger(value, 64, "LONG")
	case Double:
		if n, err := strconv.ParseFloat(value, 64); err != nil || math.IsNaN(n) {
			return "", "Not a number of type DOUBLE"
		}
		return value, ""
	case List:
		return strings.Join(SplitList(value), ","), ""
	default:
		return value, ""
	}
}

func parseInteger(value string, bits int, name string) (canonical, problem string) {
	n, err := strconv.ParseInt(value, 10, bits)
	if err != nil {
		return "", "Not a number of type " + name
	}
	return strconv.FormatInt(n, 10), ""
}

// SplitList returns the elements of a list, without the blanks around them; none for the empty text.
func SplitList(text string) []string {
	if strings.TrimSpace(text) == "" {
		return nil
	}
	list := strings.Split(text, ",")
	for i := range list {
		list[i] = strings.TrimSpace(list[i])
	}
	return list
}
