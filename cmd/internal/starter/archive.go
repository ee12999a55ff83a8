package starter

import (
	"bytes"
	"path"
	"slices"
	"strings"

	"beansprout/pattern"
)

// The platforms of archives.
const (
	wars = "Tomcat 11 with Corretto 21 running on " + newestSystem
	jars = "Corretto 21 running on " + newestSystem
)

// port5000 is where Beanstalk's proxy looks for an application that no container runs.
const port5000 = "5000"

func (p *planner) hasArtifact() bool {
	return p.cli.artifact != "" || len(p.Java.Builds) > 0 || len(p.Java.Built) > 0
}

// takeArtifact deploys the war, jar or zip that a build makes, or that is there.
func (p *planner) takeArtifact() error {
	switch {
	case p.cli.artifact != "":
		p.yaml.artifact = p.cli.artifact
	case len(p.Java.Builds) > 0:
		p.takeBuild(p.Java.Builds[0])
	}
	if p.yaml.artifact == "" && len(p.Java.Built) > 0 {
		p.yaml.artifact = p.Java.Built[0]
		p.note(p.yaml.artifact, 0, "is deployed")
	}
	if p.yaml.artifact == "" {
		return errorf("%s:1: the name of the archive that it makes isn't known; build it once, and run init again", p.Java.Builds[0].File.Name)
	}
	if built := slices.Contains(p.Java.Built, p.yaml.artifact); p.yaml.prepare == "" && (!built || p.Java.Maven+p.Java.Gradle != "") {
		p.yaml.prepare = p.Java.Maven + p.Java.Gradle
	}
	if p.yaml.prepare == "" && !slices.Contains(p.Java.Built, p.yaml.artifact) && !slices.Contains(p.Names, p.yaml.artifact) {
		p.undone("", 0, "nothing tells what makes %s; prepare in beansprout.yaml may", p.yaml.artifact)
	}
	return p.runtime(map[string]string{".war": wars, ".jar": jars}[path.Ext(p.yaml.artifact)])
}

// takeBuild takes what Maven or Gradle make.
func (p *planner) takeBuild(b JavaBuild) {
	p.yaml.artifact, p.yaml.prepare = b.Archive, p.Java.Maven+p.Java.Gradle
	if b.Archive == "" {
		return
	}
	p.note(b.File.Name, 1, "makes %s by %q; the name changes with the version there", b.Archive, p.yaml.prepare)
	switch {
	case path.Ext(b.Archive) != ".jar":
	case b.IsBoot:
		p.variable("SERVER_PORT", port5000)
	case !executable.Match(b.File.Text):
		p.undone(b.File.Name, 1, "java -jar has to start the jar, and no plugin seems to make it one with a main class and all that it needs")
	}
}

// executable matches what makes a jar that can be started.
var executable = pattern.New(`(?i)mainClass|Main-Class|shade|shadow|assembly|quarkus|micronaut|boot`)

func (p *planner) variable(name, value string) {
	if p.yaml.variables == nil {
		p.yaml.variables = map[string]string{}
	}
	p.yaml.variables[name] = value
}

// runtime decides on the platform of what no container runs: that of the EB CLI, or the usual one.
func (p *planner) runtime(fallback string) error {
	p.yaml.instance = defaultInstance
	runs := p.cli.platform != "" && !containers.MatchString(p.cli.platform)
	switch {
	case runs:
		p.yaml.platform = p.cli.platform
		p.note(p.CLI.Name, p.cli.platformLine, "platform: %s", p.cli.platform)
	case fallback != "":
		p.yaml.platform = fallback
	case p.Procfile != nil && p.yaml.artifact == sourceArchive:
		return errorf("%s:1: which platform runs it isn't known: neither .elasticbeanstalk/config.yml nor another file here tells; write a Dockerfile, or run eb init", p.Procfile.Name)
	default:
		return errorf("which platform runs %s isn't known: %s doesn't tell; run eb init", p.yaml.artifact, ".elasticbeanstalk/config.yml")
	}
	return nil
}

// containers matches the platform branches that run containers.
var containers = pattern.New(`^(ECS|Docker) `)

// defaultInstance is the type of instances that is small and has room for a few containers.
const defaultInstance = "t3.small"

// language is a kind of application that Beanstalk runs from its source.
type language struct {
	name     string
	files    []string
	platform string
	port     string // on which its servers answer usually
}

var languages = []language{
	{"Python", []string{"requirements.txt", "pyproject.toml", "Pipfile"}, "Python 3.13", "8000"},
	{"Node.js", []string{"package.json"}, "Node.js 22", "3000"},
	{"Go", []string{"go.mod"}, "Go 1", "8080"},
	{"Ruby", []string{"Gemfile"}, "Ruby 3.4", "3000"},
	{"PHP", []string{"composer.json", "index.php"}, "PHP 8.4", "80"},
	{"Java", []string{"pom.xml", "build.gradle", "build.gradle.kts"}, "", "8080"},
}

// language returns the kind of the application, nil where it isn't known.
func (p *planner) language() *language {
	for i, l := range languages {
		if l.platform != "" && p.has(l) {
			return &languages[i]
		}
	}
	return nil
}

// languageIn returns the kind of what a Dockerfile's context has.
func (p *planner) languageIn(folder string) *language {
	for i, l := range languages {
		if folder == "." && p.has(l) {
			return &languages[i]
		}
	}
	return nil
}

func (p *planner) has(l language) bool {
	return slices.ContainsFunc(l.files, func(name string) bool { return slices.Contains(p.Names, name) })
}

// sourceArchive is where the files of the repository are packed.
const sourceArchive = ".beansprout/source.zip"

// takeBundle deploys the files themselves, as the EB CLI does: Beanstalk builds and runs them by its platform.
func (p *planner) takeBundle() error {
	p.yaml.artifact = sourceArchive
	pack := "git archive --format=zip -o " + sourceArchive + " HEAD"
	if !p.HasGit {
		pack = "rm -f " + sourceArchive + " && zip -qrX " + sourceArchive + " . -x '.git/*' '.beansprout/*'"
	}
	// The folder ignores itself, so that the archive is no change of the checkout.
	p.yaml.prepare = "mkdir -p .beansprout && echo '*' >.beansprout/.gitignore && " + pack
	p.note("", 0, "Beanstalk builds and runs the files of the commit on a platform of its own, as eb deploy has it")
	usual := ""
	if l := p.language(); l != nil {
		usual = l.platform + " running on " + newestSystem
		if p.cli.platform == "" {
			p.plan.Guesses = append(p.plan.Guesses, Guess{
				Key: "platform", Value: usual, Why: "there is a " + p.fileOf(*l),
			})
		}
	}
	if err := p.runtime(usual); err != nil {
		return err
	}
	if p.Procfile != nil {
		p.note(p.Procfile.Name, 1, "is what the platform runs")
	}
	return nil
}

func (p *planner) fileOf(l language) string {
	i := slices.IndexFunc(l.files, func(name string) bool { return slices.Contains(p.Names, name) })
	return l.files[i]
}

// processes names the lines of a Procfile, which platforms of containers don't read.
func (p *planner) processes() {
	number := 0
	for text := range bytes.Lines(p.Procfile.Text) {
		number++
		name, command, ok := strings.Cut(strings.TrimSpace(string(text)), ":")
		switch {
		case !ok || strings.HasPrefix(name, "#"):
		case name == "web":
			p.undone(p.Procfile.Name, number, "containers run what the image says, not %q; they have to be the same", strings.TrimSpace(command))
		default:
			p.undone(p.Procfile.Name, number, "nothing runs the process %s; it takes a container of its own", name)
		}
	}
}
