package localcloud

import (
	"context"
	"path/filepath"

	"beansprout/localcloud/elb"
)

// openBalancers adds Elastic Load Balancing.
func (c *Cloud) openBalancers(context.Context) (err error) {
	c.balancers, err = elb.Open(elb.Config{
		File: filepath.Join(c.cfg.Dir, balancersFile), Account: c.id.Account, URLPort: c.URLPort(), Fleet: c.fleet,
		Taken: func(host string) bool { _, ok := c.beanstalk.Lookup(host); return ok },
		Now:   c.cfg.Now, Sleep: c.clock.Sleep, HealthSpeed: c.cfg.HealthSpeed, DeregisterLag: c.cfg.DeregisterLag,
	})
	if err != nil {
		return err
	}
	c.onClose(func(context.Context) error { return c.balancers.Close() })
	c.services["elasticloadbalancing"] = speaksQuery(elb.Namespace, c.balancers.Handler())
	return nil
}

// HealthyTargets returns how many healthy targets each target group has, by ARN.
func (c *Cloud) HealthyTargets() map[string]int { return c.balancers.Healthy() }
