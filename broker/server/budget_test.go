package server

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestBudgetServesInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(100)
		ctx := context.Background()
		if err := b.take(ctx, 60); err != nil {
			t.Fatal(err)
		}
		order := make(chan int, 3)
		for i, n := range []int64{70, 30, 10} {
			go func() {
				if err := b.take(ctx, n); err != nil {
					t.Error(err)
				}
				order <- i
			}()
			synctest.Wait()
		}
		if len(order) != 0 {
			t.Fatal("a later waiter overtook the first")
		}
		b.giveBack(60)
		synctest.Wait()
		if len(order) != 2 || b.free != 0 {
			t.Fatalf("%d were granted, %d are free", len(order), b.free)
		}
		b.giveBack(70)
		synctest.Wait()
		if len(order) != 3 || b.free != 60 {
			t.Fatalf("%d were granted, %d are free", len(order), b.free)
		}
	})
}

func TestBudgetGivesUpWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(100)
		if err := b.take(context.Background(), 100); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeoutCause(context.Background(), time.Second, errMemory)
		defer cancel()
		if err := b.take(ctx, 50); !errors.Is(err, errMemory) {
			t.Errorf("got %v", err)
		}
		b.giveBack(100)
		if b.free != 100 || b.waiting.Len() != 0 {
			t.Errorf("%d are free, %d wait", b.free, b.waiting.Len())
		}
	})
}

func TestBudgetGrantsMoreThanItHasToTheOnlyOne(t *testing.T) {
	b := newBudget(10)
	if err := b.take(context.Background(), 25); err != nil || b.free != -15 {
		t.Errorf("%v, %d free", err, b.free)
	}
	b.overdraw(5)
	b.giveBack(30)
	if b.free != 10 {
		t.Errorf("%d free", b.free)
	}
}

// left is what is free; negative when the budget is overdrawn.
func (b *budget) left() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.free
}
