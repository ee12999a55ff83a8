package main

import (
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"beansprout/cmd/beansprout/config"
	"beansprout/localcloud"
	"beansprout/localcloud/fault"
)

func startFlags() []cli.Flag {
	duration := func(name, usage string) cli.Flag {
		return &cli.DurationFlag{Name: name, Usage: usage, DefaultText: "0s"}
	}
	return []cli.Flag{
		dirFlag(),
		&cli.IntFlag{Name: "port", EnvVars: []string{"BEANSPROUT_LOCAL_PORT"}, Value: localPort, Usage: "answer AWS's protocols on this `PORT`"},
		&cli.IntFlag{Name: "url-port", EnvVars: []string{"BEANSPROUT_LOCAL_URL_PORT"}, Value: localURLPort, Usage: "serve the environments' URLs on this `PORT`"},
		duration("create-time", "let the creation of an environment last this `TIME` at least"),
		duration("update-time", "let an update last this `TIME` at least"),
		duration("terminate-time", "let a termination last this `TIME` at least"),
		&cli.BoolFlag{Name: "no-containers", Usage: "run nothing: every URL answers a page of the local cloud's own"},
		&cli.BoolFlag{Name: "gap", Usage: "stop the running version before the next one starts, as AWS's all-at-once policy does"},
		&cli.StringFlag{Name: "throttle", Usage: "answer `RATE/BURST` describes and no more, as AWS does with 2/15"},
		&cli.StringFlag{Name: "clock", Usage: "go wrong by `DURATION`, as in +5d"},
		&cli.StringSliceFlag{Name: "fault", Usage: "spoil calls by `RULE`, SERVICE:OPERATION:KIND[:NAME=VALUE,...]; may be repeated"},
	}
}

// localOptions are what the local cloud is started with.
type localOptions struct {
	cloud               localcloud.Config
	portSet, urlPortSet bool
	args                []string // that hand them on to serve
}

func readLocalOptions(c *cli.Context) (localOptions, error) {
	dir, err := localDir(c.String("dir"))
	if err != nil {
		return localOptions{}, err
	}
	o := localOptions{
		cloud: localcloud.Config{
			Dir: dir, Port: c.Int("port"), URLPort: c.Int("url-port"), Docker: !c.Bool("no-containers"), Gap: c.Bool("gap"),
			CreateTime: c.Duration("create-time"), UpdateTime: c.Duration("update-time"), TerminateTime: c.Duration("terminate-time"),
		},
		portSet: c.IsSet("port"), urlPortSet: c.IsSet("url-port"),
	}
	if err := o.spoil(c.StringSlice("fault"), c.String("throttle"), c.String("clock")); err != nil {
		return o, usageErrorf("%w", err)
	}
	for _, name := range c.FlagNames() {
		o.args = append(o.args, handOn(c, name)...)
	}
	return o, o.check()
}

// handOn writes a flag that was given as another process takes it.
func handOn(c *cli.Context, name string) []string {
	switch {
	case name == "dir" || name == "port" || name == "url-port" || name == "local" || name == "region":
		return nil
	case name == "fault":
		var args []string
		for _, rule := range c.StringSlice(name) {
			args = append(args, "--fault="+rule)
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

// spoil takes in the flags that make the local cloud worse than it is.
func (o *localOptions) spoil(rules []string, rate, clock string) (err error) {
	for _, text := range rules {
		rule, err := fault.Parse(text)
		if err != nil {
			return err
		}
		o.cloud.Faults = append(o.cloud.Faults, rule)
	}
	if rate != "" {
		if o.cloud.Describes, err = fault.ParseRate(rate); err != nil {
			return err
		}
	}
	if clock != "" {
		amount, err := config.ParseDuration(strings.TrimLeft(clock, "+-"))
		if err != nil {
			return err
		}
		if o.cloud.Offset = time.Duration(amount); strings.HasPrefix(clock, "-") {
			o.cloud.Offset = -o.cloud.Offset
		}
	}
	return nil
}

// defaultLocalOptions are those of a verb that starts the local cloud by the way.
func defaultLocalOptions() (localOptions, error) {
	dir, err := localDir("")
	if err != nil {
		return localOptions{}, err
	}
	o := localOptions{cloud: localcloud.Config{Dir: dir, Port: localPort, URLPort: localURLPort}}
	for name, port := range map[string]*int{"BEANSPROUT_LOCAL_PORT": &o.cloud.Port, "BEANSPROUT_LOCAL_URL_PORT": &o.cloud.URLPort} {
		text := os.Getenv(name)
		if text == "" {
			continue
		}
		if *port, err = strconv.Atoi(text); err != nil {
			return o, usageErrorf("%s is %q, which is no port", name, text)
		}
	}
	return o, o.check()
}

func (o localOptions) check() error {
	cloud := o.cloud
	for _, port := range []int{cloud.Port, cloud.URLPort} {
		if port < 0 || port > 65535 {
			return usageErrorf("%d is no port", port)
		}
	}
	if cloud.Port != 0 && cloud.Port == cloud.URLPort {
		return usageErrorf("the local cloud needs two ports, and both are to be %d", cloud.Port)
	}
	for _, d := range []time.Duration{cloud.CreateTime, cloud.UpdateTime, cloud.TerminateTime} {
		if d < 0 {
			return usageErrorf("%s is not a time that something can last", d)
		}
	}
	return nil
}

// elsewhere says whether the cloud that runs answers on other ports than were asked for.
func (o localOptions) elsewhere(cloud localcloud.Running) bool {
	return o.portSet && o.cloud.Port != 0 && o.cloud.Port != cloud.Port ||
		o.urlPortSet && o.cloud.URLPort != 0 && o.cloud.URLPort != cloud.URLPort
}
