package doctor

import (
	"context"
	"fmt"
	"strings"

	"beansprout/envs"
)

// checkEngine asks whether a Docker Engine answers that has BuildKit.
func (e *examination) checkEngine(ctx context.Context) Finding {
	engine, err := e.Engine(ctx)
	if err != nil {
		return broken(ctx, err)
	}
	defer engine.Close()
	return ok("%s", engine.Engine())
}

// checkGit asks which feature a deploy would be for.
func (e *examination) checkGit(ctx context.Context) Finding {
	feature, err := e.Project.Feature(ctx, e.Feature)
	if err != nil {
		return broken(ctx, err)
	}
	e.feature = feature
	c := e.Project.Checkout
	if c.Commit == "" {
		return warn(fmt.Sprintf("feature %s; no commit is known, since this is no git checkout with commits", feature), "")
	}
	text := fmt.Sprintf("feature %s at commit %s", feature, envs.ShortCommit(c.Commit, 12))
	if c.Author != "" {
		text += " by " + c.Author
	}
	return ok("%s", text)
}

// checkFiles asks whether images and bundle can be made from the files.
func (e *examination) checkFiles(ctx context.Context) Finding {
	if err := e.Project.Precheck(ctx); err != nil {
		return broken(ctx, e.Project.Locate(err))
	}
	if notes := e.Project.Notes(); len(notes) > 0 {
		return warn(strings.Join(notes, "; "))
	}
	if e.cfg.Artifact != "" {
		return ok("%s", e.cfg.Artifact)
	}
	return ok("%s and what it names", e.cfg.Dockerrun.Template)
}
