package audit

import "time"

// BudgetConfig says how much one client can make the broker write at will before it is merged.
type BudgetConfig struct {
	// Burst is how many bytes at once (chronik.audit.client.burst.bytes), BytesPerSecond how many in the long run
	// (chronik.audit.client.bytes.per.second); 0 means the default.
	Burst, BytesPerSecond int64
	// Interval is how often what was merged is written (chronik.audit.merge.interval.ms); 0 means the default.
	Interval time.Duration
}

func (c *BudgetConfig) setDefaults() {
	if c.Burst <= 0 {
		c.Burst = defaultBurst
	}
	if c.BytesPerSecond <= 0 {
		c.BytesPerSecond = defaultBytesPerSecond
	}
	if c.Interval <= 0 {
		c.Interval = defaultMergeInterval
	}
}

// budget bounds what clients can make the broker write at will, in bytes by subject: log-ins and log-offs, denials, accesses. What is beyond
// it is merged (merging.go), so that it is counted and not lost. It belongs to the queue, whose lock guards it.
type budget struct {
	cfg      BudgetConfig
	accounts map[subject]*account
	// strangers is drawn on by all who have not logged in, beside what each has himself: addresses cost an attacker nothing.
	strangers account
	// others stands for those that find no room among the accounts.
	others account
	// swept is when accounts that are of no use any more were last looked for.
	swept time.Time
	merging
}

// account is what one subject has left.
type account struct {
	who subject
	// paid is the time up to which the rate has paid for what was written: as far as it lies ahead of now, as much of the burst is used.
	paid time.Time
	// told says that the first event beyond the budget in this interval is in the log; merged is what came after it.
	told   bool
	merged []*merged
}

func newBudget(cfg BudgetConfig) *budget {
	cfg.setDefaults()
	return &budget{
		cfg: cfg, accounts: map[subject]*account{}, strangers: account{who: subject{stranger: true}}, merging: merging{counts: map[string]uint64{}},
	}
}

// take returns the account that an event of a subject is charged to, and whether it may be written as it is.
func (b *budget) take(who *subject, now time.Time) (a *account, allowed bool) {
	a = b.account(who, now)
	switch {
	case b.spent(a, now):
		return a, false
	case who.stranger && b.spent(&b.strangers, now):
		return &b.strangers, false
	}
	return a, true
}

func (b *budget) spent(a *account, now time.Time) bool {
	return !a.paid.Before(now.Add(b.timeFor(b.cfg.Burst)))
}

// charge counts bytes that were written. The last event may go beyond the burst: how large it is is known only then.
func (b *budget) charge(a *account, bytes int, now time.Time) {
	cost := b.timeFor(int64(bytes))
	a.paid = later(a.paid, now).Add(cost)
	if a.who.stranger {
		b.strangers.paid = later(b.strangers.paid, now).Add(cost / strangersShare)
	}
}

// timeFor is how long the rate takes to pay for so many bytes.
func (b *budget) timeFor(bytes int64) time.Duration {
	return time.Duration(bytes) * time.Second / time.Duration(b.cfg.BytesPerSecond)
}

// account finds or makes the account of a subject.
func (b *budget) account(who *subject, now time.Time) *account {
	if a := b.accounts[*who]; a != nil {
		return a
	}
	if len(b.accounts) >= maxAccounts {
		b.sweep(now)
	}
	if len(b.accounts) >= maxAccounts {
		return &b.others
	}
	a := &account{who: *who}
	b.accounts[*who] = a
	return a
}

// sweep forgets the accounts whose burst is whole again, as a new one's is.
func (b *budget) sweep(now time.Time) {
	if now.Sub(b.swept) < sweepInterval {
		return
	}
	b.swept = now
	for who, a := range b.accounts {
		if !a.told && len(a.merged) == 0 && !a.paid.After(now) {
			delete(b.accounts, who)
		}
	}
}
