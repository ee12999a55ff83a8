package main

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"beansprout/cmd/internal/commandline"
	"beansprout/cmd/internal/failure"
	"beansprout/cmd/internal/project/checkout"
	"beansprout/envs"
)

func filterFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "owner", Usage: "only environments of the owner `NAME`"},
		&cli.BoolFlag{Name: "mine", Usage: "only environments whose owner is git's user.name"},
		&cli.StringSliceFlag{Name: "state", Usage: "only environments in `STATE`, such as ready or updating; may be repeated"},
		&cli.StringSliceFlag{Name: "health", Usage: "only environments of `COLOUR` green, yellow, red or grey; may be repeated"},
		commandline.DurationFlag("older-than", "only environments created more than `DURATION` ago, such as 3d"),
		&cli.BoolFlag{Name: "expired", Usage: "only environments that have expired and are not protected"},
		commandline.DurationFlag("expires-in", "only environments that expire within `DURATION` and are not protected"),
	}
}

var colours = []string{"Green", "Yellow", "Red", "Grey"}

// readFilter reads the flags of a list. It refuses values that no environment can have.
func readFilter(c *cli.Context) (f envs.Filter, err error) {
	if f.Owner, err = wantedOwner(c); err != nil {
		return f, err
	}
	f.States, f.Health = c.StringSlice("state"), c.StringSlice("health")
	if err := known("state", f.States, envs.LivingStates); err != nil {
		return f, err
	}
	if err := known("health", f.Health, colours); err != nil {
		return f, err
	}
	f.Older, _ = commandline.Duration(c, "older-than")
	f.Within, f.Expires = commandline.Duration(c, "expires-in")
	if c.Bool("expired") {
		f.Within, f.Expires = 0, true
	}
	return f, nil
}

// wantedOwner returns the owner to list, or "" for all owners.
func wantedOwner(c *cli.Context) (string, error) {
	owner := c.String("owner")
	switch {
	case c.IsSet("owner") && owner == "":
		return "", failure.WithHint(failure.Usagef("the owner's name is empty"), "leave --owner out to see those of all owners")
	case !c.Bool("mine"):
		return owner, nil
	case owner != "":
		return "", failure.Usagef("--owner and --mine contradict each other")
	}
	user, err := checkout.User(c.Context, ".")
	if err != nil {
		return "", failure.WithHint(failure.Usagef("--mine: %w", err), "set it with git config user.name NAME, or use --owner NAME")
	}
	return user, nil
}

// known refuses values of a flag that are not in all. Upper and lower case are the same.
func known[T ~string](flag string, values []string, all []T) error {
	names := lower(all)
	for _, v := range values {
		if !slices.Contains(names, strings.ToLower(v)) {
			return failure.WithHint(failure.Usagef("--%s %q does not exist", flag, v), "use one of %s", strings.Join(names, ", "))
		}
	}
	return nil
}

func lower[T ~string](all []T) (names []string) {
	for _, each := range all {
		names = append(names, strings.ToLower(string(each)))
	}
	return names
}
