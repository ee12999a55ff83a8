package envs

import (
	"time"

	"beansprout/envs/store"
	"beansprout/visible"
)

// noteDeploy writes into the record of the environment when it was deployed last, for how long, and what
// is known of the work. What has not changed lives on. noted is false where the record did not know what
// runs: the run that deployed it was killed before it could write.
func (r *run) noteDeploy(rec *store.Record, result Result, noted bool) {
	if result.Outcome != Unchanged || !noted {
		rec.LastDeploy = store.LastDeploy{At: rec.At.UTC(), TTL: r.days.String()}
		if updated := result.Environment.Updated.UTC(); !updated.IsZero() && updated.Before(rec.At) {
			rec.LastDeploy.At = updated // the result says when it expires by this date
		}
		r.noteWork(rec)
		r.noteSuccess(rec, result.Outcome)
	}
	if result.Outcome == Unchanged {
		r.renew(rec, result.Environment)
	}
}

// noteWork writes into the record what is known of the work that it deploys.
func (r *run) noteWork(rec *store.Record) {
	l := &rec.LastDeploy
	l.Owner = r.manager.config.Mask(visible.Line(r.owner, maxEmail))
	l.Subject, l.Email, l.BuildURL = r.manager.config.Mask(visible.Line(r.subject, maxSubject)), visible.Line(r.email, maxEmail), ""
	if len(r.buildURL) <= maxURL {
		l.BuildURL = r.buildURL
	}
}

// withoutSecrets returns a URL, or "" where it has a secret: without that it leads nowhere.
func (m *Manager) withoutSecrets(url string) string {
	if m.config.Mask(url) != url {
		return ""
	}
	return url
}

// What a record keeps of texts that others wrote, in characters; of a URL, which can't be cut, in bytes.
const (
	maxSubject = 200
	maxEmail   = 254
	maxURL     = 2000
)

// renew has an unchanged environment live on as it would after a deploy, if it would live longer then. AWS
// has no date for a deploy that changed nothing, and its description stays.
func (r *run) renew(rec *store.Record, e Environment) {
	carried, _ := r.manager.config.Days.of(e)
	before := r.manager.environment(e.Env, e.Tags, rec).Expires
	if noted, _, _ := parseDays(rec.LastDeploy.TTL); r.days.TTL > max(carried.TTL, noted.TTL) {
		rec.LastDeploy.TTL = r.days.String()
	}
	until := rec.At.Add(min(r.days.Least, r.days.TTL))
	if r.days.FromDeploy {
		until = rec.At.Add(r.days.TTL)
	}
	if expiry := r.manager.environment(e.Env, e.Tags, rec).Expires; !expiry.IsZero() && until.After(expiry) {
		rec.Extended = until.UTC()
	}
	if now := r.manager.environment(e.Env, e.Tags, rec).Expires; now.After(before) {
		note(rec, r.manager.happening(r.options, Unchanged, "commit "+commitName(r.commit)+": it expires at "+now.UTC().Format(time.RFC3339)))
	}
}
