package beanstalk

import (
	"reflect"
	"slices"
	"time"

	"beansprout/localcloud/wire"
)

type environmentHealthIn struct {
	named
	AttributeNames []string `aws:"each,enum=Status|Color|Causes|ApplicationMetrics|InstancesHealth|All|HealthStatus|RefreshedAt"`
}

type environmentHealthOut struct {
	EnvironmentName, HealthStatus, Status, Color string
	Causes                                       []string `json:",omitempty"`
	ApplicationMetrics                           *metrics
	InstancesHealth                              *instanceCounts
	RefreshedAt                                  time.Time
}

type metrics struct{ RequestCount int }

type instanceCounts struct{ NoData, Unknown, Pending, Ok, Info, Warning, Degraded, Severe int }

type instancesHealthIn struct {
	named
	AttributeNames []string `aws:"each,enum=HealthStatus|Color|Causes|ApplicationMetrics|RefreshedAt|LaunchedAt|System|Deployment|AvailabilityZone|InstanceType|All"`
	NextToken      string   `aws:"min=1,max=100"`
}

type instancesHealthOut struct {
	InstanceHealthList []instanceHealth
	RefreshedAt        time.Time
}

type instanceHealth struct {
	InstanceId, HealthStatus, Color, AvailabilityZone, InstanceType string
	Causes                                                          []string `json:",omitempty"`
	LaunchedAt                                                      time.Time
	ApplicationMetrics                                              *metrics
	Deployment                                                      *deployment
}

type deployment struct {
	VersionLabel, Status string
	DeploymentId         int
	DeploymentTime       time.Time
}

// describeEnvironmentHealth returns the environment's status as Status, as AWS does, although the
// model says that it is a colour.
func describeEnvironmentHealth(st *state, in environmentHealthIn) (out environmentHealthOut, err error) {
	e, err := st.enhanced(in.named, "DescribeEnvironmentHealth")
	if err != nil {
		return out, err
	}
	out = environmentHealthOut{EnvironmentName: e.Name, Status: e.Status, Causes: e.causes(), RefreshedAt: st.Now, ApplicationMetrics: &metrics{}, InstancesHealth: &instanceCounts{}}
	out.Color, out.HealthStatus = e.health()
	counts := map[string]*int{
		"Pending": &out.InstancesHealth.Pending, "Ok": &out.InstancesHealth.Ok, "Info": &out.InstancesHealth.Info, "Severe": &out.InstancesHealth.Severe,
	}
	if n, ok := counts[out.HealthStatus]; ok {
		*n = 1
	}
	onlyAsked(&out, in.AttributeNames, "EnvironmentName")
	return out, nil
}

func describeInstancesHealth(st *state, in instancesHealthIn) (out instancesHealthOut, err error) {
	e, err := st.enhanced(in.named, "DescribeInstancesHealth")
	if err != nil {
		return out, err
	}
	out.RefreshedAt = st.Now
	onlyAsked(&out, in.AttributeNames)
	if e.Status == launching || e.Setup.Options.paused() {
		return out, nil
	}
	i := instanceHealth{
		InstanceId: e.instance(), Causes: e.causes(), LaunchedAt: e.Created, AvailabilityZone: e.Region + "a", InstanceType: "t3.micro",
		ApplicationMetrics: &metrics{}, Deployment: &deployment{VersionLabel: e.Setup.Version, Status: "Deployed", DeploymentId: 1, DeploymentTime: e.Updated},
	}
	i.Color, i.HealthStatus = e.health()
	onlyAsked(&i, in.AttributeNames, "InstanceId")
	out.InstanceHealthList = []instanceHealth{i}
	return out, nil
}

// enhanced returns an environment with enhanced health, and refuses the operation for any other.
func (st *state) enhanced(in named, operation string) (environment, error) {
	e, err := st.live(in.EnvironmentId, in.EnvironmentName)
	if err == nil && !e.Setup.Options.enhanced() {
		err = wire.Errorf("InvalidRequestException", "%s is not supported.", operation)
	}
	return e, err
}

func (e environment) causes() []string {
	if e.Failed {
		return []string{"Application deployment failed. The application does not answer."}
	}
	return []string{}
}

// onlyAsked clears the attributes that the call did not ask for. By default an answer only names the
// environment.
func onlyAsked[T any](answer *T, names []string, always ...string) {
	if slices.Contains(names, "All") {
		return
	}
	for f, v := range reflect.ValueOf(answer).Elem().Fields() {
		if !slices.Contains(append(always, names...), f.Name) {
			v.SetZero()
		}
	}
}
