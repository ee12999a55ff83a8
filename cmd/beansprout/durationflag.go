package main

import (
	"time"

	"github.com/urfave/cli/v2"

	"beansprout/cmd/beansprout/config"
)

// durationFlag takes a duration as beansprout.yaml does, with days: 3d, 36h.
func durationFlag(name, usage string) cli.Flag {
	return &cli.GenericFlag{Name: name, Value: new(durationValue), Usage: usage}
}

type durationValue time.Duration

func (d *durationValue) Set(text string) error {
	parsed, err := config.ParseDuration(text)
	*d = durationValue(parsed)
	return err
}

// String is empty for zero, lest the help call it a default.
func (d *durationValue) String() string {
	if *d == 0 {
		return ""
	}
	return config.Duration(*d).String()
}

// duration returns what a durationFlag was given, and whether it was.
func duration(c *cli.Context, name string) (time.Duration, bool) {
	d, _ := c.Generic(name).(*durationValue)
	if d == nil || !c.IsSet(name) {
		return 0, false
	}
	return time.Duration(*d), true
}
