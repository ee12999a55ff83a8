package autoscaling

import (
	"slices"
	"strings"

	"beansprout/localcloud/instance"
	"beansprout/localcloud/wire"
)

// named is the parameter of nearly every operation.
type named struct {
	AutoScalingGroupName string `aws:"required,min=1,max=255,xml"`
}

type templateIn struct {
	LaunchTemplateId   string `aws:"min=1,max=255,xml"`
	LaunchTemplateName string `aws:"min=3,max=128,pattern=[a-zA-Z0-9\\(\\)\\.\\-/_]+"`
	Version            string `aws:"min=1,max=255,xml"`
}

// settings are what a group is created with and what an update may change.
type settings struct {
	LaunchTemplate                   *templateIn
	MinSize, MaxSize                 *int     `aws:"min=0"`
	DesiredCapacity                  *int     `aws:"min=0"`
	DefaultCooldown                  *int     `aws:"min=0"`
	HealthCheckType                  string   `aws:"min=1,max=32,xml"`
	HealthCheckGracePeriod           *int     `aws:"min=0"`
	TerminationPolicies              []string `aws:"each,min=1,max=1600,xml"`
	NewInstancesProtectedFromScaleIn *bool
	DefaultInstanceWarmup            *int `aws:"min=-1"`
}

type createIn struct {
	named
	settings
	AvailabilityZones []string `aws:"each,min=1,max=255,xml"`
	VPCZoneIdentifier string   `aws:"min=1,max=5000,xml"`
	TargetGroupARNs   []string `aws:"each,min=1,max=511,xml"`
	Tags              []tagIn
}

const mostGroups, mostTargetGroups = 500, 50

func createGroup(st *state, in createIn) (none, error) {
	all, err := groups.All(st.tx, st.Region)
	if err != nil {
		return none{}, err
	}
	if slices.ContainsFunc(all, func(g group) bool { return g.Name == in.AutoScalingGroupName }) {
		return none{}, wire.Errorf("AlreadyExists", "AutoScalingGroup by this name already exists - A group with the name %s already exists", in.AutoScalingGroupName)
	}
	if len(all) >= mostGroups {
		return none{}, wire.Errorf("LimitExceeded", "Only %d AutoScalingGroups are allowed.", mostGroups)
	}
	if in.MinSize == nil || in.MaxSize == nil {
		return none{}, invalid("MinSize and MaxSize must be specified.")
	}
	g := &group{
		Region: st.Region, Account: st.Account, Name: in.AutoScalingGroupName, ARN: st.arn("autoScalingGroup", "autoScalingGroupName/"+in.AutoScalingGroupName),
		Created: st.Now, Cooldown: 300, Check: "EC2", Termination: []string{"Default"}, sizes: sizes{Max: *in.MaxSize},
	}
	if in.LaunchTemplate == nil {
		return none{}, invalid("Valid requests must contain either LaunchTemplate, LaunchConfigurationName, InstanceId or MixedInstancesPolicy parameter.")
	}
	if err := st.place(g, in); err != nil {
		return none{}, err
	}
	if err := st.set(g, in.settings, "created an AutoScalingGroup"); err != nil {
		return none{}, err
	}
	for _, t := range in.Tags {
		if err := g.tag(t); err != nil {
			return none{}, err
		}
	}
	return none{}, st.put(g)
}

// place sets the zones, the subnets and the target groups of a new group.
func (st *state) place(g *group, in createIn) error {
	n := instance.NetworkOf(st.Region, st.Account)
	var subnets []instance.Subnet
	for _, id := range strings.FieldsFunc(in.VPCZoneIdentifier, func(r rune) bool { return r == ',' || r == ' ' }) {
		s, ok := n.Subnet(id)
		if !ok {
			return invalid("The subnet ID '%s' does not exist", id)
		}
		subnets = append(subnets, s)
	}
	for _, zone := range in.AvailabilityZones {
		s, ok := n.In(zone)
		switch {
		case !ok:
			return invalid("Invalid availability zones: [%s]", zone)
		case in.VPCZoneIdentifier == "":
			subnets = append(subnets, s)
		case !slices.Contains(subnets, s):
			return invalid("The availability zones of the specified subnets and the Auto Scaling group do not match")
		}
	}
	if len(subnets) == 0 {
		return invalid("At least one Availability Zone or VPC Subnet is required.")
	}
	slices.SortFunc(subnets, func(a, b instance.Subnet) int { return strings.Compare(a.Zone, b.Zone) })
	for _, s := range slices.Compact(subnets) {
		g.Zones, g.Subnets = append(g.Zones, s.Zone), append(g.Subnets, s.ID)
	}
	for _, arn := range in.TargetGroupARNs {
		if st.Targets == nil || !st.Targets.Known(arn) {
			return invalid("Provided Target Groups may not be valid. Please ensure they exist and try again.")
		}
		g.TargetGroups = append(g.TargetGroups, arn)
	}
	slices.Sort(g.TargetGroups)
	if g.TargetGroups = slices.Compact(g.TargetGroups); len(g.TargetGroups) > mostTargetGroups {
		return wire.Errorf("LimitExceeded", "Only %d target groups are allowed.", mostTargetGroups)
	}
	return nil
}

