package localcloud

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"beansprout/localcloud/beanstalk"
	"beansprout/localcloud/wire"
)

// openGlobals adds STS and IAM, which have no state: there is one user, who may do everything, and
// there are the two roles that Beanstalk needs.
func (c *Cloud) openGlobals(context.Context) error {
	const sts, iam = "https://sts.amazonaws.com/doc/2011-06-15/", "https://iam.amazonaws.com/doc/2010-05-08/"
	c.services["sts"] = speaksQuery(sts, wire.Query(sts, "2011-06-15", map[string]wire.Operation{
		"GetCallerIdentity": wire.Op(c.getCallerIdentity),
	}))
	c.services["iam"] = speaksQuery(iam, wire.Query(iam, "2010-05-08", map[string]wire.Operation{
		"CreateInstanceProfile": wire.Op(c.createInstanceProfile),
		"ListRoles":             wire.Op(c.listRoles),
	}))
	return nil
}

type caller struct{ Arn, UserId, Account string }

func (c *Cloud) getCallerIdentity(_ context.Context, call wire.Call, _ struct{}) (caller, error) {
	return caller{Arn: wire.GlobalARN("iam", call.Region, c.id.Account, "user/local"), UserId: "AIDALOCALLOCALLOCALLO", Account: c.id.Account}, nil
}

type listRolesIn struct {
	PathPrefix string `aws:"min=1,max=512,pattern=/[\\x21-\\x7F]*"`
	Marker     string `aws:"min=1,max=320,pattern=[\\x20-\\xFF]+"`
	MaxItems   *int   `aws:"min=1,max=1000"`
}

type listRolesOut struct {
	Roles       []role
	IsTruncated bool
	Marker      *string
}

type role struct {
	Path, RoleName, RoleId, Arn string
	CreateDate                  time.Time
	AssumeRolePolicyDocument    string // URL-encoded JSON
	MaxSessionDuration          int    // seconds
}

func (c *Cloud) listRoles(_ context.Context, call wire.Call, in listRolesIn) (listRolesOut, error) {
	out := listRolesOut{Roles: []role{}}
	if strings.HasPrefix("/", in.PathPrefix) { // the path of all roles is /
		out.Roles = append(out.Roles, c.role(call.Region, beanstalk.InstanceProfile, "ec2"), c.role(call.Region, beanstalk.ServiceRole, "elasticbeanstalk"))
	}
	if in.Marker != "" {
		i := slices.IndexFunc(out.Roles, func(r role) bool { return r.RoleName == in.Marker })
		if i < 0 {
			return out, wire.Errorf("ValidationError", "Invalid Marker.")
		}
		out.Roles = out.Roles[i+1:]
	}
	if n := in.MaxItems; n != nil && *n < len(out.Roles) {
		out.Roles, out.IsTruncated = out.Roles[:*n], true
		out.Marker = &out.Roles[*n-1].RoleName
	}
	return out, nil
}

type createProfileIn struct {
	InstanceProfileName, Path string
	Tags                      []struct{ Key, Value string }
}

// createInstanceProfile refuses, because the only instance profile exists already. The EB CLI calls
// it unless it is given a profile, and uses the existing one after this refusal.
func (c *Cloud) createInstanceProfile(_ context.Context, call wire.Call, in createProfileIn) (struct{}, error) {
	return struct{}{}, &wire.Error{Code: "AccessDenied", Status: http.StatusForbidden, Message: fmt.Sprintf(
		"User: %s is not authorized to perform: iam:CreateInstanceProfile on resource: %s",
		wire.GlobalARN("iam", call.Region, c.id.Account, "user/local"),
		wire.GlobalARN("iam", call.Region, c.id.Account, "instance-profile"+cmp.Or(in.Path, "/")+in.InstanceProfileName))}
}

func (c *Cloud) role(region, name, trusted string) role {
	return role{
		Path: "/", RoleName: name, RoleId: "AROALOCAL" + strings.ToUpper(trusted[:3]) + "LOCALLOC",
		Arn:        wire.GlobalARN("iam", region, c.id.Account, "role/"+name),
		CreateDate: time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC),
		AssumeRolePolicyDocument: url.QueryEscape(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"` +
			trusted + `.amazonaws.com"},"Action":"sts:AssumeRole"}]}`),
		MaxSessionDuration: 3600,
	}
}
