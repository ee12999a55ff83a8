package autoscaling

import (
	"fmt"
	"time"

	"beansprout/localcloud/instance"
)

// between is how long the group waits before it asks the load balancers again.
const between = time.Second

// checkHealth finds the instances in service that are unhealthy, and replaces them: at once if they
// no longer run, else a tenth of the group at a time, and at least one.
func (p *pass) checkHealth() error {
	if p.Deleting {
		return nil
	}
	budget := max(1, p.Desired/10)
	for i := range p.Instances {
		m := &p.Instances[i]
		if m.State == inService && m.Sick == "" && !p.suspended("HealthCheck") {
			if m.Sick = p.sickness(m); m.Sick != "" {
				p.dirty = true
			}
		}
		if m.State == pending || m.State == terminating {
			budget--
		}
	}
	if p.suspended("ReplaceUnhealthy") || p.suspended("Terminate") {
		return nil
	}
	for i := range p.Instances {
		m := &p.Instances[i]
		if m.State != inService || m.Sick == "" || m.Sick != notRunning && budget <= 0 {
			continue
		}
		budget--
		p.dirty = true
		if _, err := p.end(p.group, m, fmt.Sprintf("At %s an instance was taken out of service in response to %s.", stamp(p.Now), m.Sick)); err != nil {
			return err
		}
	}
	return nil
}

const (
	notRunning = "an EC2 health check indicating it has been terminated or stopped"
	failsELB   = "an ELB system health check failure"
)

// sickness returns why an instance is unhealthy, and "" if it is not.
func (p *pass) sickness(m *member) string {
	if i, ok := p.Fleet.Get(m.ID); !ok || i.State == instance.ShuttingDown || i.State == instance.Terminated {
		return notRunning
	}
	if p.Check != "ELB" || len(p.TargetGroups) == 0 {
		return ""
	}
	if grace := m.Since.Add(time.Duration(p.Grace) * time.Second); grace.After(p.Now) {
		p.later(grace)
		return ""
	}
	p.later(p.Now.Add(between))
	for _, arn := range p.TargetGroups {
		if p.Targets.Health(arn, m.ID) == "unhealthy" {
			return failsELB
		}
	}
	return ""
}