// set applies settings to a group. did is what the user did, as activities tell it.
func (st *state) set(g *group, in settings, did string) error {
	if in.LaunchTemplate != nil {
		if err := st.choose(g, *in.LaunchTemplate); err != nil {
			return err
		}
	}
	if in.HealthCheckType != "" {
		if in.HealthCheckType != "EC2" && in.HealthCheckType != "ELB" {
			return invalid("Invalid HealthCheckType: %s. Valid health check types are: [EC2, ELB].", in.HealthCheckType)
		}
		g.Check = in.HealthCheckType
	}
	if in.TerminationPolicies != nil {
		if err := checkTermination(in.TerminationPolicies); err != nil {
			return err
		}
		g.Termination = in.TerminationPolicies
	}
	if in.NewInstancesProtectedFromScaleIn != nil {
		g.ProtectNew = *in.NewInstancesProtectedFromScaleIn
	}
	override(&g.Cooldown, in.DefaultCooldown)
	override(&g.Grace, in.HealthCheckGracePeriod)
	if in.DefaultInstanceWarmup != nil {
		if g.Warmup = in.DefaultInstanceWarmup; *g.Warmup < 0 { // -1 removes it
			g.Warmup = nil
		}
	}
	return g.resize(in.MinSize, in.MaxSize, in.DesiredCapacity, st.Now, "a user request "+did)
}

func override(to *int, from *int) {
	if from != nil {
		*to = *from
	}
}

// choose sets the launch template, which must exist and name an image.
func (st *state) choose(g *group, in templateIn) error {
	if (in.LaunchTemplateId == "") == (in.LaunchTemplateName == "") {
		return invalid("Valid requests must contain either launchTemplateId or LaunchTemplateName")
	}
	i, err := st.Templates.Launched(st.Region, st.Account, in.LaunchTemplateId, in.LaunchTemplateName, in.Version)
	if err != nil {
		return invalid("You must use a valid fully-formed launch template. %s", plain(err))
	}
	if i.Image == "" {
		return invalid("You must use a valid fully-formed launch template. The request must contain the parameter ImageId")
	}
	g.Template = template{i.Template.ID, i.Template.Name, in.Version}
	return nil
}

// terminationPolicies are AWS's, without those for Spot and Lambda. Default must be the last one.
var terminationPolicies = []string{"OldestInstance", "NewestInstance", "OldestLaunchTemplate", "OldestLaunchConfiguration", "ClosestToNextInstanceHour", "AllocationStrategy", "Default"}

func checkTermination(policies []string) error {
	for i, p := range policies {
		if !slices.Contains(terminationPolicies, p) {
			return invalid("Termination policy %s is not valid. Valid policies are: [%s].", p, strings.Join(terminationPolicies, ", "))
		}
		if p == "Default" && i < len(policies)-1 {
			return invalid("Default must be the last termination policy.")
		}
	}
	return nil
}

type updateIn struct {
	named
	settings
}

func updateGroup(st *state, in updateIn) (none, error) {
	return none{}, st.change(in.AutoScalingGroupName, func(g *group) error {
		return st.set(g, in.settings, "update of AutoScalingGroup constraints")
	})
}

type deleteIn struct {
	named
	ForceDelete bool
}

// deleteGroup removes a group. With ForceDelete its instances are terminated first.
func deleteGroup(st *state, in deleteIn) (none, error) {
	g, err := st.group(in.AutoScalingGroupName)
	if err != nil || g.Deleting {
		return none{}, err
	}
	if len(g.Instances) == 0 {
		return none{}, groups.Delete(st.tx, g.Region, g.Name)
	}
	if !in.ForceDelete {
		if !slices.ContainsFunc(g.Instances, func(m member) bool { return m.State != terminating }) {
			return none{}, wire.Errorf("ScalingActivityInProgress", "You cannot delete an AutoScalingGroup while there are scaling activities in progress for that group.")
		}
		return none{}, wire.Errorf("ResourceInUse", "You cannot delete an AutoScalingGroup while there are instances or pending Spot instance request(s) still in the group.")
	}
	g.Deleting, g.Min, g.Desired = true, 0, 0
	return none{}, st.put(g)
}
