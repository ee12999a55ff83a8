package daemon

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"beansprout/envs"
	"beansprout/janitor"
)

// Metrics are what /metrics shows. The values of their labels come from lists in this program, the
// configuration and the SDK, never from outside. Their methods may be called at any time.
type Metrics struct {
	registry *prometheus.Registry

	environments *prometheus.GaugeVec
	due          *prometheus.GaugeVec
	red          *prometheus.GaugeVec
	oldest       *prometheus.GaugeVec
	lastSweep    *prometheus.GaugeVec
	sweeps       *prometheus.CounterVec
	sweepTime    *prometheus.HistogramVec
	removals     *prometheus.CounterVec
	refusals     *prometheus.CounterVec
	warnings     *prometheus.CounterVec
	presses      *prometheus.CounterVec
	pressTime    *prometheus.HistogramVec
	calls        *prometheus.CounterVec
	callTime     *prometheus.HistogramVec
	leaseWaits   prometheus.Histogram
}

// Buckets of durations, in seconds.
var (
	shortTimes = []float64{.01, .03, .1, .3, 1, 3, 10, 30}
	longTimes  = []float64{.1, .3, 1, 3, 10, 30, 100, 300, 1000, 3000}
)

// NewMetrics returns metrics that have counted nothing.
func NewMetrics() *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry()}
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.environments = m.gauge("environments", "Environments that the last sweep has listed, by their state in AWS.", "application", "state")
	m.due = m.gauge("environments_due", "Environments of ours whose days are over, or will be within a day.", "application")
	m.red = m.gauge("environments_red", "Environments of ours that AWS calls Red.", "application")
	m.oldest = m.gauge("oldest_environment_age_seconds", "Age of the oldest environment of ours.", "application")
	m.lastSweep = m.gauge("last_sweep_timestamp_seconds", "When the last sweep ended.", "application")
	m.sweeps = m.counter("sweeps_total", "Sweeps, by how they ended.", "application", "result")
	m.sweepTime = m.histogram("sweep_duration_seconds", "Durations of sweeps.", longTimes, "application")
	m.removals = m.counter("removals_total", "Removals, by why they were made.", "application", "reason", "result")
	m.refusals = m.counter("refusals_total", "Sweeps that were refused as a whole, by why.", "application", "reason")
	m.warnings = m.counter("warnings_total", "Warnings ahead of a removal, by whether they were delivered.", "result")
	m.presses = m.counter("presses_total", "Presses of buttons, by what they asked for and how they ended.", "action", "result")
	m.pressTime = m.histogram("press_duration_seconds", "Durations of what presses asked for.", longTimes, "action")
	m.calls = m.counter("aws_calls_total", "HTTP requests to AWS, by how they ended.", "service", "operation", "result")
	m.callTime = m.histogram("aws_call_duration_seconds", "Durations of HTTP requests to AWS.", shortTimes, "service")
	waits := m.histogram("lease_wait_seconds", "How long operations waited for others of the same environment.", longTimes)
	m.leaseWaits = waits.WithLabelValues().(prometheus.Histogram)
	return m
}

const namespace = "beansprout"

func (m *Metrics) gauge(name, help string, labels ...string) *prometheus.GaugeVec {
	v := prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help}, labels)
	m.registry.MustRegister(v)
	return v
}

func (m *Metrics) counter(name, help string, labels ...string) *prometheus.CounterVec {
	v := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
	m.registry.MustRegister(v)
	return v
}

func (m *Metrics) histogram(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	v := prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help, Buckets: buckets}, labels)
	m.registry.MustRegister(v)
	return v
}

func (m *Metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// Call counts an HTTP request to AWS.
func (m *Metrics) Call(service, operation string, took time.Duration, failed, throttled bool) {
	result := "ok"
	switch {
	case throttled:
		result = "throttled"
	case failed:
		result = "failed"
	}
	m.calls.WithLabelValues(service, operation, result).Inc()
	m.callTime.WithLabelValues(service).Observe(took.Seconds())
}

// LeaseWait counts an operation that had to wait for another one.
func (m *Metrics) LeaseWait(d time.Duration) { m.leaseWaits.Observe(d.Seconds()) }

func (m *Metrics) warned(err error) { m.warnings.WithLabelValues(result(err)).Inc() }

func (m *Metrics) pressed(action, result string, took time.Duration) {
	m.presses.WithLabelValues(action, result).Inc()
	m.pressTime.WithLabelValues(action).Observe(took.Seconds())
}

// removedByPress counts a removal that a press asked for.
func (m *Metrics) removedByPress(application string, err error) {
	m.removals.WithLabelValues(application, "press", result(err)).Inc()
}

func result(err error) string {
	if err != nil {
		return "failed"
	}
	return "ok"
}

// swept counts a sweep and what it did.
func (m *Metrics) swept(application string, r janitor.Report, err error) {
	m.sweepTime.WithLabelValues(application).Observe(r.Took.Seconds())
	m.lastSweep.WithLabelValues(application).SetToCurrentTime()
	ended := result(err)
	if r.Refused != "" {
		ended = "refused"
		m.refusals.WithLabelValues(application, refusal(err)).Inc()
	}
	m.sweeps.WithLabelValues(application, ended).Inc()
	m.removed(application, "", r.Decisions)
	m.removed(application, "leftovers", r.Leftovers)
	if r.Now.IsZero() { // nothing was listed
		return
	}
	counts := map[string]int{"other": 0}
	for _, s := range envs.LivingStates {
		counts[string(s)] = 0
	}
	for state, n := range r.States {
		if !slices.Contains(envs.LivingStates, envs.State(state)) {
			state = "other"
		}
		counts[state] += n
	}
	for state, n := range counts {
		m.environments.WithLabelValues(application, state).Set(float64(n))
	}
	m.oldest.WithLabelValues(application).Set(r.Oldest.Seconds())
	m.listed(application, r)
}

// dueTime is how long before its days are over an environment counts as due, here and on the board.
const dueTime = 24 * time.Hour

// listed counts what a sweep has listed and did not remove.
func (m *Metrics) listed(application string, r janitor.Report) {
	due, red := 0, 0
	for _, d := range r.Decisions {
		if d.Action == janitor.Removed {
			continue
		}
		if !d.Expiry.IsZero() && d.Expiry.Before(r.Now.Add(dueTime)) {
			due++
		}
		if d.Env != nil && d.Env.Health == "Red" {
			red++
		}
	}
	m.due.WithLabelValues(application).Set(float64(due))
	m.red.WithLabelValues(application).Set(float64(red))
}

// removed counts the removals among decisions. Without a reason, it is the decision's.
func (m *Metrics) removed(application, reason string, all []janitor.Decision) {
	for _, d := range all {
		why := reason
		switch {
		case why == "" && d.BranchGone():
			why = "branch_gone"
		case why == "":
			why = "expired"
		}
		switch d.Action {
		case janitor.Removed:
			m.removals.WithLabelValues(application, why, "ok").Inc()
		case janitor.Failed:
			m.removals.WithLabelValues(application, why, "failed").Inc()
		}
	}
}

// refusal returns why a sweep was refused as a whole, in one of a few words. Of a dry sweep, for which
// the refusal is no error, it is "other".
func refusal(err error) string {
	switch {
	case errors.Is(err, janitor.ErrTooMany):
		return "too_many"
	case errors.Is(err, janitor.ErrShrunk):
		return "shrunk"
	case errors.Is(err, janitor.ErrSkew):
		return "clock"
	case errors.Is(err, envs.ErrNoApplication):
		return "no_application"
	}
	return "other"
}
