package storage

import "path"

// Leaving says that a copy in another directory may have taken the log's place, and may have grown since. Who has looked into all of them
// and found none calls Stay.
func (l *Log) Leaving() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.leaving
}

// leave notes durably that a copy is about to take the log's place. The caller holds the lock.
func (l *Log) leave() error {
	if err := l.identify(identity{l.id, l.moves, true}); err != nil {
		return l.refuse("move", err)
	}
	return nil
}

// Stay notes durably that no copy has taken the log's place.
func (l *Log) Stay() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.usable(); err != nil {
		return err
	}
	return l.stay()
}

// stay makes the log newer than the copy that may be found when the copy's directory, which has failed, is back. There is no way back:
// what is appended now would be lost if the copy were taken for the newer one. The caller holds the lock.
func (l *Log) stay() error {
	err := l.insist(func() error { return l.identify(identity{l.id, l.moves + 2, false}) })
	if err != nil {
		return l.fail("keep", err)
	}
	return nil
}

// identify replaces partition.metadata, durably: its directory may be new as well.
func (l *Log) identify(i identity) error {
	if err := replaceText(l.d.cfg.FS, path.Join(l.path, metadataFile), i.text()); err != nil {
		return err
	}
	if err := l.d.list.Sync(); err != nil {
		return err
	}
	l.moves, l.leaving = i.moves, i.leaving
	return nil
}
