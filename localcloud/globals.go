package localcloud

import (
	"context"
	"net/url"
	"strings"
	"time"

	"beansprout/localcloud/beanstalk"
	"beansprout/localcloud/wire"
)

// openGlobals adds STS and IAM, which have no state: one user, who may do everything, and
// the two roles that Beanstalk needs.
func (c *Cloud) openGlobals(context.Context) error {
	const sts, iam = "https://sts.amazonaws.com/doc/2011-06-15/", "https://iam.amazonaws.com/doc/2010-05-08/"
	c.services["sts"] = speaksQuery(sts, wire.Query(sts, "2011-06-15", map[string]wire.Operation{
		"GetCallerIdentity": wire.Op(c.getCallerIdentity),
	}))
	c.services["iam"] = speaksQuery(iam, wire.Query(iam, "2010-05-08", map[string]wire.Operation{
		"ListRoles": wire.Op(c.listRoles),
	}))
	return nil
}

type caller struct{ Arn, UserId, Account string }

func (c *Cloud) getCallerIdentity(context.Context, wire.Call, struct{}) (caller, error) {
	return caller{Arn: "arn:aws:iam::" + c.id.Account + ":user/local", UserId: "AIDALOCALLOCALLOCALLO", Account: c.id.Account}, nil
}

type listRolesIn struct {
	PathPrefix string `aws:"min=1,max=512,pattern=/[\\x21-\\x7F]*"`
	Marker     string `aws:"min=1,max=320,pattern=[\\x20-\\xFF]+"`
	MaxItems   *int   `aws:"min=1,max=1000"`
}

type listRolesOut struct {
	Roles       []role
	IsTruncated bool
}

type role struct {
	Path, RoleName, RoleId, Arn string
	CreateDate                  time.Time
	AssumeRolePolicyDocument    string // URL-encoded JSON
	MaxSessionDuration          int    // seconds
}

func (c *Cloud) listRoles(_ context.Context, _ wire.Call, in listRolesIn) (listRolesOut, error) {
	out := listRolesOut{Roles: []role{}}
	if strings.HasPrefix("/", in.PathPrefix) { // all roles lie at the root
		out.Roles = append(out.Roles, c.role(beanstalk.InstanceProfile, "ec2"), c.role(beanstalk.ServiceRole, "elasticbeanstalk"))
	}
	return out, nil
}

func (c *Cloud) role(name, trusted string) role {
	return role{
		Path: "/", RoleName: name, RoleId: "AROALOCAL" + strings.ToUpper(trusted[:3]) + "LOCALLOC",
		Arn:        "arn:aws:iam::" + c.id.Account + ":role/" + name,
		CreateDate: time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC),
		AssumeRolePolicyDocument: url.QueryEscape(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"` +
			trusted + `.amazonaws.com"},"Action":"sts:AssumeRole"}]}`),
		MaxSessionDuration: 3600,
	}
}
