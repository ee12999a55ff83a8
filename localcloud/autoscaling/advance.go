package autoscaling

import (
	"fmt"
	"slices"
	"time"

	"beansprout/localcloud/instance"
)

// retry is how long a group waits after a launch that failed.
const retry = time.Minute

// advance takes each member that is on its way one step further.
func (p *pass) advance() error {
	for i := range p.Instances {
		var err error
		switch m := &p.Instances[i]; {
		case p.Deleting && m.State != terminating:
			p.dirty = true
			_, err = p.end(p.group, m, fmt.Sprintf("At %s a user request deleted the group.", stamp(p.Now)))
		case m.State == pending:
			err = p.enter(m)
		case m.State == enteringStandby:
			err = p.standBy(m)
		case m.State == terminating:
			err = p.leave(m)
		}
		if err != nil {
			return err
		}
	}
	p.Instances = slices.DeleteFunc(p.Instances, func(m member) bool { return m.State == gone })
	return nil
}

// enter launches an instance, and puts it in service once it runs.
func (p *pass) enter(m *member) error {
	if !m.Started {
		return p.launch(m)
	}
	i, ok := p.Fleet.Get(m.ID)
	switch {
	case ok && i.State == instance.Pending:
		return nil
	case ok && i.State == instance.Running:
		return p.serve(m)
	}
	p.dirty = true
	if m.Since.IsZero() { // it never served
		m.State, p.RetryAt = gone, p.Now.Add(retry)
		return p.finish(p.group, m, "Instance failed to launch. "+i.Reason)
	}
	_, err := p.end(p.group, m, fmt.Sprintf("At %s an instance was taken out of service in response to an EC2 health check indicating it has been terminated or stopped.", stamp(p.Now)))
	return err
}

// launch launches the instance of a new member. The group has its id on disk before.
func (p *pass) launch(m *member) error {
	p.dirty = true
	i, err := p.Templates.Launched(p.Call.Region, p.Call.Account, p.Template.ID, "", p.Template.Version)
	if err != nil {
		m.State, p.RetryAt = gone, p.Now.Add(retry)
		return p.finish(p.group, m, plain(err)+" Launching EC2 instance failed.")
	}
	all, propagated := p.launchTags()
	if i.Tags == nil {
		i.Tags = map[string]string{}
	}
	for key, value := range propagated {
		i.Tags[key] = value
	}
	i.Tags["aws:ec2launchtemplate:id"], i.Tags["aws:ec2launchtemplate:version"] = i.Template.ID, fmt.Sprint(i.Template.Version)
	i.ID, i.Reservation, i.Zone, i.Subnet, i.GroupTags = m.ID, instance.NewID("r-"), m.Zone, m.Subnet, all
	m.Type, m.Image, m.Template, m.Started = i.Type, i.Image, i.Template, true
	return p.Fleet.Launch(i)
}

// serve registers a running instance with the target groups, and puts it in service.
func (p *pass) serve(m *member) error {
	if !p.suspended("AddToLoadBalancer") {
		for _, arn := range p.TargetGroups {
			if err := p.Targets.Register(arn, m.ID); err != nil {
				p.Log.Warn("instance not registered", "id", m.ID, "group", arn, "error", err)
			}
		}
	}
	p.dirty = true
	if m.Since.IsZero() {
		m.Protected = p.ProtectNew
	}
	m.State, m.Since, m.Until, m.Sick, m.Extra = inService, p.Now, time.Time{}, "", false
	return p.finish(p.group, m, "")
}

// standBy waits until an instance is drained.
func (p *pass) standBy(m *member) error {
	if !p.drained(m) {
		return nil
	}
	p.dirty = true
	m.State = standby
	return p.finish(p.group, m, "")
}

// leave terminates an instance that is drained, and takes it off the list when it is gone.
func (p *pass) leave(m *member) error {
	if !p.drained(m) {
		return p.settle(p.group, m, func(a *activity) { a.Status, a.Progress = "WaitingForELBConnectionDraining", 50 })
	}
	if i, ok := p.Fleet.Get(m.ID); ok && i.State != instance.Terminated {
		return p.Fleet.Terminate("Client.UserInitiatedShutdown: User initiated ("+p.Now.Format("2006-01-02 15:04:05 GMT")+")", m.ID)
	}
	p.dirty = true
	m.State = gone
	return p.finish(p.group, m, "")
}

// drained begins to drain an instance, and reports whether that is over.
func (p *pass) drained(m *member) bool {
	if m.Until.IsZero() {
		p.dirty = true
		m.Until = p.Now
		for _, arn := range p.TargetGroups {
			end, err := p.Targets.Deregister(arn, m.ID)
			if err != nil {
				p.Log.Warn("instance not deregistered", "id", m.ID, "group", arn, "error", err)
			}
			if end.After(m.Until) {
				m.Until = end
			}
		}
	}
	if m.Until.After(p.Now) {
		p.later(m.Until)
		return false
	}
	return true
}
