package janitor

import (
	"context"
	"log/slog"
)

func (j *Janitor) logger() *slog.Logger {
	if j.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return j.Log
}

// logDecision writes a line about a decision, unless it is that there is nothing to do yet.
func (j *Janitor) logDecision(d Decision) {
	if d.far {
		return
	}
	attrs := []any{"environment", d.Env.Name, "id", d.Env.ID, "feature", d.Env.Feature, "expired", d.Expiry}
	if d.Reason != "" {
		attrs = append(attrs, "reason", d.Reason)
	}
	if d.Receipt != nil {
		attrs = append(attrs, "receipt", *d.Receipt)
	}
	if d.Err != nil {
		j.logger().Error(string(d.Action), append(attrs, "error", d.Err)...)
		return
	}
	j.logger().Info(string(d.Action), attrs...)
}

// logSweep writes the summary of a sweep; what went wrong with single environments has
// its own lines. To be stopped is no error.
func (j *Janitor) logSweep(ctx context.Context, r Report, err error) {
	level := slog.LevelInfo
	attrs := []any{"live", r.Live, "environments", r.Environments, "ours", r.Known, "young", r.Young}
	for _, a := range []Action{Remove, Removed, Warn, Warned, Wait, Keep, Unknown, Failed} {
		attrs = append(attrs, string(a), r.Count(a))
	}
	attrs = append(attrs, "leftovers", len(r.Leftovers), "seconds", r.Took.Seconds())
	if r.Refused != "" {
		attrs = append(attrs, "refused", r.Refused)
	}
	if r.Unlisted != nil {
		attrs = append(attrs, "unlisted", r.Unlisted)
	}
	if err != nil {
		attrs = append(attrs, "error", err)
		if ctx.Err() == nil {
			level = slog.LevelError
		}
	}
	j.logger().Log(context.WithoutCancel(ctx), level, "sweep", attrs...)
}
