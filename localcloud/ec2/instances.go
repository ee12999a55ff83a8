package ec2

import (
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"beansprout/localcloud/instance"
	"beansprout/localcloud/wire"
)

type stateOut struct {
	Code int    `json:"code"`
	Name string `json:"name"`
}

var codes = map[instance.State]int{instance.Pending: 0, instance.Running: 16, instance.ShuttingDown: 32, instance.Terminated: 48}

func shownState(s instance.State) stateOut { return stateOut{codes[s], string(s)} }

type reservation struct {
	ReservationId string        `json:"reservationId"`
	OwnerId       string        `json:"ownerId"`
	Groups        []groupOut    `json:"groupSet"`
	Instances     []instanceOut `json:"instancesSet"`
}

type groupOut struct {
	GroupId   string `json:"groupId"`
	GroupName string `json:"groupName"`
}

type instanceOut struct {
	InstanceId            string       `json:"instanceId"`
	ImageId               string       `json:"imageId"`
	State                 stateOut     `json:"instanceState"`
	PrivateDnsName        string       `json:"privateDnsName"`
	StateTransitionReason string       `json:"reason"`
	StateReason           *stateReason `json:"stateReason"`
	KeyName               string       `json:"keyName"`
	AmiLaunchIndex        int          `json:"amiLaunchIndex"`
	InstanceType          string       `json:"instanceType"`
	LaunchTime            time.Time    `json:"launchTime"`
	Placement             struct {
		AvailabilityZone string `json:"availabilityZone"`
		GroupName        string `json:"groupName"`
		Tenancy          string `json:"tenancy"`
	} `json:"placement"`
	SubnetId           string     `json:"subnetId"`
	VpcId              string     `json:"vpcId"`
	PrivateIpAddress   string     `json:"privateIpAddress"`
	Architecture       string     `json:"architecture"`
	RootDeviceType     string     `json:"rootDeviceType"`
	SecurityGroups     []groupOut `json:"groupSet"`
	Tags               []tagOut   `json:"tagSet"`
	VirtualizationType string     `json:"virtualizationType"`
	IamInstanceProfile *struct {
		Arn string `json:"arn"`
	} `json:"iamInstanceProfile"`
	MetadataOptions metadataOut `json:"metadataOptions"`
}

type metadataOut struct {
	State                string `json:"state"`
	HttpTokens           string `json:"httpTokens"`
	HttpEndpoint         string `json:"httpEndpoint"`
	InstanceMetadataTags string `json:"instanceMetadataTags"`
}

func shownMetadata(i instance.Instance) metadataOut {
	out := metadataOut{"applied", "optional", "enabled", "disabled"}
	if i.MetadataTokens {
		out.HttpTokens = "required"
	}
	if i.MetadataTags {
		out.InstanceMetadataTags = "enabled"
	}
	return out
}

type stateReason struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func show(i instance.Instance) instanceOut {
	out := instanceOut{
		InstanceId: i.ID, ImageId: i.Image, State: shownState(i.State), KeyName: i.Key, InstanceType: i.Type, LaunchTime: i.Launched,
		Architecture: "x86_64", RootDeviceType: "ebs", Tags: shownTags(i.Tags), VirtualizationType: "hvm", MetadataOptions: shownMetadata(i),
	}
	if i.Profile != "" {
		out.IamInstanceProfile = &struct {
			Arn string `json:"arn"`
		}{i.Profile}
	}
	out.Placement.AvailabilityZone, out.Placement.Tenancy = i.Zone, "default"
	if i.State != instance.Terminated { // then it has no place any more
		out.SubnetId, out.VpcId, out.PrivateIpAddress, out.SecurityGroups = i.Subnet, i.VPC, i.Address, shownGroups(i.SecurityGroups)
		out.PrivateDnsName = "ip-" + strings.ReplaceAll(i.Address, ".", "-") + "." + i.Region + ".compute.internal"
	}
	if code, message, ok := strings.Cut(i.Reason, ": "); ok {
		out.StateTransitionReason, out.StateReason = message, &stateReason{code, i.Reason}
	}
	return out
}

func shownGroups(ids []string) []groupOut {
	out := []groupOut{}
	for _, id := range ids {
		out = append(out, groupOut{id, "default"})
	}
	return out
}

