package wire

import (
	"context"
	"errors"
	"fmt"
)

// Error is a failure with two faces: the code, and the message, that the client is told, and the cause for the log.
type Error struct {
	Code    int16
	Message string
	cause   error
}

// Errorf makes an error that the client is told with a code. An error operand of %w stays reachable for errors.Is.
func Errorf(code int16, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Code: code, Message: err.Error(), cause: errors.Unwrap(err)}
}

// Error returns the code's name and the message.
func (e *Error) Error() string { return CodeName(e.Code) + ": " + e.Message }

// Unwrap returns the cause, where there is one.
func (e *Error) Unwrap() error { return e.cause }

// CodeOf returns the code that err is told with: an Error's own, RequestTimedOut for an ended context, None for nil, and
// UnknownServerError for everything else.
func CodeOf(err error) int16 {
	var coded *Error
	switch {
	case err == nil:
		return None
	case errors.As(err, &coded):
		return coded.Code
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return RequestTimedOut
	default:
		return UnknownServerError
	}
}
