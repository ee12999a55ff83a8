package faults

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"beansprout/localcloud"
	"beansprout/localcloud/fault"
	"beansprout/test/lab"
	"beansprout/test/must"
)

// task is something that the binary does to a cloud where calls go wrong.
type task struct {
	journey
	changes bool // what the cloud holds; otherwise what counts is what is printed
}

func tasks() []task {
	var all []task
	for _, j := range journeys {
		all = append(all, task{j, true})
	}
	upped := func(l *lab.Lab) { l.Must(l.Up()...) }
	return append(all,
		task{journey{"list", upped, func(*lab.Lab) []string { return []string{"list", "--json"} }}, false},
		task{journey{"status", upped, func(l *lab.Lab) []string { return append([]string{"status", "--json"}, l.UpArgs...) }}, false},
	)
}

// operation is what a rule can be about.
type operation struct {
	service, name string
	calls         int // how many a run makes
}

func operationOf(e localcloud.Entry) operation {
	name := e.Action
	if e.Service == "registry" { // by whatever name the image has there
		method, _, _ := strings.Cut(name, " ")
		name = method + " *"
	}
	return operation{service: e.Service, name: name}
}

// spoiled is one rule for one task.
type spoiled struct {
	task
	rule  fault.Rule
	heals bool // it strikes once, so that another try heals it
	want  string
}

// TestFaultsAnywhere lets each operation that a task uses go wrong in each way, once and
// always: the task succeeds, and that is true, or it says that it failed; it succeeds where
// another try heals it; and it ends in time. A sample, unless it is a soak.
func TestFaultsAnywhere(t *testing.T) {
	lab.NeedEngine(t)
	n := 0
	for _, k := range tasks() {
		t.Run(k.name, func(t *testing.T) {
			operations, want := k.undisturbed(t)
			for _, s := range k.spoil(operations, want) {
				if n++; !lab.Soak() && n%47 != 0 {
					continue
				}
				t.Run(s.String(), func(t *testing.T) {
					t.Parallel()
					s.run(t)
				})
			}
		})
	}
	t.Logf("%d cases", n)
}

// undisturbed does the task where nothing goes wrong, and returns the operations that it
// used and what the cloud holds then.
func (k task) undisturbed(t *testing.T) (used []operation, want string) {
	l, _ := k.begin(t)
	before := len(l.Cloud.Calls())
	l.Must(k.args(l)...)
	for _, e := range l.Cloud.Calls()[before:] {
		o := operationOf(e)
		i := slices.IndexFunc(used, func(u operation) bool { return u.service == o.service && u.name == o.name })
		if i < 0 {
			i, used = len(used), append(used, o)
		}
		used[i].calls++
	}
	return used, l.Holdings()
}

// spoil makes the rules: each kind strikes once, at another of the calls each, and always.
func (k task) spoil(operations []operation, want string) []spoiled {
	var all []spoiled
	for _, o := range operations {
		for i, kind := range fault.Kinds() {
			rule := fault.Rule{Service: o.service, Operation: o.name, Kind: kind}
			if kind == fault.Slow {
				rule.For = time.Second
			}
			once := rule
			once.Count, once.Skip = 1, i%o.calls
			if kind == fault.TimeoutBefore || kind == fault.TimeoutAfter {
				once.For, rule.For = time.Second, silence(o.service)
			}
			for _, r := range []fault.Rule{once, rule} {
				if r.Check() == nil { // a write has no stale answer
					all = append(all, spoiled{task: k, rule: r, heals: r.Count == 1, want: want})
				}
			}
		}
	}
	return all
}

// silence is how long each call goes unanswered where none ever is; 0 is for good. The
// engine doesn't give up a call to the registry, and the next push waits for that of before.
func silence(service string) time.Duration {
	if service == "registry" {
		return shortTime + tolerance
	}
	return 0
}

func (s spoiled) String() string {
	often := "always"
	if s.heals {
		often = fmt.Sprintf("once, at call %d", s.rule.Skip+1)
	}
	return fmt.Sprintf("%s:%s %s %s", s.rule.Service, s.rule.Operation, s.rule.Kind, often)
}

// What a task gets as its --timeout, and how much longer it may take.
const (
	shortTime = 4 * time.Second
	longTime  = 30 * time.Second
	tolerance = 5 * time.Second
)

func (s spoiled) run(t *testing.T) {
	l, _ := s.begin(t)
	must.Succeed(t, l.Cloud.Inject(s.rule))
	timeout := shortTime
	if s.heals {
		timeout = longTime
	}
	r := l.Run(l.Command(append(s.args(l), "--timeout", timeout.String())), nil)
	l.Cloud.Clear()
	switch {
	case r.Took > timeout+tolerance:
		t.Errorf("over the deadline of %s: %v", timeout, r)
	case r.Code == 0:
		s.succeeded(l, r)
	case s.heals:
		t.Errorf("false failure: %v", r)
	case r.Code != lab.ExitFailed || !strings.Contains(r.Stderr, "\nerror: ") && !strings.HasPrefix(r.Stderr, "error: "):
		t.Errorf("not an error as documented: %v", r)
	default:
		s.again(l, r)
	}
}

// succeeded finds out whether that is true. Where an operation never worked, what only the
// ledger knows may be missing, with a warning.
func (s spoiled) succeeded(l *lab.Lab, r lab.Ended) {
	l.Helper()
	if !s.changes {
		calm := l.Must(s.args(l)...)
		warned := !s.heals && strings.Contains(r.Stderr, "warning: ") && strings.Contains(r.Stdout, l.Name("login"))
		if calm.Stdout != r.Stdout && !warned {
			l.Errorf("false: %v\nwithout the fault: %v", r, calm)
		}
		return
	}
	got, want := l.Holdings(), s.want
	if !s.heals && strings.Contains(r.Stderr, "warning: ") {
		got, want = lab.EnvironmentLines(got), lab.EnvironmentLines(want)
	}
	if got != want {
		l.Errorf("false success: %v\nthe cloud holds other things (-) than without the fault (+):\n%s", r, lab.Difference(got, want))
	}
}

// again runs a task that has failed where nothing goes wrong any more.
func (s spoiled) again(l *lab.Lab, failed lab.Ended) {
	l.Helper()
	r := l.Run(l.Command(s.args(l)), nil)
	if r.Code != 0 {
		l.Fatalf("%v\nand again without the fault: %v", failed, r)
	}
	if got := l.Holdings(); got != s.want {
		l.Errorf("%v\nand again without the fault: %v\nthe cloud holds other things (-) than without the fault (+):\n%s", failed, r, lab.Difference(got, s.want))
	}
}

// TestTheTimeIsKeptWithoutAnswers is a cloud that answers nothing at all.
func TestTheTimeIsKeptWithoutAnswers(t *testing.T) {
	lab.NeedEngine(t)
	for _, k := range tasks() {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			l, _ := k.begin(t)
			must.Succeed(t, l.Cloud.Inject(fault.Rule{Service: "*", Operation: "*", Kind: fault.TimeoutBefore}))
			r := l.Run(l.Command(append(k.args(l), "--timeout", "2s")), nil)
			if r.Code != lab.ExitFailed || r.Took > 2*time.Second+tolerance {
				t.Errorf("%v", r)
			}
		})
	}
}
