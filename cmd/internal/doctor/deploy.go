package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"beansprout/envs"
	"beansprout/envs/ecr"
)

func (e *examination) checkApplication(ctx context.Context) Finding {
	known, err := e.manager.HasApplication(ctx)
	switch {
	case err != nil:
		return broken(ctx, err)
	case !known:
		return warn(e.cfg.Application+" does not exist yet: up creates it", "if it is to exist already, check application: in beansprout.yaml, the account and the region")
	}
	return ok("%s", e.cfg.Application)
}

// checkBasis asks whether there is what a launch starts from, and whether it runs what is deployed.
func (e *examination) checkBasis(ctx context.Context) Finding {
	basis, err := e.manager.Basis(ctx, e.Project.Deployment(e.feature))
	if err != nil {
		return broken(ctx, e.Project.Locate(err))
	}
	e.basis = basis
	_, platform, _ := strings.Cut(basis.Platform, "::platform/")
	if from := e.cfg.Environment.SavedConfiguration + e.cfg.Environment.CopyFrom; from != "" {
		return ok("%s, on %s", from, platform)
	}
	return ok("%s", platform)
}

// checkName asks whether the feature's environment lives, or its name and address are free.
func (e *examination) checkName(ctx context.Context) Finding {
	place, err := e.manager.Place(ctx, e.feature)
	e.place = place
	switch {
	case errors.Is(err, envs.ErrNotOurs):
		return fail(err.Error(), "look at it in the console, and rename or remove it there; or deploy under another name with --feature")
	case err != nil:
		return broken(ctx, err)
	case place.Environment.ID != "":
		return ok("environment %s lives (%s)", place.Name, place.Environment.State)
	case !place.Free:
		return fail("the address "+place.CNAME+" is taken, and environment "+place.Name+" does not live",
			"where it was removed just now, try again in a minute; else another customer of the region has it: name the feature otherwise with --feature")
	}
	return ok("%s and its address are free", place.Name)
}

func (e *examination) checkRepository(ctx context.Context) Finding {
	r, err := e.manager.Repository(ctx)
	_, name, _ := strings.Cut(cmp.Or(r.URI, r.Name), "/")
	there := command("--repository-name", name, "--region", r.Region)
	switch {
	case err != nil && r.Foreign:
		f := broken(ctx, err)
		return fail(f.Text, "its account allows it by a repository policy (aws ecr set-repository-policy), for the actions of ECR in beansprout iam-policy deployer", f.Fix)
	case err != nil:
		return broken(ctx, err)
	case r.URI == "" && r.Foreign:
		return fail(r.Name+" does not exist, and up creates none that is named by its URI: its account has to",
			"aws ecr create-repository "+there)
	case r.URI == "":
		return ok("%s does not exist yet: up creates it", r.Name)
	case errors.Is(r.Policy, ecr.ErrPolicy), errors.Is(r.Policy, ecr.ErrFull):
		return warn(r.Policy.Error(), "aws ecr get-lifecycle-policy "+there)
	case r.Policy != nil:
		f := broken(ctx, r.Policy) // up warns, and goes on
		f.State = Warning
		return f
	}
	return ok("%s", r.URI)
}

func (e *examination) checkBucket(ctx context.Context) Finding {
	b, err := e.manager.Bucket(ctx)
	switch {
	case err != nil:
		return broken(ctx, err)
	case !b.Exists && b.Own:
		return ok("%s does not exist yet: up creates it", b.Name)
	case !b.Exists:
		words := []string{"aws", "s3api", "create-bucket", "--bucket", b.Name, "--region", e.manager.Region()}
		if e.manager.Region() != "us-east-1" { // which S3 refuses to be named
			words = append(words, "--create-bucket-configuration", "LocationConstraint="+e.manager.Region())
		}
		return fail(b.Name+" does not exist", command(words...))
	}
	return ok("%s", b.Name)
}

// checkURL asks whether this machine reaches what a deploy asks when it is done.
func (e *examination) checkURL(ctx context.Context) Finding {
	if e.cfg.Environment.Check.Off {
		return ok("not asked, since environment.check is off")
	}
	at := e.place.Environment
	if at.State != envs.Ready && !e.Local {
		return e.checkDomain(ctx)
	}
	if at.CNAME == "" {
		at.CNAME = e.place.CNAME // the local cloud answers for those that are not there, too
	}
	if err := e.manager.Answers(ctx, at); err != nil {
		return fail(fmt.Sprintf("nothing answers at %s: %v", at.URL(), err),
			"if this machine can't reach it, set environment.check: off in beansprout.yaml; beansprout status shows how the environment is")
	}
	return ok("%s answers", at.URL())
}
