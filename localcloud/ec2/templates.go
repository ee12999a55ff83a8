package ec2

import (
	"cmp"
	"encoding/base64"
	"reflect"
	"slices"
	"strings"
	"time"

	bolt "go.etcd.io/bbolt"

	"beansprout/localcloud/iam"
	"beansprout/localcloud/instance"
	"beansprout/localcloud/wire"
)

// template is a launch template. It has one version.
type template struct {
	ID, Name    string
	Created     time.Time
	CreatedBy   string
	Description string // of the version
	Data        templateData
	Token       string // with which it was made
}

// templateData is what a template says of instances.
type templateData struct {
	ImageId            string   `aws:"min=5,max=21,pattern=ami-[a-z0-9]{1,17}"`
	InstanceType       string   `aws:"pattern=[a-z0-9-]+\\.[a-z0-9-]+"`
	KeyName            string   `aws:"max=255"`
	UserData           string   // in base64
	SecurityGroupIds   []string `json:"SecurityGroupId"`
	IamInstanceProfile *struct{ Arn, Name string }
	MetadataOptions    *struct {
		HttpTokens           string `aws:"enum=optional|required"`
		InstanceMetadataTags string `aws:"enum=disabled|enabled"`
	}
	TagSpecifications []tagSpecification `json:"TagSpecification"`
}

type createTemplateIn struct {
	LaunchTemplateName string             `aws:"required,min=3,max=128,pattern=[a-zA-Z0-9\\(\\)\\.\\-/_]+"`
	VersionDescription string             `aws:"max=255"`
	LaunchTemplateData templateData       `aws:"required"`
	TagSpecifications  []tagSpecification `json:"TagSpecification"`
	ClientToken        string             `aws:"max=128"`
}

// templateOut is a launch template on the wire.
type templateOut struct {
	LaunchTemplateId     string    `json:"launchTemplateId"`
	LaunchTemplateName   string    `json:"launchTemplateName"`
	CreateTime           time.Time `json:"createTime"`
	CreatedBy            string    `json:"createdBy"`
	DefaultVersionNumber int       `json:"defaultVersionNumber"`
	LatestVersionNumber  int       `json:"latestVersionNumber"`
	Tags                 []tagOut  `json:"tagSet"`
}

func (t template) show(tagged map[string]string) templateOut {
	return templateOut{t.ID, t.Name, t.Created, t.CreatedBy, 1, 1, shownTags(tagged)}
}

type createTemplateOut struct {
	LaunchTemplate templateOut `json:"launchTemplate"`
}

func createLaunchTemplate(st *state, in createTemplateIn) (out createTemplateOut, err error) {
	of, err := specified(in.TagSpecifications, "launch-template", "launch-template")
	if err == nil {
		err = in.LaunchTemplateData.check(st.network())
	}
	if err != nil {
		return out, err
	}
	made, err := templates.All(st.tx, st.Region)
	if err != nil {
		return out, err
	}
	for _, t := range made {
		same := t.Name == in.LaunchTemplateName && t.Description == in.VersionDescription && reflect.DeepEqual(t.Data, in.LaunchTemplateData)
		switch {
		case in.ClientToken != "" && t.Token == in.ClientToken && !same:
			return out, wire.Errorf("IdempotentParameterMismatch", "Client token already used before.")
		case in.ClientToken != "" && t.Token == in.ClientToken:
			tagged, err := st.tagged(t.ID)
			return createTemplateOut{t.show(tagged)}, err
		case t.Name == in.LaunchTemplateName:
			return out, wire.Errorf("InvalidLaunchTemplateName.AlreadyExistsException", "Launch template name already in use.")
		}
	}
	t := template{
		ID: instance.NewID("lt-"), Name: in.LaunchTemplateName, Created: st.Now.UTC().Truncate(time.Second), CreatedBy: iam.UserARN(st.Region, st.Account),
		Description: in.VersionDescription, Data: in.LaunchTemplateData, Token: in.ClientToken,
	}
	if err := tags.Put(st.tx, of, st.Region, t.ID); err != nil {
		return out, err
	}
	return createTemplateOut{t.show(of)}, templates.Put(st.tx, t, st.Region, t.ID)
}

// mostUserData is how many bytes of user data an instance may have.
const mostUserData = 16 << 10

func (d templateData) check(n instance.Network) error {
	raw, err := base64.StdEncoding.DecodeString(d.UserData)
	if err != nil {
		return wire.Errorf("InvalidUserData.Malformed", "Invalid BASE64 encoding of user data.")
	}
	if len(raw) > mostUserData {
		return invalid("User data is limited to %d bytes", mostUserData)
	}
	for _, group := range d.SecurityGroupIds {
		if group != n.SecurityGroup {
			return wire.Errorf("InvalidGroup.NotFound", "The security group '%s' does not exist", group)
		}
	}
	_, err = specified(d.TagSpecifications, "instance", "instance", "volume", "network-interface", "spot-instances-request")
	return err
}

