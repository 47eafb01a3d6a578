package main

import "errors"

// Exit codes beside 0.
const (
	exitFailed  = 1
	exitRefused = 2
)

// exitError is an error with an exit code of its own.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }

func (e *exitError) Unwrap() error { return e.err }

// exitCode is the process's exit code for an error.
func exitCode(err error) int {
	var own *exitError
	if errors.As(err, &own) {
		return own.code
	}
	return exitFailed
}
