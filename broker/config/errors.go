package config

import (
	"errors"
	"fmt"
)

// ErrInvalid is wrapped by all errors about what a configuration says.
var ErrInvalid = errors.New("invalid configuration")

// ValueError is a value that its key does not allow. Its text has the form of Apache Kafka's ConfigException.
type ValueError struct {
	Key, Value string
	// Sensitive keeps the value out of the text.
	Sensitive bool
	// Problem says what is wrong and what is allowed.
	Problem string
}

func (e *ValueError) Error() string {
	value := e.Value
	if e.Sensitive {
		value = "[hidden]"
	}
	return fmt.Sprintf("Invalid value %s for configuration %s: %s", value, e.Key, e.Problem)
}

// Unwrap makes every ValueError an ErrInvalid.
func (e *ValueError) Unwrap() error { return ErrInvalid }

// UnknownKeyError is a key that is not in the table.
type UnknownKeyError struct {
	Key string
	// Nearest is the known key that looks most like it; "" where none does.
	Nearest string
}

func (e *UnknownKeyError) Error() string {
	if e.Nearest == "" {
		return fmt.Sprintf("unknown configuration key %s", e.Key)
	}
	return fmt.Sprintf("unknown configuration key %s; the nearest known one is %s", e.Key, e.Nearest)
}

// Unwrap makes every UnknownKeyError an ErrInvalid.
func (e *UnknownKeyError) Unwrap() error { return ErrInvalid }
