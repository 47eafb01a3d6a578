package quorum

import (
	"context"
	"io"
	"log"
	"log/slog"

	"github.com/hashicorp/go-hclog"
)

// bridge passes raft's log lines to slog. Raft is talkative at info while it elects: that goes to debug.
type bridge struct {
	to   *slog.Logger
	name string
	with []any
}

func (b *bridge) emit(level slog.Level, msg string, args ...any) {
	b.to.Log(context.Background(), level, "raft: "+msg, append(append([]any{}, b.with...), args...)...)
}

// Log implements hclog.Logger.
func (b *bridge) Log(level hclog.Level, msg string, args ...any) {
	switch level {
	case hclog.Error:
		b.Error(msg, args...)
	case hclog.Warn:
		b.Warn(msg, args...)
	default:
		b.Debug(msg, args...)
	}
}

// Trace implements hclog.Logger.
func (b *bridge) Trace(msg string, args ...any) { b.emit(slog.LevelDebug, msg, args...) }

// Debug implements hclog.Logger.
func (b *bridge) Debug(msg string, args ...any) { b.emit(slog.LevelDebug, msg, args...) }

// Info implements hclog.Logger.
func (b *bridge) Info(msg string, args ...any) { b.emit(slog.LevelDebug, msg, args...) }

// Warn implements hclog.Logger. A sole voter warns of each start that it heard from no leader, which is no news.
func (b *bridge) Warn(msg string, args ...any) { b.emit(slog.LevelDebug, msg, args...) }

// Error implements hclog.Logger.
func (b *bridge) Error(msg string, args ...any) { b.emit(slog.LevelError, msg, args...) }

// IsTrace implements hclog.Logger.
func (b *bridge) IsTrace() bool { return false }

// IsDebug implements hclog.Logger.
func (b *bridge) IsDebug() bool { return b.to.Enabled(context.Background(), slog.LevelDebug) }

// IsInfo implements hclog.Logger.
func (b *bridge) IsInfo() bool { return b.IsDebug() }

// IsWarn implements hclog.Logger.
func (b *bridge) IsWarn() bool { return b.IsDebug() }

// IsError implements hclog.Logger.
func (b *bridge) IsError() bool { return true }

// ImpliedArgs implements hclog.Logger.
func (b *bridge) ImpliedArgs() []any { return b.with }

// With implements hclog.Logger.
func (b *bridge) With(args ...any) hclog.Logger {
	return &bridge{to: b.to, name: b.name, with: append(append([]any{}, b.with...), args...)}
}

// Name implements hclog.Logger.
func (b *bridge) Name() string { return b.name }

// Named implements hclog.Logger.
func (b *bridge) Named(name string) hclog.Logger { return &bridge{to: b.to, name: name, with: b.with} }

// ResetNamed implements hclog.Logger.
func (b *bridge) ResetNamed(name string) hclog.Logger { return b.Named(name) }

// SetLevel implements hclog.Logger; the level is slog's.
func (b *bridge) SetLevel(hclog.Level) {}

// GetLevel implements hclog.Logger.
func (b *bridge) GetLevel() hclog.Level { return hclog.Debug }

// StandardLogger implements hclog.Logger.
func (b *bridge) StandardLogger(*hclog.StandardLoggerOptions) *log.Logger {
	return slog.NewLogLogger(b.to.Handler(), slog.LevelDebug)
}

// StandardWriter implements hclog.Logger.
func (b *bridge) StandardWriter(*hclog.StandardLoggerOptions) io.Writer { return lineWriter{b} }

type lineWriter struct{ b *bridge }

// Write logs one line.
func (w lineWriter) Write(p []byte) (int, error) {
	w.b.Debug(string(p))
	return len(p), nil
}
