package daemon

import (
	"context"
	"regexp"
	"time"

	"beansprout/janitor"
	"beansprout/notify"
	"beansprout/visible"
)

// tellTime is how long it may take to tell Slack of a sweep.
const tellTime = 30 * time.Second

// alerts remembers what was told, so that the same refusal is told once.
type alerts struct{ last string }

var digits = regexp.MustCompile(`[0-9]+`)

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
	if err := s.Slack.Digest(ctx, d.digest(s, r)); err != nil {
		d.log.Warn("digest", "application", s.name, "error", err.Error())
	}
}

func (d *Daemon) hint(err error) string {
	if d.config.Hint == nil {
		return ""
	}
	return d.config.Hint(err)
}

// digest returns what a sweep did.
func (d *Daemon) digest(s *service, r janitor.Report) notify.Sweep {
	sweep := notify.Sweep{Application: s.Manager.Application(), Region: s.Manager.Region()}
	for _, decision := range r.Decisions {
		o := notify.Outcome{Application: decision.Env.Application, Feature: decision.Env.Feature, Environment: decision.Env.Name, Reason: decision.Reason}
		if decision.Err != nil {
			o.Reason = visible.FirstLine(decision.Err.Error())
		}
		o.Reason = d.config.Mask(o.Reason)
		switch decision.Action {
		case janitor.Removed:
			sweep.Removed = append(sweep.Removed, o)
		case janitor.Failed:
			sweep.Failed = append(sweep.Failed, o)
		case janitor.Warned:
			sweep.Warned = append(sweep.Warned, o)
		case janitor.Keep, janitor.Wait, janitor.Unknown:
			if due := !decision.Expiry.IsZero() && !decision.Expiry.After(r.Now); due || decision.Err != nil {
				sweep.Retained = append(sweep.Retained, o)
			}
		}
	}
	return sweep
}
