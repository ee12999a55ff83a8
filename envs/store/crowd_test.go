package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"beansprout/localcloud/fault"
	"beansprout/test/must"
)

// span is the time during which an owner was certain of its lease.
type span struct {
	from, to time.Time
	counter  int64 // of the record as it wrote it then
}

// crowd has many goroutines take the lease, each once, and change the record under it.
func crowd(ctx context.Context, l *Store, many int) ([]span, error) {
	var mu sync.Mutex
	var spans []span
	var failures []error
	var all sync.WaitGroup
	for range many {
		all.Go(func() {
			s, err := holdLease(ctx, l)
			mu.Lock()
			defer mu.Unlock()
			spans, failures = append(spans, s), append(failures, err)
		})
	}
	all.Wait()
	return spans, errors.Join(failures...)
}

// holdLease repeats until it had the lease for certain from its first to its last call.
func holdLease(ctx context.Context, l *Store) (s span, err error) {
	for {
		h, _, err := l.Take(ctx, "shop-x", LeaseRequest{Verb: "turn"}, nil)
		if errors.Is(err, errUnanswered) || errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
			continue // S3 failed for longer than a request is repeated
		}
		if err != nil {
			return s, err
		}
		s.from = time.Now()
		r, err := h.Change(ctx, func(r *Record) { r.NumberRequest("") })
		time.Sleep(time.Millisecond)
		s.to, s.counter = time.Now(), r.Counter
		certain := err == nil && h.left() > 0
		err = h.Release(ctx, nil)
		if certain {
			return s, nil
		}
		if ctx.Err() != nil {
			return s, err
		}
	}
}

func TestManyProcessesShareALeaseUnderFaults(t *testing.T) {
	t.Parallel()
	l, cloud := openCloud(t)
	crowded(l)
	goroutines, processes := 20, 2
	if os.Getenv("BEANSPROUT_SOAK") == "1" {
		goroutines, processes = 50, 8
	}
	for i, kind := range fault.Kinds() {
		rule := fault.Rule{Service: "s3", Operation: "*", Kind: kind, Probability: 0.02, Seed: uint64(i)}
		if kind == fault.Slow || kind == fault.TimeoutBefore || kind == fault.TimeoutAfter {
			rule.For = 300 * time.Millisecond
		}
		must.Succeed(t, cloud.Inject(rule))
	}
	var others []process
	for range processes {
		others = append(others, start(t, cloud, "crowd"))
	}
	spans, err := crowd(t.Context(), l, goroutines)
	must.Succeed(t, err)
	for _, p := range others {
		for p.lines.Scan() {
			spans = append(spans, parseSpan(t, p.lines.Text()))
		}
		if err := p.Wait(); err != nil {
			t.Error(err)
		}
	}
	checkTurns(t, spans, goroutines+5*processes)
	cloud.Clear()
	r, err := l.Read(t.Context(), "shop-x")
	if err != nil || r.RequestNumber < int64(len(spans)) {
		t.Errorf("in the end: %+v, %v", r, err)
	}
	t.Logf("%d turns, %d calls, %d request numbers", len(spans), len(cloud.Calls()), r.RequestNumber)
}

func parseSpan(t *testing.T, line string) (s span) {
	t.Helper()
	var from, to int64
	if _, err := fmt.Sscanf(line, "span %d %d %d", &from, &to, &s.counter); err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	s.from, s.to = time.Unix(0, from), time.Unix(0, to)
	return s
}

func checkTurns(t *testing.T, spans []span, want int) {
	t.Helper()
	if len(spans) != want {
		t.Errorf("%d had the lease, want %d", len(spans), want)
	}
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.from.UnixNano(), b.from.UnixNano()) })
	for i := 1; i < len(spans); i++ {
		before, s := spans[i-1], spans[i]
		if s.from.UnixNano() < before.to.UnixNano() {
			t.Errorf("two had the lease at once: %v to %v, and from %v", before.from, before.to, s.from)
		}
		if s.counter <= before.counter {
			t.Errorf("the counter went from %d to %d", before.counter, s.counter)
		}
	}
}

func TestManyShareALease(t *testing.T) {
	t.Parallel()
	l := open(t)
	l.poll = 200 * time.Millisecond
	spans, err := crowd(t.Context(), l, 50)
	must.Succeed(t, err)
	checkTurns(t, spans, 50)
}
