package meta

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Command is one change of the metadata. Its preconditions are checked when it is applied, never only when it is proposed.
type Command interface {
	// kind is the command's name in the log; it is never reused for another meaning.
	kind() string
	apply(d *draft)
}

// envelopeVersion is the version of the encoding below. An entry of a newer one stops the node: to skip it would be to
// diverge.
const envelopeVersion = 1

// Errors of Decode.
var (
	ErrNewerCommand   = errors.New("metadata command of a newer version")
	ErrUnknownCommand = errors.New("unknown metadata command")
	ErrBadCommand     = errors.New("malformed metadata command")
)

type envelope struct {
	Version int             `json:"v"`
	Kind    string          `json:"kind"`
	Body    json.RawMessage `json:"body"`
}

// Encode returns the bytes of a command as the log carries them: JSON {"v":1,"kind":...,"body":{...}}.
func Encode(c Command) ([]byte, error) {
	body, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("encode metadata command %s: %w", c.kind(), err)
	}
	data, err := json.Marshal(envelope{Version: envelopeVersion, Kind: c.kind(), Body: body})
	if err != nil {
		return nil, fmt.Errorf("encode metadata command %s: %w", c.kind(), err)
	}
	return data, nil
}

// Decode reads a command. It is strict: an unknown field is an error, because what it says would be lost.
func Decode(data []byte) (Command, error) {
	var of struct {
		Version int `json:"v"`
	}
	if err := json.Unmarshal(data, &of); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadCommand, err)
	}
	if of.Version > envelopeVersion {
		return nil, fmt.Errorf("%w: %d, this broker reads up to %d", ErrNewerCommand, of.Version, envelopeVersion)
	}
	var e envelope
	if err := strict(data, &e); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadCommand, err)
	}
	if e.Version != envelopeVersion {
		return nil, fmt.Errorf("%w: version %d", ErrBadCommand, e.Version)
	}
	c := newCommand(e.Kind)
	if c == nil {
		return nil, fmt.Errorf("%w: %q", ErrUnknownCommand, e.Kind)
	}
	if err := strict(e.Body, c); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrBadCommand, e.Kind, err)
	}
	return c, nil
}

func newCommand(kind string) Command {
	all := []Command{
		&SetCluster{}, &RegisterBroker{}, &CreateTopics{}, &AdoptTopics{}, &DeleteTopics{}, &CreatePartitions{}, &AlterConfigs{},
		&CreateACLs{}, &DeleteACLs{}, &AlterScram{}, &AllocateProducerIDs{}, &AuditProjected{}, &UpdateFeatures{},
		&CreateToken{}, &RenewToken{}, &ExpireToken{}, &SweepTokens{}, &AlterQuotas{},
		&AskApprovals{}, &DecideApproval{}, &SweepApprovals{}, &RecordPolicies{},
	}
	for _, c := range all {
		if c.kind() == kind {
			return c
		}
	}
	return nil
}

func strict(data []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("bytes after the end")
	}
	return nil
}
