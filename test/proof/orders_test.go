package proof

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"

	"beansprout/envs"
	"beansprout/janitor"
	"beansprout/localcloud"
	"beansprout/test/oracle"
)

// TestEveryOrderOfUpsAndRemovals has three to five operations at work on one feature, whose calls reach
// the cloud in an order that is drawn: each call is held until it is its turn. Operations stand still for
// a while, in the long form for longer than a lease lasts, or can't reach S3. A call that changes
// something is not held for long: between the last check and the call itself nothing can be checked.
func TestEveryOrderOfUpsAndRemovals(t *testing.T) {
	orders, batch, atOnce := 120, 60, 8
	switch {
	case soak():
		orders, batch, atOnce = 2000, 250, 32 // some stand still for a minute: on a slow machine more would starve the rest
	case raced, testing.Short():
		orders, batch = 16, 16
	}
	seed := seedOf(t)
	began, calls, removals := time.Now(), 0, 0
	for first := 0; first < orders && !t.Failed(); first += batch {
		f := newField(t, localcloud.Config{CreateTime: 20 * time.Millisecond, UpdateTime: 20 * time.Millisecond, TerminateTime: 20 * time.Millisecond})
		all := make([]*order, min(batch, orders-first))
		each(len(all), atOnce, func(i int) { all[i] = newOrder(f, seed, first+i) })
		f.advance(6 * days)
		each(len(all), atOnce, func(i int) { all[i].run(); all[i].check() })
		for _, o := range all {
			calls, removals = calls+o.granted, removals+o.judged
		}
	}
	t.Logf("%d orders of %d calls in %v: %d removals by sweeps", orders, calls, time.Since(began).Round(time.Second), removals)
}

// order is some operations on one feature, and the order in which their calls reach the cloud.
type order struct {
	*field
	random      *rand.Rand
	application string
	policy      oracle.Policy
	operations  []*operation
	first       string // the id of the environment that there is before them, "" for none

	mu       sync.Mutex
	waiting  []*pending
	granted  int
	judged   int // removals
	story    []string
	problems []string
}

// operation is one of them.
type operation struct {
	name    string
	by      string
	do      func(context.Context, *envs.Manager) ([]envs.Receipt, error)
	manager *envs.Manager
	weight  int
	cut     int // the call to S3 from which on it can't reach S3 for a while, 0 for never
	calls   int
	lost    int           // calls to S3
	ahead   int           // how many calls it makes before the others make any
	pause   time.Duration // how long it stands still before its nth call
	at      int

	process  *os.Process // nil of one in this process
	receipts []envs.Receipt
	err      error
	done     bool
}

// pending is a call that waits until it may be sent.
type pending struct {
	operation *operation
	call      call
	granted   chan error
}

const feature = "login"

// removalCall is the call of a sweep with which it removes, if nothing is in its way.
const removalCall = 13

func newOrder(f *field, seed uint64, number int) *order {
	o := openOrder(f, seed, number)
	o.choose(o.sweep, o.up, o.up, o.down, o.sweep, o.extend, o.protect, o.restore)
	for _, op := range o.operations {
		op.manager = o.new(op.name, func(c call) error { return o.wait(op, c) })
	}
	return o
}

// openOrder makes the application, and for most orders the feature's environment. Some were removed
// again.
func openOrder(f *field, seed uint64, number int) *order {
	o := &order{field: f, random: rand.New(rand.NewPCG(seed, uint64(number)|1<<40)), application: fmt.Sprint("order", number)}
	o.policy = oracle.Policy{Account: f.account, TTL: 5 * days}
	if _, err := f.bare.CreateApplication(f.Context(), &elasticbeanstalk.CreateApplicationInput{ApplicationName: &o.application}); err != nil {
		f.Error(err)
	}
	if o.random.IntN(4) == 0 {
		return o
	}
	m := o.new("before", nil)
	r, err := m.Deploy(f.Context(), deployment(feature, o.application+" before"), envs.Options{By: "before"})
	if o.first = r.Environment.ID; err == nil && o.random.IntN(4) == 0 {
		_, err = m.Remove(f.Context(), r.Environment, envs.RemoveOptions{})
	}
	if err != nil {
		f.Error(err)
	}
	return o
}