type describeTemplatesIn struct {
	LaunchTemplateIds   []string `json:"LaunchTemplateId" aws:"max=200"`
	LaunchTemplateNames []string `json:"LaunchTemplateName" aws:"max=200"`
	Filters             []filter `json:"Filter"`
	NextToken           string
	MaxResults          *int `aws:"min=1,max=200"`
}

type templatesOut struct {
	LaunchTemplates []templateOut `json:"launchTemplates"`
	NextToken       string        `json:"nextToken"`
}

func describeLaunchTemplates(st *state, in describeTemplatesIn) (out templatesOut, err error) {
	made, err := templates.All(st.tx, st.Region)
	if err != nil {
		return out, err
	}
	slices.SortFunc(made, func(a, b template) int { return strings.Compare(a.Name, b.Name) })
	rows, missing := named(made, in.LaunchTemplateIds, func(t template) string { return t.ID })
	if missing != nil {
		return out, wire.Errorf("InvalidLaunchTemplateId.NotFound", "The specified launch template, with template ID %s, does not exist.", missing[0])
	}
	rows, missing = named(rows, in.LaunchTemplateNames, func(t template) string { return t.Name })
	if missing != nil {
		return out, wire.Errorf("InvalidLaunchTemplateName.NotFoundException", "At least one of the launch templates specified in the request does not exist.")
	}
	var all []templateOut
	for _, t := range rows {
		tagged, err := st.tagged(t.ID)
		if err != nil {
			return out, err
		}
		ok, err := passes(in.Filters, attributes{"launch-template-name": {t.Name}}, tagged)
		if err != nil {
			return out, err
		}
		if ok {
			all = append(all, t.show(tagged))
		}
	}
	out.LaunchTemplates, out.NextToken, err = page(all, paged{in.NextToken, in.MaxResults}, func(t templateOut) string { return t.LaunchTemplateId })
	return out, err
}

// Launched returns an instance as a launch template, named by its id or its name, describes it. The
// version is a number, $Latest, or $Default, which is also meant by "". The error is EC2's refusal.
func (s *Service) Launched(region, account, id, name, version string) (i instance.Instance, err error) {
	err = s.db.View(func(tx *bolt.Tx) error {
		made, err := templates.All(tx, region)
		if err != nil {
			return err
		}
		at := slices.IndexFunc(made, func(t template) bool { return t.ID == id || id == "" && t.Name == name })
		switch {
		case at < 0 && id != "":
			return notFound("lt-" + strings.TrimPrefix(id, "lt-"))
		case at < 0:
			return wire.Errorf("InvalidLaunchTemplateName.NotFoundException", "The specified launch template, with template name %s, does not exist.", name)
		case !slices.Contains([]string{"", "1", "$Latest", "$Default"}, version):
			return wire.Errorf("InvalidLaunchTemplateId.VersionNotFound", "Could not find the specified version %s for the launch template with ID %s.", version, made[at].ID)
		}
		i, err = made[at].launched(region, account)
		return err
	})
	return i, err
}

func (t template) launched(region, account string) (i instance.Instance, err error) {
	d := t.Data
	raw, err := base64.StdEncoding.DecodeString(d.UserData)
	if err != nil {
		return i, err
	}
	n := instance.NetworkOf(region, account)
	i = instance.Instance{
		Region: region, Account: account, Image: d.ImageId, Type: cmp.Or(d.InstanceType, "m1.small"), Key: d.KeyName, VPC: n.VPC, UserData: string(raw),
		SecurityGroups: d.SecurityGroupIds, Template: instance.Template{ID: t.ID, Name: t.Name, Version: 1},
	}
	if len(i.SecurityGroups) == 0 {
		i.SecurityGroups = []string{n.SecurityGroup}
	}
	if p := d.IamInstanceProfile; p != nil {
		if i.Profile = p.Arn; i.Profile == "" {
			i.Profile = wire.GlobalARN("iam", region, account, "instance-profile/"+p.Name)
		}
	}
	if o := d.MetadataOptions; o != nil {
		i.MetadataTags, i.MetadataTokens = o.InstanceMetadataTags == "enabled", o.HttpTokens == "required"
	}
	i.Tags, err = specified(d.TagSpecifications, "instance", "instance", "volume", "network-interface", "spot-instances-request")
	return i, err
}
