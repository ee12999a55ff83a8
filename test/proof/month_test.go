package proof

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"beansprout/daemon"
	"beansprout/envs"
	"beansprout/envs/store"
	"beansprout/janitor"
	"beansprout/localcloud"
	"beansprout/localcloud/fault"
	"beansprout/notify/notifytest"
	"beansprout/test/oracle"
)

const (
	quarter = 6 * hours // between two sweeps
	shop    = "shop"
)

// TestADaemonServesForWeeks has the janitor's daemon sweep and answer Slack for a month by the cloud's
// clock, in the short form for three days. Branches come and go, and people deploy, extend, protect,
// remove and restore what they have, while one in fifty calls goes wrong. Each removal is judged when
// it reaches the cloud. In the end nothing is left, and the daemon uses no more than
// after a third of the time.
func TestADaemonServesForWeeks(t *testing.T) {
	length, branches, noise := 3, 12, int64(256<<10)
	switch {
	case soak():
		length, branches, noise = 30, 500, 64<<10
	case raced, testing.Short():
		branches = 6
	}
	began := time.Now()
	m := newMonth(t, seedOf(t), soak())
	m.sample()
	m.start()
	var baseline size
	for n := range length * int(days/quarter) {
		for m.branches.count < branches*(n+1)/(length*int(days/quarter)) {
			m.branches.bear()
		}
		m.elapse(m.people())
		if day := n * int(quarter) / int(days); n%int(days/quarter) == 3 {
			m.quiet(func() { m.checkNothingIsMissing() })
			t.Logf("day %d: %+v", day, m.done)
			if day == length/3 {
				baseline = m.size()
			}
		}
	}
	m.wind()
	m.checkSize(baseline, noise)
	m.stop()
	t.Logf("%d days, %d branches in %v: %+v", length, m.branches.count, time.Since(began).Round(time.Second), m.done)
	if d := m.done; soak() && (d.removals < branches/2 || d.warnings < branches/2 || d.presses < branches/5 || d.restores < branches/50) {
		t.Errorf("that proves little: %+v", d)
	}
}

// month is an application, its people and its daemon.
type month struct {
	*field
	random  *rand.Rand
	policy  oracle.Policy
	days    envs.Days
	slack   *notifytest.Server
	remote  *remote
	daemon  *envs.Manager
	janitor *janitor.Janitor
	logged  *pressLog
	stop    func() // ends the daemon

	swept    chan janitor.Report // a sweep has ended, and the next one waits
	proceed  chan struct{}       // for this
	branches branches

	mu       sync.Mutex
	problems []string
	done     counts
}

// counts are what happened.
type counts struct{ deploys, sweeps, removals, leftovers, warnings, presses, restores, failed int }

func newMonth(t *testing.T, seed uint64, long bool) *month {
	f := newField(t, localcloud.Config{})
	m := &month{field: f, random: rand.New(rand.NewPCG(seed, 30)), remote: newRemote(f), slack: notifytest.New(), logged: &pressLog{}}
	t.Cleanup(m.slack.Close)
	m.swept, m.proceed, m.branches = make(chan janitor.Report), make(chan struct{}), branches{month: m}
	m.policy = oracle.Policy{Account: f.account, TTL: 36 * hours, Warn: 12 * hours, Settle: quarter}
	m.days = envs.Days{TTL: m.policy.TTL, Least: 12 * hours, RestoreFor: days}
	if long {
		m.policy.TTL, m.policy.Warn = 5*days, days
		m.days = envs.Days{TTL: m.policy.TTL, Least: days, RestoreFor: 3 * days}
	}
	for _, p := range staff {
		m.slack.AddUser(p)
	}
	m.slack.Always(m.moody())
	m.spoil()
	return m
}

// share of the calls goes wrong.
const share = 0.02

// spoil has calls to AWS go wrong, each kind as often. The stale answers of hours ago, which the cloud
// can give, AWS does not.
func (m *month) spoil() {
	kinds := slices.DeleteFunc(fault.Kinds(), func(k fault.Kind) bool { return k == fault.Stale })
	for _, k := range kinds {
		r := fault.Rule{Service: "*", Operation: "*", Kind: k, Probability: share / float64(len(kinds)), Seed: m.random.Uint64()}
		if k == fault.Slow || k == fault.TimeoutBefore || k == fault.TimeoutAfter {
			r.For = time.Second
		}
		if err := m.cloud.Inject(r); err != nil {
			m.Fatal(err)
		}
	}
}