// choose draws three to five operations. The first two are a sweep and an up.
func (o *order) choose(kinds ...func(int) *operation) {
	for i := range 3 + o.random.IntN(3) {
		kind := kinds[o.random.IntN(len(kinds))]
		if i < 2 {
			kind = kinds[i]
		}
		op := kind(i)
		op.by, op.name, op.weight = op.name, fmt.Sprintf("%s of %s", op.name, o.application), 1+o.random.IntN(20)
		op.at, op.pause = 1+o.random.IntN(30), time.Duration(o.random.IntN(300))*time.Millisecond
		if i == 0 && o.random.IntN(2) == 0 { // it stops when it is about to remove, and the others come
			op.ahead, op.at = o.random.IntN(removalCall), removalCall-o.random.IntN(4)
		}
		if soak() && o.random.IntN(4) == 0 {
			op.pause = 65 * time.Second
		}
		if o.random.IntN(6) == 0 {
			op.cut = 1 + o.random.IntN(12)
		}
		o.operations = append(o.operations, op)
	}
}

func (o *order) new(name string, before func(call) error) *envs.Manager {
	return o.manager(name, before, envs.Config{Application: o.application, Days: envs.Days{TTL: 5 * days, Least: days, RestoreFor: 10 * days}})
}

func (o *order) up(n int) *operation {
	by := fmt.Sprint("up ", n)
	d := deployment(feature, fmt.Sprint(o.application, " ", n))
	d.Commit = fmt.Sprint("commit", n)
	return &operation{name: by, do: func(ctx context.Context, m *envs.Manager) ([]envs.Receipt, error) {
		_, err := m.Deploy(ctx, d, envs.Options{By: by})
		return nil, err
	}}
}

func (o *order) down(n int) *operation {
	by := fmt.Sprint("down ", n)
	return &operation{name: by, do: func(ctx context.Context, m *envs.Manager) ([]envs.Receipt, error) {
		e, err := m.Get(ctx, o.application, feature)
		if err != nil {
			return nil, err
		}
		receipt, err := m.Remove(ctx, e, envs.RemoveOptions{Options: envs.Options{By: by}})
		return []envs.Receipt{receipt}, err
	}}
}

func (o *order) sweep(n int) *operation {
	by := fmt.Sprint("sweep ", n)
	return &operation{name: by, do: func(ctx context.Context, m *envs.Manager) ([]envs.Receipt, error) {
		j := &janitor.Janitor{Environments: m, Options: envs.Options{By: by}, MaxDeletions: 10, Now: o.now}
		report, err := j.Sweep(ctx, true)
		var receipts []envs.Receipt
		for _, d := range slices.Concat(report.Decisions, report.Leftovers) {
			if d.Receipt != nil {
				receipts = append(receipts, *d.Receipt)
			}
		}
		return receipts, err
	}}
}

func (o *order) extend(n int) *operation {
	return &operation{name: fmt.Sprint("extend ", n), do: func(ctx context.Context, m *envs.Manager) ([]envs.Receipt, error) {
		e, err := m.Get(ctx, o.application, feature)
		if err == nil {
			_, err = m.Extend(ctx, e, days, envs.Options{By: "kim"})
		}
		return nil, err
	}}
}

func (o *order) protect(n int) *operation {
	return &operation{name: fmt.Sprint("protect ", n), do: func(ctx context.Context, m *envs.Manager) ([]envs.Receipt, error) {
		e, err := m.Get(ctx, o.application, feature)
		if err == nil {
			_, err = m.Protect(ctx, e, "", envs.Options{By: "kim"})
		}
		return nil, err
	}}
}

func (o *order) restore(n int) *operation {
	by := fmt.Sprint("restore ", n)
	return &operation{name: by, do: func(ctx context.Context, m *envs.Manager) ([]envs.Receipt, error) {
		e, err := m.Restorable(ctx, o.application, feature)
		if err == nil {
			_, err = m.Restore(ctx, e, envs.RestoreOptions{Options: envs.Options{By: by}, Check: envs.HealthCheck{Off: true}})
		}
		return nil, err
	}}
}

