package starter

import (
	"slices"
	"strings"

	"beansprout/templates"
)

// The CIs for which there is a stage.
const (
	CIJenkins = "jenkins"
	CIGitHub  = "github"
	CIGitLab  = "gitlab"
	CINone    = "none"
)

// Where the stages go. What the repository has is never edited: a person adds the line that is told.
const (
	workflowFile = ".github/workflows/beansprout.yml"
	jobsFile     = "beansprout.gitlab-ci.yml"
	stageFile    = "Jenkinsfile.beansprout"
)

// stage decides which CI runs up, and writes its stage.
func (p *planner) stage() error {
	var found []string
	for _, ci := range []struct {
		name string
		is   bool
	}{{CIJenkins, p.Jenkinsfile}, {CIGitLab, p.GitLab}, {CIGitHub, p.Workflows}} {
		if ci.is {
			found = append(found, ci.name)
		}
	}
	chosen := ""
	if len(found) == 1 && p.answers[CI] == "" {
		chosen = found[0]
	} else {
		g := Guess{Key: CI, Question: "Which CI runs up for each branch?", Value: CINone, Why: "the repository has no pipeline", Choices: []string{CIJenkins, CIGitHub, CIGitLab, CINone}}
		switch {
		case len(found) > 0:
			g.Value, g.Why = found[0], "the repository has pipelines of "+strings.Join(found, " and ")
		case strings.Contains(p.Remote, "github"):
			g.Value, g.Why = CIGitHub, "the remote of git is there"
		case strings.Contains(p.Remote, "gitlab"):
			g.Value, g.Why = CIGitLab, "the remote of git is there"
		}
		var err error
		if chosen, err = p.answer(g); err != nil {
			return err
		}
	}
	p.writeStage(chosen)
	return nil
}

func (p *planner) writeStage(ci string) {
	switch ci {
	case CIGitHub:
		p.output(workflowFile, templates.GitHubWorkflow())
		p.undone(workflowFile, 1, "its first lines say which variables the repository needs")
	case CIGitLab:
		p.output(jobsFile, templates.GitLabJobs())
		if p.GitLab {
			p.undone(".gitlab-ci.yml", 1, "needs the line  include: {local: %s}  and the stage deploy; the first lines of that file say which variables the project needs", jobsFile)
			return
		}
		p.output(".gitlab-ci.yml", "include: {local: "+jobsFile+"}\n\nstages: [deploy]\n")
		p.undone(jobsFile, 1, "its first lines say which variables the project needs")
	case CIJenkins:
		if p.Jenkinsfile {
			p.output(stageFile, templates.JenkinsStage())
			p.undone("Jenkinsfile", 1, "needs the stage of %s behind its tests", stageFile)
			return
		}
		p.output("Jenkinsfile", pipeline(templates.JenkinsStage()))
	}
}

func (p *planner) output(name, text string) {
	p.plan.Files = append(p.plan.Files, Output{name, text})
}

// pipeline returns a Jenkinsfile that has the stage alone.
func pipeline(stage string) string {
	lines := strings.Split(strings.TrimRight(stage, "\n"), "\n")
	body := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, "stage(") })
	text := strings.Join(lines[:body], "\n") + "\npipeline {\n  agent any\n  options { disableConcurrentBuilds(abortPrevious: true) }\n  stages {\n"
	for _, l := range lines[body:] {
		if l != "" {
			l = "    " + l
		}
		text += l + "\n"
	}
	return text + "  }\n}\n"
}

// next is what to run when the files are written.
func (p *planner) next() {
	feature := ""
	if !p.Named {
		feature = " --feature try"
	}
	p.plan.Next = "beansprout doctor --local" + feature + " && beansprout --local up" + feature
}
