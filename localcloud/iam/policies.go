package iam

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"beansprout/localcloud/wire"
)

// managedText has AWS's managed policies for Beanstalk and ECR, as AWS publishes them.
//
//go:embed managed.json
var managedText []byte

type managed struct {
	PolicyName, Path, DefaultVersionId string
	CreateDate, UpdateDate             time.Time
	Document                           json.RawMessage
}

var managedPolicies = sync.OnceValue(func() (all []managed) {
	if err := json.Unmarshal(managedText, &all); err != nil {
		panic(fmt.Sprintf("iam: managed.json: %v", err))
	}
	return all
})

// managedPolicy returns the policy whose ARN ends with policy/SUFFIX.
func managedPolicy(suffix string) (managed, bool) {
	all := managedPolicies()
	i := slices.IndexFunc(all, func(m managed) bool { return strings.TrimPrefix(m.Path, "/")+m.PolicyName == suffix })
	if i < 0 {
		return managed{}, false
	}
	return all[i], true
}

// managedARN returns the ARN of a managed policy of AWS's.
func (st *state) managedARN(suffix string) string {
	return wire.GlobalARN("iam", st.Region, "aws", "policy/"+suffix)
}

// document returns the policy's document with the ARNs of the call's partition.
func (st *state) document(m managed) string {
	partition, _, _ := strings.Cut(strings.TrimPrefix(st.managedARN(""), "arn:"), ":")
	return strings.ReplaceAll(string(m.Document), "arn:aws:", "arn:"+partition+":")
}

// suffixOf returns what follows policy/ in the ARN of a managed policy that exists.
func (st *state) suffixOf(arn, unknown string) (string, error) {
	if !strings.HasPrefix(arn, "arn:") || strings.Count(arn, ":") != 5 || !strings.Contains(arn, ":policy/") {
		return "", wire.Errorf("InvalidInput", "ARN %s is not valid.", arn)
	}
	suffix, ours := strings.CutPrefix(arn, st.managedARN(""))
	if _, ok := managedPolicy(suffix); !ok || !ours {
		return "", missing(unknown, arn)
	}
	return suffix, nil
}

// managedID returns the id of a managed policy, which is the same in all clouds.
func managedID(name string) string {
	sum := sha256.Sum256([]byte(name))
	return "ANPA" + base32.StdEncoding.EncodeToString(sum[:])[:17]
}

type policyARN struct {
	PolicyArn string `aws:"required,min=20,max=2048"`
}

type attachIn struct {
	roleNamed
	policyARN
}

func attachRolePolicy(st *state, in attachIn) (out struct{}, err error) {
	r, err := st.role(in.RoleName)
	if err != nil {
		return out, err
	}
	suffix, err := st.suffixOf(in.PolicyArn, "Policy %s does not exist or is not attachable.")
	switch {
	case err != nil || slices.Contains(r.Attached, suffix):
		return out, err
	case len(r.Attached) >= 10:
		return out, tooMany("Cannot exceed quota for PoliciesPerRole: 10")
	}
	r.Attached = append(r.Attached, suffix)
	return out, roles.put(st.tx, r.Name, r)
}

type listAttachedIn struct {
	roleNamed
	PathPrefix string `aws:"min=1,max=512,pattern=((/[A-Za-z0-9\\.,\\+@=_-]+)*)/"`
	paged
}

type attached struct{ PolicyName, PolicyArn string }

type listAttachedOut struct {
	AttachedPolicies []attached
	pageOut
}

func listAttachedRolePolicies(st *state, in listAttachedIn) (out listAttachedOut, err error) {
	r, err := st.role(in.RoleName)
	if err != nil {
		return out, err
	}
	all := []attached{}
	for _, suffix := range r.Attached {
		if m, ok := managedPolicy(suffix); ok && strings.HasPrefix(m.Path, in.PathPrefix) {
			all = append(all, attached{m.PolicyName, st.managedARN(suffix)})
		}
	}
	out.AttachedPolicies, out.pageOut, err = page(all, in.paged, func(a attached) string { return a.PolicyArn })
	return out, err
}

