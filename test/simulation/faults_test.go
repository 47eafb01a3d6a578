package simulation

import (
	"testing"
)

// faults are deliberate errors.
type faults struct {
	// losesMarkers drops a marker now and then, and says that it is written; marksFirstOnly writes only the first one.
	losesMarkers, marksFirstOnly bool
	// mixesOutcomes tells the second partition of a transaction the opposite of the first.
	mixesOutcomes bool
	// stableIsEnd lets read-committed readers read what is confirmed.
	stableIsEnd bool
	// epochUnchecked takes records of old epochs, verifiesNothing such as belong to no transaction.
	epochUnchecked, verifiesNothing bool
	// guardsStay lets a verification from before a marker count after it.
	guardsStay bool
	// marksEarly tells that a marker is on disk before it is; confirmsEarly tells that things are on disk before they are.
	marksEarly, confirmsEarly bool
	// commitsAbortedOffsets has offsets count that a transaction has committed that was aborted; unstableOffsets tells offsets while a
	// transaction is about to change them.
	commitsAbortedOffsets, unstableOffsets bool
	// neverWakes forgets all time-outs.
	neverWakes bool
}

// TestBankFindsFaults: each error is found within few seeds, or TestBank would prove nothing.
func TestBankFindsFaults(t *testing.T) {
	cases := map[string]faults{
		"a marker is lost now and then":             {losesMarkers: true},
		"only one partition gets a marker":          {marksFirstOnly: true},
		"partitions get opposite markers":           {mixesOutcomes: true},
		"the last stable offset is the end":         {stableIsEnd: true},
		"epochs are not checked":                    {epochUnchecked: true, verifiesNothing: true},
		"records come without a transaction":        {verifiesNothing: true},
		"answers come before the disk is done":      {confirmsEarly: true},
		"markers are told before they are on disk":  {marksEarly: true},
		"a verification outlives the transaction":   {guardsStay: true},
		"offsets are committed by an abort":         {commitsAbortedOffsets: true},
		"offsets are told that are about to change": {unstableOffsets: true},
		"time-outs never come":                      {neverWakes: true},
	}
	for name, f := range cases {
		t.Run(name, func(t *testing.T) {
			const most = 500
			for seed := range uint64(most) {
				if found := newWorld(seed, f).run(); len(found) > 0 {
					t.Logf("found by seed %d: %s", seed, found[0])
					return
				}
			}
			t.Errorf("%d seeds find nothing", most)
		})
	}
}
