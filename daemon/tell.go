package daemon

import (
	"context"
	"slices"
	"time"

	"beansprout/envs"
	"beansprout/janitor"
	"beansprout/notify"
	"beansprout/pattern"
	"beansprout/visible"
)

// tellTime is how long it may take to tell Slack of a sweep.
const tellTime = 30 * time.Second

// alerts remembers what was told, so that the same refusal is told once.
type alerts struct{ last string }

var digits = pattern.New(`[0-9]+`)

// changed reports whether a reason is another one than the last, "" for none. Numbers and dates in it
// change with every sweep and make no other reason.
func (a *alerts) changed(reason string) bool {
	reason = digits.ReplaceAllString(reason, "#")
	changed := reason != a.last
	a.last = reason
	return changed
}

// tell posts one digest about a live sweep that did something, and one alert about one that was refused
// until that changes.
func (d *Daemon) tell(s *service, r janitor.Report, err error) {
	if !d.config.Live || s.Slack == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), tellTime)
	defer cancel()
	reason := ""
	if err != nil {
		reason = r.Refused
	}
	if s.alerts.changed(reason) && reason != "" {
		alert := notify.Alert{Application: s.Manager.Application(), Region: s.Manager.Region(), Reason: d.config.Mask(reason), Hint: d.hint(err)}
		if err := s.Slack.Alert(ctx, alert); err != nil {
			s.alerts.last = "" // it is told again
			d.log.Warn("alert", "application", s.name, "error", err.Error())
		}
	}
	if err := s.Slack.Digest(ctx, Digest(s.Manager, r, d.config.Mask)); err != nil {
		d.log.Warn("digest", "application", s.name, "error", err.Error())
	}
}

func (d *Daemon) hint(err error) string {
	if d.config.Hint == nil {
		return ""
	}
	return d.config.Hint(err)
}

// Digest returns what a sweep of the manager's environments did, for Slack. mask takes secrets out.
func Digest(m *envs.Manager, r janitor.Report, mask func(string) string) notify.Sweep {
	sweep := notify.Sweep{Application: m.Application(), Region: m.Region()}
	for _, d := range slices.Concat(r.Decisions, r.Leftovers) {
		o := outcome(d, mask)
		switch d.Action {
		case janitor.Removed:
			if !d.RecordAlone() {
				sweep.Removed = append(sweep.Removed, o)
			}
		case janitor.Failed:
			sweep.Failed = append(sweep.Failed, o)
		case janitor.Warned:
			sweep.Warned = append(sweep.Warned, o)
		case janitor.Keep, janitor.Wait, janitor.Unknown:
			due := !d.Leftover() && !d.Expiry.IsZero() && !d.Expiry.After(r.Now)
			if due || d.Err != nil || d.FailedBefore() {
				sweep.Retained = append(sweep.Retained, o)
			}
		}
	}
	return sweep
}

func outcome(d janitor.Decision, mask func(string) string) notify.Outcome {
	o := notify.Outcome{Application: d.Env.Application, Feature: d.Env.Feature, Environment: d.Env.Name, Reason: d.Reason}
	if d.Err != nil {
		o.Reason = visible.FirstLine(d.Err.Error())
	} else if d.Leftover() && d.Action == janitor.Removed {
		o.Reason = "what it had left"
	}
	o.Reason = mask(o.Reason)
	if d.Receipt != nil {
		o.Receipt = mask(d.Receipt.String())
	}
	return o
}
