package engine

import (
	"context"
	"sync"
)

// life counts the running operations, and ends them when the engine closes.
type life struct {
	over context.Context
	end  context.CancelCauseFunc

	mu   sync.Mutex
	work sync.WaitGroup
}

func begin(ctx context.Context) *life {
	over, end := context.WithCancelCause(context.WithoutCancel(ctx))
	return &life{over: over, end: end}
}

// enter returns a context that ends with ctx or the engine, and a function to be called when the
// operation is over.
func (l *life) enter(ctx context.Context) (context.Context, func(), error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over.Err() != nil {
		return nil, nil, ErrClosed
	}
	l.work.Add(1)
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(l.over, func() { cancel(ErrClosed) })
	return ctx, func() { stop(); cancel(nil); l.work.Done() }, nil
}

// finish refuses new operations, ends the running ones and waits for them.
func (l *life) finish() {
	l.mu.Lock()
	l.end(ErrClosed)
	l.mu.Unlock()
	l.work.Wait()
}
