package main

import (
	"fmt"
	"io"
	"time"

	"github.com/urfave/cli/v2"

	"beansprout/cmd/beansprout/config"
	"beansprout/envs/ledger"
)

// longest is how far ahead an expiry may be put. What is to stay longer is to be kept.
const longest = 365 * 24 * time.Hour

func extendCommand() *cli.Command {
	return verb(cli.Command{
		Name:      "extend",
		Usage:     "give a feature's environment more time, and print when its days are over then",
		ArgsUsage: "[FEATURE]",
		Flags: []cli.Flag{
			featureFlag(), configFlag(), jsonFlag(), timeoutFlag(asking), dryRunFlag(),
			durationFlag("by", "live for `DURATION` longer, such as 3d; of one whose days are over, from now on"),
		},
		Action: extend,
	})
}

func extend(c *cli.Context) error {
	by, ok := duration(c, "by")
	switch {
	case !ok || by <= 0:
		return hint(usageErrorf("extend wants to know by how much"), "say --by 3d")
	case by > longest:
		return hint(usageErrorf("--by %s is more than a year", config.Duration(by)), "beansprout keep protects an environment for good")
	}
	return amend(c, "extend by "+config.Duration(by).String()+" environment", func(s *session, m member, r *ledger.Record) error {
		m.record = r
		until, err := extended(s.expires(m), r.At, by)
		if err != nil {
			return hint(environmentError(m.Env, err), "beansprout keep protects it for good")
		}
		r.Extended = until
		return nil
	}, printExpiry)
}

// extended returns the expiry that is by later than what it was, or than now where that is over.
func extended(expiry, now time.Time, by time.Duration) (time.Time, error) {
	if expiry.Before(now) {
		expiry = now
	}
	until := expiry.Add(by).UTC().Truncate(time.Second)
	if until.After(now.Add(longest)) {
		return until, fmt.Errorf("it would live until %s, more than a year from now", until.Format(time.DateOnly))
	}
	return until, nil
}

func printExpiry(w io.Writer, s *session, m member) error {
	if m.protected() {
		s.talk.say("environment %s is kept: its days are over only when nobody keeps it", m.Name)
	}
	_, err := fmt.Fprintln(w, s.expires(m).Format(time.RFC3339))
	return err
}
