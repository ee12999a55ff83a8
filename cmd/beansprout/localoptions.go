package main

import (
	"cmp"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"beansprout/cmd/internal/background"
	"beansprout/cmd/internal/failure"
	"beansprout/cmd/internal/project/config"
	"beansprout/localcloud"
)

func startFlags() []cli.Flag {
	duration := func(name, usage string) cli.Flag {
		return &cli.DurationFlag{Name: name, Usage: usage, DefaultText: "0s"}
	}
	return []cli.Flag{
		dirFlag(),
		&cli.IntFlag{Name: "port", EnvVars: []string{"BEANSPROUT_LOCAL_PORT"}, Value: background.Port, Usage: "answer AWS's protocols on this `PORT`"},
		&cli.IntFlag{Name: "url-port", EnvVars: []string{"BEANSPROUT_LOCAL_URL_PORT"}, Value: background.URLPort, Usage: "serve the environments' URLs on this `PORT`"},
		duration("create-time", "make the creation of an environment take at least this `TIME`"),
		duration("update-time", "make an update take at least this `TIME`"),
		duration("terminate-time", "make a termination take at least this `TIME`"),
		&cli.DurationFlag{Name: "start-time", Usage: "give an application this `TIME` to answer", DefaultText: "2m"},
		duration("list-delay", "omit a new environment from lists for this `TIME`"),
		duration("deregister-lag", "send new requests to a deregistered target for this `TIME`, as load balancers of AWS do"),
		&cli.IntFlag{Name: "health-speed", Usage: "divide the intervals of the load balancers' health checks by this `NUMBER`", DefaultText: "20"},
		&cli.BoolFlag{Name: "no-containers", Usage: "run no containers: the local cloud itself answers at every URL"},
		&cli.BoolFlag{Name: "separate-updates", Usage: "refuse an update that has both a version and options, as AWS's API reference says"},
		&cli.BoolFlag{Name: "gap", Usage: "stop the running version before the next one starts, as AWS's all-at-once policy does"},
		duration("compose-gap", "stop what a docker-compose.yml runs this `TIME` before the next version starts, as on AWS"),
		&cli.BoolFlag{Name: "no-roles", Usage: "begin without roles and instance profiles, as a new AWS account"},
		&cli.StringSliceFlag{Name: "deny", Usage: "give the user no right to `ACTION`, such as ecr:PutImage; may be repeated"},
		&cli.StringFlag{Name: "throttle", Usage: "throttle describes to `RATE/BURST`, such as AWS's 2/15"},
		&cli.StringFlag{Name: "clock", Usage: "shift the local cloud's clock by `DURATION`, such as +5d"},
		&cli.StringSliceFlag{Name: "fault", Usage: "make calls fail by `RULE`, SERVICE:OPERATION:KIND[:NAME=VALUE,...]; may be repeated"},
	}
}

// readLocalOptions returns the options of a local cloud that the flags name.
func readLocalOptions(c *cli.Context) (o background.Options, err error) {
	o = background.Options{
		Cloud: localcloud.Config{
			Port: c.Int("port"), URLPort: c.Int("url-port"), Docker: !c.Bool("no-containers"), Gap: c.Bool("gap"), NoRoles: c.Bool("no-roles"), Denied: c.StringSlice("deny"), SeparateUpdates: c.Bool("separate-updates"),
			CreateTime: c.Duration("create-time"), UpdateTime: c.Duration("update-time"), TerminateTime: c.Duration("terminate-time"),
			ListDelay: c.Duration("list-delay"), StartTime: c.Duration("start-time"), ComposeGap: c.Duration("compose-gap"),
			DeregisterLag: c.Duration("deregister-lag"), HealthSpeed: c.Int("health-speed"),
		},
		PortSet: c.IsSet("port"), URLPortSet: c.IsSet("url-port"),
	}
	if o.Cloud.Dir, err = localDir(c.String("dir")); err != nil {
		return o, err
	}
	offset, err := clockOffset(c.String("clock"))
	if err == nil {
		err = o.Spoil(c.StringSlice("fault"), c.String("throttle"), offset)
	}
	if err != nil {
		return o, failure.Usagef("%w", err)
	}
	for _, name := range c.FlagNames() {
		o.Args = append(o.Args, handOn(c, name)...)
	}
	if err := o.Check(); err != nil {
		return o, failure.Usagef("%w", err)
	}
	return o, nil
}

// localDir returns the directory of the local cloud, from the command line or the environment.
func localDir(flag string) (string, error) {
	dir, err := background.Dir(cmp.Or(flag, os.Getenv("BEANSPROUT_LOCAL_DIR")), os.Getenv)
	if err != nil {
		err = failure.WithHint(failure.Usagef("%w", err), "set HOME or BEANSPROUT_LOCAL_DIR")
	}
	return dir, err
}

// clockOffset reads --clock: +5d, -1h.
func clockOffset(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	amount, err := config.ParseDuration(strings.TrimLeft(text, "+-"))
	if strings.HasPrefix(text, "-") {
		amount = -amount
	}
	return time.Duration(amount), err
}

// handOn returns the arguments that pass a flag on to another process.
func handOn(c *cli.Context, name string) []string {
	switch {
	case name == "dir" || name == "port" || name == "url-port" || name == "local" || name == "region":
		return nil
	case name == "fault" || name == "deny":
		var args []string
		for _, value := range c.StringSlice(name) {
			args = append(args, "--"+name+"="+value)
		}
		return args
	}
	value, ok := c.Value(name).(interface{ String() string })
	if ok {
		return []string{"--" + name + "=" + value.String()}
	}
	if on, ok := c.Value(name).(bool); ok {
		return []string{"--" + name + "=" + strconv.FormatBool(on)}
	}
	return []string{"--" + name + "=" + c.String(name)}
}
