package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/chronik-stream/chronik/broker"
	"github.com/chronik-stream/chronik/broker/config"
)

// loaded is a checked configuration.
type loaded struct {
	options         broker.Options
	shutdownTimeout time.Duration
}

// load reads a properties file, where one is named, or the given values, and the environment over it. Warnings go to the log.
func load(path string, values map[string]string, log io.Writer) (*loaded, error) {
	var sources []config.Source
	if path != "" {
		file, err := config.FromFile(path)
		if err != nil {
			return nil, err
		}
		sources = append(sources, file)
	}
	if values != nil {
		sources = append(sources, config.FromMap("the defaults of --dev", values))
	}
	c, warnings, err := config.Load(append(sources, config.FromEnvironment(os.Environ()))...)
	if err != nil {
		return nil, fmt.Errorf("configuration:\n%w", err)
	}
	logger, err := newLogger(c, log)
	if err != nil {
		return nil, err
	}
	for _, w := range warnings {
		logger.Warn(w.Text)
	}
	options, err := broker.FromConfig(c, version(), logger)
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	options.ConfigurationFile = path
	return &loaded{options: options, shutdownTimeout: c.ShutdownTimeout}, nil
}

func newLogger(c *config.Config, to io.Writer) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.LogLevel)); err != nil {
		return nil, fmt.Errorf("chronik.log.level: %w", err)
	}
	options := &slog.HandlerOptions{Level: level}
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(to, options)), nil
	}
	return slog.New(slog.NewTextHandler(to, options)), nil
}