// moody returns how Slack answers.
func (m *month) moody() notifytest.Answer {
	var mu sync.Mutex
	luck := rand.New(rand.NewPCG(m.random.Uint64(), 0))
	wrong := []notifytest.Answer{
		notifytest.RateLimit(1), notifytest.Body(500, ""), notifytest.HangUp(), notifytest.ActThen(notifytest.HangUp()), notifytest.Half(), notifytest.Slow(time.Second),
	}
	return func(s *notifytest.Server, w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		answer := notifytest.Slow(0)
		if luck.Float64() < share {
			answer = wrong[luck.IntN(len(wrong))]
		}
		mu.Unlock()
		answer(s, w, r)
	}
}

// start starts the daemon, and returns when its first sweep has ended.
func (m *month) start() {
	m.Helper()
	client, metrics := m.bot(), daemon.NewMetrics()
	warnings := daemon.Observe(client, metrics)
	m.daemon = m.managerOf("daemon", nil, warnings)
	m.janitor = &janitor.Janitor{
		Environments: m.managerOf("janitor", m.judge, warnings), Options: envs.Options{By: "janitor"}, Warn: m.policy.Warn,
		Branches: janitor.Branches{Remote: m.remote.server.URL + "/shop.git", After: m.policy.Settle}, MaxDeletions: 100, Now: m.now,
	}
	d, err := daemon.New(daemon.Config{
		Live: true, Metrics: metrics, Log: m.logged.logger(), Slack: daemon.Presses{AppToken: notifytest.AppToken, API: m.slack.URL},
		Applications: []daemon.Application{{
			Manager: m.daemon, Janitor: m.janitor, Schedule: "@every 1s", Slack: client, Warnings: warnings, Check: envs.HealthCheck{Off: true},
		}},
	})
	if err != nil {
		m.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	tell := m.janitor.Swept
	m.janitor.Swept = func(r janitor.Report, err error) {
		tell(r, err)
		select {
		case m.swept <- r:
		case <-ctx.Done():
			return
		}
		select {
		case <-m.proceed:
		case <-ctx.Done():
		}
	}
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	m.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			m.Error(err)
		}
	})
	m.Cleanup(m.stop)
	<-m.swept
}

// managerOf returns a Manager of the application.
func (m *month) managerOf(name string, before func(call) error, slack envs.Announcer) *envs.Manager {
	return m.manager(name, before, envs.Config{
		Application: shop, Days: m.days, Repository: envs.Repository{Name: shop, Expire: days}, Announcers: map[string]envs.Announcer{"Slack": slack},
	})
}

// elapse lets six hours go by: people do what they do while the daemon sweeps. It returns when all of
// them are at rest.
func (m *month) elapse(people []func()) {
	m.Helper()
	m.advance(quarter)
	m.quiet(func() {
		if err := m.daemon.Beat(m.Context(), store.Heartbeat{Live: true, Presses: true}); err != nil {
			m.Error(err) // the daemon's own comes once a minute of ours
		}
	})
	m.proceed <- struct{}{}
	each(len(people), 4, func(i int) { people[i]() })
	r := <-m.swept
	m.done.sweeps++
	m.done.warnings += r.Count(janitor.Warned)
	m.done.removals += r.Count(janitor.Removed)
	for _, d := range r.Leftovers {
		if d.Action == janitor.Removed {
			m.done.leftovers++
		}
	}
	m.logged.settle(m.TB)
	m.settled(shop)
	m.report()
}

// quiet does something while no call goes wrong.
func (m *month) quiet(do func()) {
	m.cloud.Clear()
	do()
	m.spoil()
}

// wind has all branches go and all protections end, and lets the days pass until nothing can be needed
// any more.
func (m *month) wind() {
	m.Helper()
	m.cloud.Clear()
	m.slack.Always(nil)
	m.branches.end()
	m.janitor.Max = 1000
	for n := 0; ; n++ {
		if n == 40 {
			m.Fatalf("ten days after the last branch has gone there is still %+v", m.rows(shop))
		}
		for _, r := range m.rows(shop) {
			e, err := m.daemon.Get(m.Context(), shop, m.facts(r).Tags["beansprout:feature"])
			if err == nil && e.Protected() {
				_, err = m.daemon.Unprotect(m.Context(), e, envs.Options{By: "kim"})
			}
			if err != nil && !expected(err) {
				m.Error(err)
			}
		}
		m.windOn()
		if len(m.rows(shop)) == 0 {
			break
		}
	}
	for range int((m.days.RestoreFor + 3*days) / days) {
		m.advance(days - quarter)
		m.windOn()
	}
	m.checkNothingIsLeft()
	m.report()
}

// windOn is elapse where nobody does anything and no call goes wrong.
func (m *month) windOn() {
	m.elapse(nil)
	m.cloud.Clear()
}

func (m *month) problem(format string, args ...any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.problems = append(m.problems, fmt.Sprintf(format, args...))
}

func (m *month) report() {
	m.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.problems) > 0 {
		m.Fatalf("after sweep %d:\n%s", m.done.sweeps, strings.Join(m.problems, "\n"))
	}
}
