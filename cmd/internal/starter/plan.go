package starter

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"beansprout/cmd/internal/project"
	"beansprout/cmd/internal/project/config"
)

// Plan is what init writes, and what it has to say about it.
type Plan struct {
	Files   []Output // in the order in which they are written; none exists, unless they are to be replaced
	Guesses []Guess  // that nothing has answered
	Notes   []Note   // what was taken, and from where
	Undone  []Note   // what has no equivalent, or what a person has to do
	Next    string   // the command to run now
}

// Output is a file to be written.
type Output struct {
	Name string // relative to the directory, with slashes
	Text string
}

// Note is a sentence about a place of the repository.
type Note struct {
	File string // "" where it is about none
	Line int    // from 1; 0 where it is about the whole file
	Text string
}

func (n Note) String() string {
	switch {
	case n.File == "":
		return n.Text
	case n.Line == 0:
		return n.File + ": " + n.Text
	}
	return fmt.Sprintf("%s:%d: %s", n.File, n.Line, n.Text)
}

// Guess is an answer that the files don't give.
type Guess struct {
	Key      string // by which Answers has another one
	Question string
	Value    string
	Why      string
	Choices  []string // the only answers; nil where others do
}

// Answers are what a person has decided, by the keys of guesses.
type Answers map[string]string

// The keys of answers.
const (
	Application = "application"
	From        = "from"       // SourceDockerrun and so on
	Image       = "dockerfile" // names of Dockerfiles, with commas between; the first makes what answers requests
	Port        = "port"       // of the container
	Service     = "service"    // of a compose file: the one that answers requests
	CI          = "ci"         // CIJenkins and so on
)

// What an application can be deployed from.
const (
	SourceTemplate   = "template"
	SourceDockerrun  = "dockerrun"
	SourceCompose    = "compose"
	SourceDockerfile = "dockerfile"
	SourceArtifact   = "artifact" // a war, jar or zip that a build makes
	SourceBundle     = "source"   // the files themselves
)

// planner makes a plan.
type planner struct {
	*Survey
	answers Answers
	replace bool // files that exist may be replaced
	cli     cliConfig
	plan    Plan
	yaml    settings // what beansprout.yaml will say
}

// Decide makes a plan from what a directory has. It replaces no file that exists unless replace is set.
// Its error is a *project.Error.
func Decide(s *Survey, answers Answers, replace bool) (Plan, error) {
	p := &planner{Survey: s, answers: answers, replace: replace}
	p.yaml.after = "5d"
	if err := p.readCLI(); err != nil {
		return Plan{}, err
	}
	if err := p.name(); err != nil {
		return Plan{}, err
	}
	source, err := p.source()
	if err == nil {
		err = p.take(source)
	}
	if err != nil {
		return Plan{}, err
	}
	p.extensions()
	p.leftovers(source)
	p.plan.Files = slices.Insert(p.plan.Files, 0, Output{config.Name, p.yaml.text()})
	p.output(config.SchemaFile, string(config.Schema()))
	if err := p.stage(); err != nil {
		return Plan{}, err
	}
	p.next()
	return p.plan, nil
}

// take fills in what deploys the application.
func (p *planner) take(source string) error {
	switch source {
	case SourceTemplate:
		return p.takeTemplate()
	case SourceDockerrun:
		return p.takeDockerrun()
	case SourceCompose:
		return p.takeCompose()
	case SourceDockerfile:
		return p.takeDockerfiles()
	case SourceArtifact:
		return p.takeArtifact()
	}
	return p.takeBundle()
}

func (p *planner) note(file string, line int, format string, args ...any) {
	p.plan.Notes = append(p.plan.Notes, Note{file, line, fmt.Sprintf(format, args...)})
}

func (p *planner) undone(file string, line int, format string, args ...any) {
	p.plan.Undone = append(p.plan.Undone, Note{file, line, fmt.Sprintf(format, args...)})
}

// answer returns the answer to a guess, or the guess.
func (p *planner) answer(g Guess) (string, error) {
	given := strings.TrimSpace(p.answers[g.Key])
	if given == "" {
		p.plan.Guesses = append(p.plan.Guesses, g)
		return g.Value, nil
	}
	if g.Choices != nil && !slices.Contains(g.Choices, given) {
		return "", errorf("%s %q won't do; want %s", g.Key, given, strings.Join(g.Choices, " or "))
	}
	return given, nil
}

