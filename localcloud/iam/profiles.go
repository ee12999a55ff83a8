package iam

import (
	"cmp"
	"strings"
	"time"
)

// profile is an instance profile. It has one role at most.
type profile struct {
	Path, Name, ID, Role string
	Created              time.Time
	Tags                 []tag
}

type profileOut struct {
	Path, InstanceProfileName, InstanceProfileId, Arn string
	CreateDate                                        time.Time
	Roles                                             []roleOut
	Tags                                              []tagOut `json:",omitempty"`
}

type profileAnswer struct{ InstanceProfile profileOut }

func (st *state) showProfile(p profile) profileOut {
	out := profileOut{
		Path: p.Path, InstanceProfileName: p.Name, InstanceProfileId: p.ID, Arn: st.arn("instance-profile", p.Path, p.Name), CreateDate: p.Created,
		Roles: []roleOut{}, Tags: shownTags(p.Tags),
	}
	if r, ok := roles.get(st.tx, p.Role); ok {
		shown := st.show(r)
		shown.Tags = nil
		out.Roles = append(out.Roles, shown)
	}
	return out
}

type profileNamed struct {
	InstanceProfileName string `aws:"required,min=1,max=128,pattern=[\\w+=,.@-]+"`
}

func (st *state) profile(name string) (profile, error) {
	p, ok := profiles.get(st.tx, name)
	if !ok {
		return p, missing("Instance Profile %s cannot be found.", name)
	}
	return p, nil
}

func getInstanceProfile(st *state, in profileNamed) (out profileAnswer, err error) {
	p, err := st.profile(in.InstanceProfileName)
	if err != nil {
		return out, err
	}
	return profileAnswer{st.showProfile(p)}, nil
}

type createProfileIn struct {
	profileNamed
	Path string `aws:"min=1,max=512,pattern=(/)|(/[\\x21-\\x7E]+/)"`
	Tags []tag  `aws:"max=50"`
}

func createInstanceProfile(st *state, in createProfileIn) (out profileAnswer, err error) {
	if _, ok := profiles.get(st.tx, in.InstanceProfileName); ok {
		return out, taken("Instance Profile %s already exists.", in.InstanceProfileName)
	}
	if err := checkTags(in.Tags); err != nil {
		return out, err
	}
	p := profile{Path: cmp.Or(in.Path, "/"), Name: in.InstanceProfileName, ID: identifier("AIPA"), Created: st.Now.UTC().Truncate(time.Second), Tags: in.Tags}
	return profileAnswer{st.showProfile(p)}, profiles.put(st.tx, p.Name, p)
}

type addRoleIn struct {
	profileNamed
	roleNamed
}

func addRoleToInstanceProfile(st *state, in addRoleIn) (out struct{}, err error) {
	p, err := st.profile(in.InstanceProfileName)
	if err != nil {
		return out, err
	}
	if _, err := st.role(in.RoleName); err != nil {
		return out, err
	}
	if p.Role != "" {
		return out, tooMany("Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1")
	}
	p.Role = in.RoleName
	return out, profiles.put(st.tx, p.Name, p)
}

type listProfilesOut struct {
	InstanceProfiles []profileOut
	pageOut
}

func listInstanceProfiles(st *state, in listIn) (out listProfilesOut, err error) {
	all := []profileOut{}
	for _, p := range profiles.all(st.tx) {
		if strings.HasPrefix(p.Path, in.PathPrefix) {
			shown := st.showProfile(p)
			shown.Tags = nil // only GetInstanceProfile has them
			all = append(all, shown)
		}
	}
	out.InstanceProfiles, out.pageOut, err = page(all, in.paged, func(p profileOut) string { return p.InstanceProfileName })
	return out, err
}