// wait holds a call until it is its turn. An operation that stands still makes its calls later; a
// process is stopped before it has the answer to one.
func (o *order) wait(op *operation, c call) error {
	t := &pending{op, c, make(chan error, 1)}
	o.mu.Lock()
	op.calls++
	pause := op.pause
	if op.calls != op.at || c.changes() && op.process == nil {
		pause = 0
	}
	o.mu.Unlock()
	if op.process != nil && pause > 0 {
		op.stop(pause)
		pause = 0
	}
	time.Sleep(pause)
	o.mu.Lock()
	o.waiting = append(o.waiting, t)
	o.mu.Unlock()
	return <-t.granted
}

// run starts the operations and grants their calls, one after the other.
func (o *order) run() {
	ctx, cancel := context.WithTimeout(o.Context(), 8*time.Minute)
	defer cancel()
	var all sync.WaitGroup
	ended := make(chan struct{})
	for _, op := range o.operations {
		all.Go(func() {
			receipts, err := op.do(ctx, op.manager)
			o.bury(op)
			o.mu.Lock()
			defer o.mu.Unlock()
			op.receipts, op.err, op.done = receipts, err, true
		})
	}
	go func() { all.Wait(); close(ended) }()
	for {
		select {
		case <-ended:
			return
		case <-time.After(time.Millisecond):
			o.grant()
		}
	}
}

// bury takes away the lease that an operation has not given back, because it could not reach S3. It
// would be over after a minute, for which the others would wait.
func (o *order) bury(op *operation) {
	if op.cut >= 0 {
		return
	}
	name := envs.Name(o.account, o.application, feature)
	var rec map[string]any
	if json.Unmarshal([]byte(o.record(name)), &rec) != nil {
		return
	}
	if owner, ok := rec["lease"].(map[string]any); ok && owner["by"] == op.by {
		delete(rec, "lease")
		text, _ := json.Marshal(rec)
		o.putRecord(name, string(text))
	}
}

// grant lets one of the waiting calls go on.
func (o *order) grant() {
	o.mu.Lock()
	defer o.mu.Unlock()
	calls := o.waiting
	if first := o.operations[0]; first.calls <= first.ahead && !first.done {
		calls = slices.DeleteFunc(slices.Clone(calls), func(t *pending) bool { return t.operation != first })
	}
	if len(calls) == 0 {
		return
	}
	if o.random.IntN(20) == 0 {
		for _, op := range o.operations {
			op.weight = 1 + o.random.IntN(20)*o.random.IntN(2)
		}
	}
	total := 0
	for _, t := range calls {
		total += t.operation.weight
	}
	draw, i := o.random.IntN(total), 0
	for draw -= calls[0].operation.weight; draw >= 0; draw -= calls[i].operation.weight {
		i++
	}
	t := calls[i]
	o.waiting = slices.DeleteFunc(o.waiting, func(other *pending) bool { return other == t })
	o.granted++
	o.story = append(o.story, t.operation.name+": "+t.call.action)
	if t.call.action == "TerminateEnvironment" && strings.HasPrefix(t.operation.name, "sweep") {
		o.judge(t)
	}
	t.granted <- o.partition(t)
}

// partition keeps an operation from S3 for five calls.
func (o *order) partition(t *pending) error {
	op := t.operation
	if toS3 := strings.HasSuffix(t.call.action, " record") || strings.HasSuffix(t.call.action, " s3"); op.cut == 0 || !toS3 {
		return nil
	}
	op.cut--
	if op.cut == 0 {
		op.cut = -5
	}
	if op.cut > 0 {
		return nil
	}
	op.cut = min(op.cut+1, -1)
	if op.lost++; op.lost > 5 {
		return nil
	}
	return errors.New("S3 can't be reached")
}

func (o *order) judge(t *pending) {
	o.judged++
	id := t.call.form.Get("EnvironmentId")
	o.wire.mu.Lock()
	r := *o.wire.of(t.operation.name, id)
	o.wire.mu.Unlock()
	if problem := wrong(o.policy, r, time.Now()); problem != "" {
		o.problems = append(o.problems, fmt.Sprintf("%s removes %s, and %s: %+v", t.operation.name, id, problem, r.Facts))
	}
}