type policyOut struct {
	PolicyName, PolicyId, Arn, Path, DefaultVersionId string
	AttachmentCount, PermissionsBoundaryUsageCount    int
	IsAttachable                                      bool
	CreateDate, UpdateDate                            time.Time
}

func getPolicy(st *state, in policyARN) (out struct{ Policy policyOut }, err error) {
	suffix, err := st.suffixOf(in.PolicyArn, "Policy %s was not found.")
	if err != nil {
		return out, err
	}
	m, _ := managedPolicy(suffix)
	out.Policy = policyOut{
		PolicyName: m.PolicyName, PolicyId: managedID(m.PolicyName), Arn: in.PolicyArn, Path: m.Path, DefaultVersionId: m.DefaultVersionId,
		IsAttachable: true, CreateDate: m.CreateDate, UpdateDate: m.UpdateDate,
	}
	for _, r := range roles.all(st.tx) {
		if slices.Contains(r.Attached, suffix) {
			out.Policy.AttachmentCount++
		}
	}
	return out, nil
}

type versionIn struct {
	policyARN
	VersionId string `aws:"required,pattern=v[1-9][0-9]*(\\.[A-Za-z0-9-]*)?"`
}

type versionOut struct {
	Document, VersionId string
	IsDefaultVersion    bool
	CreateDate          time.Time
}

func getPolicyVersion(st *state, in versionIn) (out struct{ PolicyVersion versionOut }, err error) {
	suffix, err := st.suffixOf(in.PolicyArn, "Policy %s was not found.")
	if err != nil {
		return out, err
	}
	m, _ := managedPolicy(suffix)
	if m.DefaultVersionId != in.VersionId {
		return out, missing("Policy %s version %s does not exist or is not attachable.", in.PolicyArn, in.VersionId)
	}
	out.PolicyVersion = versionOut{encoded(st.document(m)), m.DefaultVersionId, true, m.UpdateDate}
	return out, nil
}

type inlineNamed struct {
	roleNamed
	PolicyName string `aws:"required,min=1,max=128,pattern=[\\w+=,.@-]+"`
}

type putInlineIn struct {
	inlineNamed
	PolicyDocument string `aws:"required,min=1,max=131072,pattern=[\\x09\\x0A\\x0D\\x20-\\x{FF}]+"`
}

// mostInline is how many characters the inline policies of a role may have, white space aside.
const mostInline = 10240

func putRolePolicy(st *state, in putInlineIn) (out struct{}, err error) {
	r, err := st.role(in.RoleName)
	if err != nil {
		return out, err
	}
	if err := checkIdentity(in.PolicyDocument); err != nil {
		return out, err
	}
	r.Inline = slices.DeleteFunc(r.Inline, func(p inline) bool { return p.Name == in.PolicyName })
	r.Inline = append(r.Inline, inline{in.PolicyName, in.PolicyDocument})
	slices.SortFunc(r.Inline, func(a, b inline) int { return strings.Compare(a.Name, b.Name) })
	size := 0
	for _, p := range r.Inline {
		size += len(strings.Join(strings.Fields(p.Document), ""))
	}
	if size > mostInline {
		return out, tooMany("Maximum policy size of %d bytes exceeded for role %s", mostInline, r.Name)
	}
	return out, roles.put(st.tx, r.Name, r)
}

type inlineOut struct{ RoleName, PolicyName, PolicyDocument string }

func getRolePolicy(st *state, in inlineNamed) (out inlineOut, err error) {
	r, err := st.role(in.RoleName)
	if err != nil {
		return out, err
	}
	for _, p := range r.Inline {
		if p.Name == in.PolicyName {
			return inlineOut{r.Name, p.Name, encoded(p.Document)}, nil
		}
	}
	return out, missing("The role policy with name %s cannot be found.", in.PolicyName)
}

type listInlineIn struct {
	roleNamed
	paged
}

type listInlineOut struct {
	PolicyNames []string
	pageOut
}

func listRolePolicies(st *state, in listInlineIn) (out listInlineOut, err error) {
	r, err := st.role(in.RoleName)
	if err != nil {
		return out, err
	}
	names := []string{}
	for _, p := range r.Inline {
		names = append(names, p.Name)
	}
	out.PolicyNames, out.pageOut, err = page(names, in.paged, func(n string) string { return n })
	return out, err
}