// name decides which application it is.
func (p *planner) name() (err error) {
	if p.cli.application != "" && p.answers[Application] == "" {
		p.yaml.application = p.cli.application
		return nil
	}
	g := Guess{Key: Application, Question: "Name of the application in Elastic Beanstalk", Value: path.Base(p.Dir), Why: "the name of the directory"}
	if p.Remote != "" {
		g.Value, g.Why = strings.TrimSuffix(path.Base(strings.ReplaceAll(p.Remote, ":", "/")), ".git"), "the name of the git repository"
	}
	if g.Value = applicationName(g.Value); g.Value == "" {
		g.Value, g.Why = "app", "the repository has no name that Beanstalk takes"
	}
	p.yaml.application, err = p.answer(g)
	return err
}

// applicationName returns what Beanstalk takes of a name.
func applicationName(name string) string {
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r == '/' || r == 0x7f || !isGraphic(r) {
			return '-'
		}
		return r
	}, strings.ToValidUTF8(name, "-"))
	if letters := []rune(name); len(letters) > 100 {
		name = string(letters[:100])
	}
	return strings.Trim(strings.TrimSpace(name), ".-")
}

// source decides what the application is deployed from.
func (p *planner) source() (string, error) {
	var found []string
	add := func(source string, is bool) {
		if is {
			found = append(found, source)
		}
	}
	add(SourceTemplate, p.Template != nil && !p.replace)
	add(SourceDockerrun, p.Dockerrun != nil && versionOf(p.Dockerrun) != "3")
	add(SourceCompose, p.Compose != nil)
	add(SourceDockerfile, len(p.Dockerfiles) > 0)
	add(SourceArtifact, p.hasArtifact())
	add(SourceBundle, p.Procfile != nil || p.language() != nil)
	add(SourceTemplate, p.Template != nil && p.replace)
	if len(found) == 0 {
		return "", p.nothing()
	}
	g := Guess{Key: From, Question: "Which of these is deployed?", Value: found[0], Why: "it is what " + p.describe(found[0]) + " says", Choices: found}
	if today := p.today(found); today != "" && today != found[0] && p.Template == nil {
		g.Value, g.Why = today, p.CLI.Name+" says so"
	}
	if p.answers[From] == "" && !p.ambiguous(found, g.Value) {
		return g.Value, nil
	}
	return p.answer(g)
}

// ambiguous reports whether two of the files say how the containers run.
func (p *planner) ambiguous(found []string, value string) bool {
	return value != found[0] || found[0] != SourceTemplate && slices.Contains(found, SourceDockerrun) && slices.Contains(found, SourceCompose)
}

// describe names the file of a source.
func (p *planner) describe(source string) string {
	switch source {
	case SourceDockerrun:
		return p.Dockerrun.Name
	case SourceCompose:
		return p.Compose.Name
	case SourceTemplate:
		return p.Template.Name
	case SourceDockerfile:
		return front(p.candidates()).Name
	}
	return "the build"
}

// today returns what the EB CLI deploys by now, "" where that isn't known.
func (p *planner) today(found []string) string {
	platform := strings.ToLower(p.cli.platform)
	containers := strings.HasPrefix(platform, "docker") || strings.HasPrefix(platform, "ecs")
	for _, source := range found {
		own := source == SourceArtifact || source == SourceBundle
		if platform != "" && own != containers || p.cli.artifact != "" && source == SourceArtifact {
			return source
		}
	}
	return ""
}

// nothing is the error of a directory without anything that can be deployed.
func (p *planner) nothing() error {
	if p.Java.Many != nil {
		return errorf("%s:1: which of its modules is deployed isn't known: none or several make a war or an application of Spring Boot; run init in the directory of one, or write a Dockerfile", p.Java.Many.Name)
	}
	if p.Dockerrun != nil {
		return errorf("%s:%d: a document of version 3 goes with a compose file, and there is none", p.Dockerrun.Name, lineOf(p.Dockerrun, "AWSEBDockerrunVersion"))
	}
	return &project.Error{Err: &NothingError{p.Dir}}
}
