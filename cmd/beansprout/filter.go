package main

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"beansprout/cmd/beansprout/checkout"
	"beansprout/envs"
)

// filter says which environments a list shows. The zero filter lets all pass.
type filter struct {
	owner   string
	states  []string
	health  []string
	older   time.Duration
	expires bool // only those whose days are over within the given time
	within  time.Duration
}

func filterFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "owner", Usage: "only those of `NAME`"},
		&cli.BoolFlag{Name: "mine", Usage: "only those of git's user.name"},
		&cli.StringSliceFlag{Name: "state", Usage: "only those in `STATE`, such as ready or updating; may be said more than once"},
		&cli.StringSliceFlag{Name: "health", Usage: "only those of `COLOUR`: green, yellow, red or grey; may be said more than once"},
		durationFlag("older-than", "only those made more than `DURATION` ago, such as 3d"),
		&cli.BoolFlag{Name: "expired", Usage: "only those whose days are over and that nobody keeps"},
		durationFlag("expires-in", "only those whose days are over within `DURATION`, and that nobody keeps"),
	}
}

var (
	states = []string{
		string(envs.Launching), string(envs.Updating), string(envs.Ready), string(envs.Aborting),
		string(envs.LinkingFrom), string(envs.LinkingTo), string(envs.Terminating),
	}
	colours = []string{"Green", "Yellow", "Red", "Grey"}
)

// readFilter reads the flags of a list, and refuses what nothing can fit.
func readFilter(c *cli.Context) (f filter, err error) {
	if f.owner, err = wantedOwner(c); err != nil {
		return f, err
	}
	f.states, f.health = c.StringSlice("state"), c.StringSlice("health")
	if err := cmp.Or(known("state", f.states, states), known("health", f.health, colours)); err != nil {
		return f, err
	}
	f.older, _ = duration(c, "older-than")
	f.within, f.expires = duration(c, "expires-in")
	if c.Bool("expired") {
		f.within, f.expires = 0, true
	}
	return f, nil
}

// wantedOwner is whose environments are asked for, "" for everybody's.
func wantedOwner(c *cli.Context) (string, error) {
	owner := c.String("owner")
	switch {
	case c.IsSet("owner") && owner == "":
		return "", hint(usageErrorf("the owner's name is empty"), "leave --owner out to see everybody's")
	case !c.Bool("mine"):
		return owner, nil
	case owner != "":
		return "", usageErrorf("--owner and --mine contradict each other")
	}
	user, err := checkout.User(c.Context, ".")
	if err != nil {
		return "", hint(usageErrorf("--mine: %w", err), "git config user.name says it, or say --owner NAME")
	}
	return user, nil
}

// known refuses values that aren't among those that there are.
func known(flag string, values, all []string) error {
	for _, v := range values {
		if !containsFold(all, v) {
			return hint(usageErrorf("--%s %q is none", flag, v), "there are %s", strings.ToLower(strings.Join(all, ", ")))
		}
	}
	return nil
}

func containsFold(all []string, s string) bool {
	return slices.ContainsFunc(all, func(each string) bool { return strings.EqualFold(each, s) })
}

// admits says whether an environment passes by what one describe tells of it.
func (f filter) admits(e envs.Env, now time.Time) bool {
	return (len(f.states) == 0 || containsFold(f.states, string(e.State))) &&
		(len(f.health) == 0 || containsFold(f.health, e.Health)) &&
		(f.older == 0 || !e.Created.IsZero() && !e.Created.After(now.Add(-f.older)))
}

// ends says whether an expiry is what is asked for. That of one who lives for ever isn't.
func (f filter) ends(expiry, now time.Time) bool {
	return !f.expires || !expiry.IsZero() && !expiry.After(now.Add(f.within))
}

// owns says whether the owner is the one asked for. Of a name that a description cut off, the
// beginning counts.
func (f filter) owns(owner string) bool {
	if shown, cut := strings.CutSuffix(owner, "…"); cut && len(f.owner) > len(shown) {
		return strings.EqualFold(f.owner[:len(shown)], shown)
	}
	return f.owner == "" || strings.EqualFold(owner, f.owner)
}

// asks says whether there is any that it could refuse.
func (f filter) asks() bool {
	return f.owner != "" || len(f.states)+len(f.health) > 0 || f.older > 0 || f.expires
}
