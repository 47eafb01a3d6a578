package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/chronik-stream/chronik/auth"
)

var (
	errNoTerminal = errors.New("there is no terminal to ask for the password on; give it by --password-file, or by --password-file - from standard input")
	errDiffer     = errors.New("the two passwords differ")
	errNoPassword = errors.New("the password is empty")
)

// passwordFlag says where a password comes from. It is never an argument: other users of the machine see those.
type passwordFlag struct{ file string }

func (f *passwordFlag) on(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.file, "password-file", "", `a file whose first line is the password, or "-" for standard input; it is asked for when left out`)
}

// read returns the password of a file, or the one that is typed twice and not shown.
func (f *passwordFlag) read(cmd *cobra.Command, user string) (string, error) {
	switch f.file {
	case "":
		return askTwice(cmd, user)
	case "-":
		return firstLine(cmd.InOrStdin())
	default:
		file, err := os.Open(f.file)
		if err != nil {
			return "", fmt.Errorf("read the password: %w", err)
		}
		defer func() { _ = file.Close() }()
		return firstLine(file)
	}
}

func firstLine(r io.Reader) (string, error) {
	line, err := bufio.NewReader(io.LimitReader(r, auth.MaxPasswordBytes+2)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read the password: %w", err)
	}
	if line = strings.TrimRight(line, "\r\n"); line == "" {
		return "", errNoPassword
	}
	return line, nil
}

func askTwice(cmd *cobra.Command, user string) (string, error) {
	in, isFile := cmd.InOrStdin().(*os.File)
	if !isFile || !term.IsTerminal(int(in.Fd())) { //nolint:gosec // a file descriptor is small
		return "", errNoTerminal
	}
	var typed [2]string
	for i, question := range []string{"New password of %s: ", "Once more: "} {
		if i == 0 {
			question = fmt.Sprintf(question, shown(user))
		}
		cmd.PrintErr(question)
		secret, err := term.ReadPassword(int(in.Fd())) //nolint:gosec // a file descriptor is small
		cmd.PrintErrln()
		if err != nil {
			return "", fmt.Errorf("read the password: %w", err)
		}
		typed[i] = string(secret)
	}
	switch {
	case typed[0] != typed[1]:
		return "", errDiffer
	case typed[0] == "":
		return "", errNoPassword
	}
	return typed[0], nil
}
