package storage

import (
	"errors"
	"fmt"
	"io"
)

// recallEpochs reads the leader epochs from the batches, where the checkpoint file is damaged.
func (l *Log) recallEpochs() error {
	l.d.cfg.Logger.Error("the leader epochs are damaged: reading them from the batches", "log", l.path)
	l.epochs = &epochs{dirty: true}
	for _, s := range *l.segments.Load() {
		f, err := s.file()
		if err != nil {
			return err
		}
		for scan := newScanner(f, 0, s.size.Load()); ; {
			h, at, err := scan.next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return fmt.Errorf("read the leader epochs of segment %s at position %d: %w: %w", s.name(logSuffix), at, ErrCorrupt, err)
			}
			if latest, ok := l.epochs.latest(); !ok || h.leaderEpoch > latest {
				l.epochs.assign(h.leaderEpoch, h.base)
			}
		}
	}
	return nil
}
