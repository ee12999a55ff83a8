package commandline

import (
	"time"

	"github.com/urfave/cli/v2"

	"beansprout/cmd/internal/project/config"
)

// DurationFlag takes a duration as beansprout.yaml does, with days: 3d, 36h.
func DurationFlag(name, usage string) cli.Flag {
	return &cli.GenericFlag{Name: name, Value: new(DurationValue), Usage: usage}
}

// DurationValue is the value of a flag that takes a duration with days.
type DurationValue time.Duration

// Set implements flag.Value.
func (d *DurationValue) Set(text string) error {
	parsed, err := config.ParseDuration(text)
	*d = DurationValue(parsed)
	return err
}

// String is empty for zero, so that the help shows no default.
func (d *DurationValue) String() string {
	if *d == 0 {
		return ""
	}
	return config.Duration(*d).String()
}

// Duration returns the value of a DurationFlag, and whether it was set.
func Duration(c *cli.Context, name string) (time.Duration, bool) {
	d, _ := c.Generic(name).(*DurationValue)
	if d == nil || !c.IsSet(name) {
		return 0, false
	}
	return time.Duration(*d), true
}
