package beanstalk

import "time"

type environmentDescription struct {
	EnvironmentName, EnvironmentId, ApplicationName, VersionLabel, SolutionStackName, PlatformArn string
	TemplateName, Description, EndpointURL, CNAME, EnvironmentArn, OperationsRole                 string
	Status, Health, HealthStatus                                                                  string
	DateCreated, DateUpdated                                                                      time.Time
	AbortableOperationInProgress                                                                  bool
	Tier                                                                                          tier
	Resources                                                                                     *resources
	EnvironmentLinks                                                                              []none `json:",omitempty"`
}

type resources struct {
	LoadBalancer struct{ LoadBalancerName string }
}

// describeEnvironment returns AWS's description of a row, which has no tags and no options.
func (st *state) describeEnvironment(e environment) environmentDescription {
	d := environmentDescription{
		EnvironmentName: e.Name, EnvironmentId: e.ID, ApplicationName: e.Application, VersionLabel: e.Setup.Version,
		SolutionStackName: stackOf(e.Setup.Platform), PlatformArn: e.Setup.Platform, TemplateName: e.Setup.Template,
		Description: e.Description, CNAME: st.cname(e.Prefix), EnvironmentArn: e.arn(), OperationsRole: e.OperationsRole,
		Status: e.Status, DateCreated: e.Created, DateUpdated: e.Updated, AbortableOperationInProgress: e.abortable(), Tier: e.Tier,
	}
	d.Health, d.HealthStatus = e.health()
	if e.live() && e.Status != launching {
		d.EndpointURL = d.CNAME
	}
	if name := e.loadBalancer(); name != "" {
		d.Resources = &resources{}
		d.Resources.LoadBalancer.LoadBalancerName = name
	}
	return d
}

type describeEnvironmentsIn struct {
	ApplicationName       string `aws:"min=1,max=100"`
	VersionLabel          string `aws:"min=1,max=100"`
	EnvironmentIds        []string
	EnvironmentNames      []string `aws:"each,min=4,max=40"`
	IncludeDeleted        *bool    // nil: Terminated rows are shown for a while
	IncludedDeletedBackTo time.Time
	MaxRecords            int `aws:"min=1,max=1000"`
	NextToken             string
}

type describeEnvironmentsOut struct {
	Environments []environmentDescription
	NextToken    string
}

// describeEnvironments returns all rows in one page unless MaxRecords is given. It ignores unknown
// names and ids.
func describeEnvironments(st *state, in describeEnvironmentsIn) (out describeEnvironmentsOut, err error) {
	seen, err := readToken(in.NextToken)
	if err != nil {
		return out, err
	}
	for e := range environments.after(st, seen) {
		if st.Hidden || !in.wants(e) || st.Now.Before(e.Created.Add(st.ListDelay)) || !e.visible(st.Now, in.IncludeDeleted, in.IncludedDeletedBackTo) {
			continue
		}
		if n := len(out.Environments); n > 0 && n == in.MaxRecords {
			out.NextToken = writeToken(out.Environments[n-1].EnvironmentId)
			break
		}
		out.Environments = append(out.Environments, st.describeEnvironment(e))
	}
	return out, nil
}

func (in describeEnvironmentsIn) wants(e environment) bool {
	return (in.ApplicationName == "" || in.ApplicationName == e.Application) && (in.VersionLabel == "" || in.VersionLabel == e.Setup.Version) &&
		listed(in.EnvironmentIds, e.ID) && listed(in.EnvironmentNames, e.Name)
}

// loadBalancer returns the name of the environment's load balancer, and "" if it has none.
func (e environment) loadBalancer() string {
	if e.Setup.Options.single() || e.Tier == worker {
		return ""
	}
	return e.resource("AWSEBLoadBalancer")
}

type name struct{ Name string }

type id struct{ Id string }

type resourcesOut struct {
	EnvironmentResources struct {
		EnvironmentName                                                          string
		AutoScalingGroups, LaunchConfigurations, LoadBalancers, Queues, Triggers []name
		Instances, LaunchTemplates                                               []id
	}
}

func describeEnvironmentResources(st *state, in named) (out resourcesOut, err error) {
	e, err := st.live(in.EnvironmentId, in.EnvironmentName)
	if err != nil {
		return out, err
	}
	r := &out.EnvironmentResources
	r.EnvironmentName = e.Name
	if e.Status == launching {
		return out, nil
	}
	r.AutoScalingGroups = []name{{e.resource("AWSEBAutoScalingGroup")}}
	r.LaunchTemplates = []id{{"lt-" + e.digest("template")[:17]}}
	if !e.Setup.Options.paused() {
		r.Instances = []id{{e.instance()}}
	}
	if lb := e.loadBalancer(); lb != "" {
		r.LoadBalancers = []name{{lb}}
	}
	return out, nil
}
