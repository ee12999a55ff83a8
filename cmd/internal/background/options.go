package background

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"beansprout/localcloud"
	"beansprout/localcloud/fault"
)

// The ports of a local cloud: 2326 spells BEAN on the keys of a telephone.
const (
	Port    = 2326
	URLPort = 2327
)

// Options are what a local cloud is started with.
type Options struct {
	Cloud               localcloud.Config
	PortSet, URLPortSet bool     // the port was named, and is no default
	Args                []string // the flags by which another process gets the same
}

// Dir returns the directory of the local cloud, "" being the one in the user's state directory. getenv
// looks up environment variables.
func Dir(named string, getenv func(string) string) (string, error) {
	if named != "" {
		return filepath.Abs(named)
	}
	state := getenv("XDG_STATE_HOME")
	if state == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("no directory for the local cloud: %w", err)
		}
		state = filepath.Join(home, ".local", "state")
	}
	return filepath.Abs(filepath.Join(state, "beansprout", "local"))
}

// ReadPorts takes the ports that environment variables name.
func (o *Options) ReadPorts(getenv func(string) string) error {
	for name, port := range map[string]*int{"BEANSPROUT_LOCAL_PORT": &o.Cloud.Port, "BEANSPROUT_LOCAL_URL_PORT": &o.Cloud.URLPort} {
		text := getenv(name)
		if text == "" {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("%s is %q, which is no port", name, text)
		}
		*port = n
	}
	return o.Check()
}

// Spoil sets what makes the local cloud fail, throttle or have a wrong clock. An empty rate throttles
// nothing.
func (o *Options) Spoil(rules []string, rate string, offset time.Duration) (err error) {
	for _, text := range rules {
		rule, err := fault.Parse(text)
		if err != nil {
			return err
		}
		o.Cloud.Faults = append(o.Cloud.Faults, rule)
	}
	if rate != "" {
		if o.Cloud.Describes, err = fault.ParseRate(rate); err != nil {
			return err
		}
	}
	o.Cloud.Offset = offset
	return nil
}

// Check refuses options with which no local cloud can run.
func (o Options) Check() error {
	cloud := o.Cloud
	for _, port := range []int{cloud.Port, cloud.URLPort} {
		if port < 0 || port > 65535 {
			return fmt.Errorf("%d is no port", port)
		}
	}
	if cloud.Port != 0 && cloud.Port == cloud.URLPort {
		return fmt.Errorf("the local cloud needs two ports, and both are to be %d", cloud.Port)
	}
	for _, d := range []time.Duration{cloud.CreateTime, cloud.UpdateTime, cloud.TerminateTime, cloud.ListDelay, cloud.StartTime, cloud.ComposeGap, cloud.DeregisterLag} {
		if d < 0 {
			return fmt.Errorf("%s is not a time that something can last", d)
		}
	}
	if cloud.HealthSpeed < 0 || cloud.HealthSpeed > 1000 {
		return fmt.Errorf("the speed of health checks is %d, and must be at most 1000", cloud.HealthSpeed)
	}
	return nil
}

// Elsewhere reports whether the running cloud uses other ports than were named.
func (o Options) Elsewhere(cloud localcloud.Running) bool {
	return o.PortSet && o.Cloud.Port != 0 && o.Cloud.Port != cloud.Port ||
		o.URLPortSet && o.Cloud.URLPort != 0 && o.Cloud.URLPort != cloud.URLPort
}