func filtered(i instance.Instance) attributes {
	return attributes{
		"instance-id": {i.ID}, "instance-state-name": {string(i.State)}, "instance-state-code": {strconv.Itoa(codes[i.State])}, "availability-zone": {i.Zone},
		"subnet-id": {i.Subnet}, "vpc-id": {i.VPC}, "image-id": {i.Image}, "instance-type": {i.Type}, "private-ip-address": {i.Address},
		"key-name": {i.Key}, "reservation-id": {i.Reservation},
	}
}

type describeInstancesIn struct {
	InstanceIds []string `json:"InstanceId" aws:"max=1000"`
	Filters     []filter `json:"Filter"`
	NextToken   string
	MaxResults  *int `aws:"min=5,max=1000"`
}

type instancesOut struct {
	NextToken    string        `json:"nextToken"`
	Reservations []reservation `json:"reservationSet"`
}

func describeInstances(st *state, in describeInstancesIn) (out instancesOut, err error) {
	if in.InstanceIds != nil && in.MaxResults != nil {
		return out, wire.Errorf("InvalidParameterCombination", "The parameter instancesSet cannot be used with the parameter maxResults")
	}
	rows, err := st.instances(in.InstanceIds)
	if err != nil {
		return out, err
	}
	var all []instance.Instance
	for _, i := range rows {
		ok, err := passes(in.Filters, filtered(i), i.Tags)
		if err != nil {
			return out, err
		}
		if ok {
			all = append(all, i)
		}
	}
	all, out.NextToken, err = page(all, paged{in.NextToken, in.MaxResults}, func(i instance.Instance) string { return i.ID })
	for _, i := range all { // each was launched alone
		out.Reservations = append(out.Reservations, reservation{ReservationId: i.Reservation, OwnerId: i.Account, Groups: []groupOut{}, Instances: []instanceOut{show(i)}})
	}
	return out, err
}

// instances returns the instances with the ids, or all without ids, and refuses unknown ones.
func (st *state) instances(ids []string) ([]instance.Instance, error) {
	for _, id := range ids {
		if hex, ok := strings.CutPrefix(id, "i-"); !ok || hex == "" || strings.Trim(hex, "0123456789abcdef") != "" {
			return nil, wire.Errorf("InvalidInstanceID.Malformed", "Invalid id: \"%s\"", id)
		}
	}
	rows, missing := named(st.Fleet.All(st.Region), ids, func(i instance.Instance) string { return i.ID })
	switch len(missing) {
	case 0:
		return rows, nil
	case 1:
		return nil, notFound(missing[0])
	}
	return nil, wire.Errorf("InvalidInstanceID.NotFound", "The instance IDs '%s' do not exist", strings.Join(missing, ", "))
}

type terminateIn struct {
	InstanceIds []string `json:"InstanceId" aws:"required,min=1,max=1000"`
}

type stateChange struct {
	InstanceId    string   `json:"instanceId"`
	CurrentState  stateOut `json:"currentState"`
	PreviousState stateOut `json:"previousState"`
}

type terminateOut struct {
	TerminatingInstances []stateChange `json:"instancesSet"`
}

// terminateInstances terminates all instances, or none if one of the ids is wrong.
func terminateInstances(st *state, in terminateIn) (out terminateOut, err error) {
	rows, err := st.instances(in.InstanceIds)
	if err != nil {
		return out, err
	}
	for _, i := range rows {
		change := stateChange{i.ID, shownState(i.State), shownState(i.State)}
		if i.State == instance.Pending || i.State == instance.Running {
			change.CurrentState = shownState(instance.ShuttingDown)
		}
		out.TerminatingInstances = append(out.TerminatingInstances, change)
	}
	at := st.Now.UTC().Format("2006-01-02 15:04:05 GMT")
	return out, st.Fleet.Terminate("Client.UserInitiatedShutdown: User initiated ("+at+")", in.InstanceIds...)
}

type consoleIn struct {
	InstanceId string `aws:"required"`
}

type consoleOut struct {
	InstanceId string    `json:"instanceId"`
	Timestamp  time.Time `json:"timestamp"`
	Output     string    `json:"output"`
}

func getConsoleOutput(st *state, in consoleIn) (out consoleOut, err error) {
	rows, err := st.instances([]string{in.InstanceId})
	if err != nil {
		return out, err
	}
	text, err := st.Fleet.Console(st.ctx, in.InstanceId)
	return consoleOut{rows[0].ID, rows[0].Launched, base64.StdEncoding.EncodeToString([]byte(text))}, err
}
