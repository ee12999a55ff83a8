package iam

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"beansprout/localcloud/wire"
)

// role is a role with its policies. Attached has the ARNs of managed policies after "policy/".
type role struct {
	Path, Name, ID, Description string
	Created                     time.Time
	Session                     int // seconds
	Trust                       string
	Tags                        []tag
	Attached                    []string
	Inline                      []inline // by name
}

type inline struct{ Name, Document string }

const leastSession = 3600

type tag struct {
	Key   string `aws:"required,min=1,max=128,pattern=[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+"`
	Value string `aws:"required,max=256,pattern=[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*"`
}

// roleOut is a role on the wire.
type roleOut struct {
	Path, RoleName, RoleId, Arn string
	CreateDate                  time.Time
	AssumeRolePolicyDocument    string // URL-encoded JSON
	Description                 string
	MaxSessionDuration          int
	Tags                        []tagOut `json:",omitempty"`
}

// tagOut is a tag in an answer: its value is there even if it is empty.
type tagOut struct {
	Key   string
	Value *string
}

func shownTags(tags []tag) (out []tagOut) {
	for _, t := range tags {
		out = append(out, tagOut{t.Key, &t.Value})
	}
	return out
}

func (st *state) show(r role) roleOut {
	return roleOut{
		Path: r.Path, RoleName: r.Name, RoleId: r.ID, Arn: st.arn("role", r.Path, r.Name), CreateDate: r.Created,
		AssumeRolePolicyDocument: encoded(r.Trust), Description: r.Description, MaxSessionDuration: r.Session, Tags: shownTags(r.Tags),
	}
}

func (st *state) arn(kind, path, name string) string {
	return wire.GlobalARN("iam", st.Region, st.Account, kind+path+name)
}

// encoded returns a document as IAM answers it: URL-encoded by RFC 3986.
func encoded(document string) string {
	return strings.ReplaceAll(url.QueryEscape(document), "+", "%20")
}

// identifier returns a unique id with AWS's prefix for the kind.
func identifier(prefix string) string { return prefix + rand.Text()[:17] }

type roleNamed struct {
	RoleName string `aws:"required,min=1,max=64,pattern=[\\w+=,.@-]+"`
}

type roleAnswer struct{ Role roleOut }

func (st *state) role(name string) (role, error) {
	r, ok := roles.get(st.tx, name)
	if !ok {
		return r, missing("The role with name %s cannot be found.", name)
	}
	return r, nil
}

func getRole(st *state, in roleNamed) (out roleAnswer, err error) {
	r, err := st.role(in.RoleName)
	return roleAnswer{st.show(r)}, err
}

type createRoleIn struct {
	roleNamed
	Path                     string `aws:"min=1,max=512,pattern=(/)|(/[\\x21-\\x7E]+/)"`
	AssumeRolePolicyDocument string `aws:"required,min=1,max=131072,pattern=[\\x09\\x0A\\x0D\\x20-\\x{FF}]+"`
	Description              string `aws:"max=1000,pattern=[\\x09\\x0A\\x0D\\x20-\\x7E\\x{A1}-\\x{FF}]*"`
	MaxSessionDuration       *int   `aws:"min=3600,max=43200"`
	Tags                     []tag  `aws:"max=50"`
}

func createRole(st *state, in createRoleIn) (out roleAnswer, err error) {
	if err := checkTrust(in.AssumeRolePolicyDocument); err != nil {
		return out, err
	}
	if err := checkTags(in.Tags); err != nil {
		return out, err
	}
	if _, ok := roles.get(st.tx, in.RoleName); ok {
		return out, taken("Role with name %s already exists.", in.RoleName)
	}
	r := role{
		Path: cmp.Or(in.Path, "/"), Name: in.RoleName, ID: identifier("AROA"), Description: in.Description, Created: st.Now.UTC().Truncate(time.Second),
		Session: leastSession, Trust: in.AssumeRolePolicyDocument, Tags: in.Tags,
	}
	if in.MaxSessionDuration != nil {
		r.Session = *in.MaxSessionDuration
	}
	return roleAnswer{st.show(r)}, roles.put(st.tx, r.Name, r)
}

type updateTrustIn struct {
	roleNamed
	PolicyDocument string `aws:"required,min=1,max=131072,pattern=[\\x09\\x0A\\x0D\\x20-\\x{FF}]+"`
}

func updateAssumeRolePolicy(st *state, in updateTrustIn) (out struct{}, err error) {
	r, err := st.role(in.RoleName)
	if err != nil {
		return out, err
	}
	if err := checkTrust(in.PolicyDocument); err != nil {
		return out, err
	}
	r.Trust = in.PolicyDocument
	return out, roles.put(st.tx, r.Name, r)
}

type listIn struct {
	PathPrefix string `aws:"min=1,max=512,pattern=/[\\x21-\\x7F]*"`
	paged
}

type listRolesOut struct {
	Roles []roleOut
	pageOut
}

func listRoles(st *state, in listIn) (out listRolesOut, err error) {
	all := []roleOut{}
	for _, r := range roles.all(st.tx) {
		if strings.HasPrefix(r.Path, in.PathPrefix) {
			shown := st.show(r)
			shown.Tags = nil // only GetRole has them
			all = append(all, shown)
		}
	}
	out.Roles, out.pageOut, err = page(all, in.paged, func(r roleOut) string { return r.RoleName })
	return out, err
}

func checkTags(tags []tag) error {
	seen := map[string]bool{}
	for _, t := range tags {
		key := strings.ToLower(t.Key)
		if seen[key] {
			return wire.Errorf("InvalidInput", "Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		}
		if seen[key] = true; strings.HasPrefix(key, "aws:") {
			return wire.Errorf("InvalidInput", "Tag keys beginning with 'aws:' are reserved for system use.")
		}
	}
	return nil
}

func missing(format string, args ...any) error {
	return &wire.Error{Code: "NoSuchEntity", Message: fmt.Sprintf(format, args...), Status: http.StatusNotFound}
}

func taken(format string, args ...any) error {
	return &wire.Error{Code: "EntityAlreadyExists", Message: fmt.Sprintf(format, args...), Status: http.StatusConflict}
}

func tooMany(format string, args ...any) error {
	return &wire.Error{Code: "LimitExceeded", Message: fmt.Sprintf(format, args...), Status: http.StatusConflict}
}
