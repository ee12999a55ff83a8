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

func (j *Janitor) logDecision(d Decision) {
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
func (j *Janitor) logSweep(ctx context.Context, r Report, live bool, err error) {
	level := slog.LevelInfo
	attrs := []any{"live", live, "environments", r.Environments, "ours", r.Ours, "young", r.Young,
		"remove", r.count(Remove), "removed", r.count(Removed), "kept", r.count(Keep), "failed", r.count(Failed), "leftovers", len(r.Leftovers)}
	if r.Refused != "" {
		attrs = append(attrs, "refused", r.Refused)
	}
	if err != nil {
		attrs = append(attrs, "error", err)
		if ctx.Err() == nil {
			level = slog.LevelError
		}
	}
	j.logger().Log(context.WithoutCancel(ctx), level, "sweep", attrs...)
}
