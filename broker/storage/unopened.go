package storage

// Unopened stands for a log directory that can not be opened, and why: it is offline from the start, and its logs are not known.
func Unopened(cfg Config, why error) *Directory {
	cfg.setDefaults()
	d := newDirectory(cfg)
	d.unopened, d.offline = why, make(chan struct{})
	close(d.offline)
	return d
}
