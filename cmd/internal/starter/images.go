package starter

import (
	"cmp"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"beansprout/builder/fingerprint"
	"beansprout/pattern"
)

// takeDockerfiles makes a template with a container for each of the chosen Dockerfiles.
func (p *planner) takeDockerfiles() error {
	chosen, err := p.dockerfiles()
	if err != nil {
		return err
	}
	d := document{Version: 2}
	p.yaml.memory = memory
	for i, file := range chosen {
		name := file.imageName()
		c := container{Name: name, Image: "${image." + name + "}", Essential: true, Memory: "${value.memory}"}
		p.build(file)
		if i == 0 {
			port, err := p.port(file, &c)
			if err != nil {
				return err
			}
			c.Ports = []portMapping{{80, port}}
			for _, other := range chosen[1:] {
				c.Links = append(c.Links, other.imageName())
			}
		}
		d.Containers = append(d.Containers, c)
	}
	p.writeTemplate(d.text())
	return nil
}

// dockerfiles decides which Dockerfiles make the containers. The first makes what answers requests.
func (p *planner) dockerfiles() ([]Dockerfile, error) {
	all := p.candidates()
	if len(all) == 1 && p.answers[Image] == "" {
		return all, nil
	}
	var names []string
	for _, d := range p.Dockerfiles {
		names = append(names, d.Name)
	}
	first := front(all)
	answer, err := p.answer(Guess{
		Key: Image, Question: "Which Dockerfile makes what answers requests? More may follow, with commas between: " + strings.Join(names, ", "),
		Value: first.Name, Why: "of " + strings.Join(names, ", ") + " it is the likeliest",
	})
	if err != nil {
		return nil, err
	}
	var chosen []Dockerfile
	for name := range strings.SplitSeq(answer, ",") {
		name = path.Clean(strings.TrimSpace(name))
		i := slices.IndexFunc(p.Dockerfiles, func(d Dockerfile) bool { return d.Name == name })
		if i < 0 {
			return nil, errorf("there is no Dockerfile %q; there are %s", name, strings.Join(names, ", "))
		}
		if taken := p.Dockerfiles[i].imageName(); slices.ContainsFunc(chosen, func(d Dockerfile) bool { return d.imageName() == taken }) {
			return nil, errorf("two of the Dockerfiles make the image %q, which is named after the folder; name one of them", taken)
		}
		chosen = append(chosen, p.Dockerfiles[i])
	}
	for _, d := range all {
		if !slices.ContainsFunc(chosen, func(c Dockerfile) bool { return c.Name == d.Name }) {
			p.undone(d.Name, 1, "no container is made of it; --dockerfile %s,%s has one of each", answer, d.Name)
		}
	}
	return chosen, nil
}

// build adds a Dockerfile's image to those under build.
func (p *planner) build(d Dockerfile) {
	if slices.ContainsFunc(p.yaml.images, func(i image) bool { return i.name == d.imageName() }) {
		return
	}
	i := image{name: d.imageName(), context: d.Context, dockerfile: d.within()}
	if d.Err != nil {
		p.undone(d.Name, errorLine(d.Err), "the engine may refuse it: %v", d.Err)
	}
	if len(d.Missing) > 0 {
		i.prepare = p.prepareFor(d)
	}
	if d.Outline.Health.Text != "" {
		p.checkPath(d.Name, d.Outline.Health.Line, d.Outline.Health.Text)
	}
	p.yaml.images = append(p.yaml.images, i)
}

var parserLine = pattern.New(`line (\d+)`)

// errorLine returns the line that an error of the Dockerfile's parser names.
func errorLine(err error) int {
	m := parserLine.FindStringSubmatch(err.Error())
	if m == nil {
		return 1
	}
	line, _ := strconv.Atoi(m[1])
	return line
}

// port decides on which port the container answers. If that is a guess, the variable PORT tells it to the
// container, too.
func (p *planner) port(d Dockerfile, c *container) (int, error) {
	if len(d.Outline.Ports) > 0 && p.answers[Port] == "" {
		port, _ := strconv.Atoi(d.Outline.Ports[0].Text)
		p.note(d.Name, d.Outline.Ports[0].Line, "the container answers on port %d", port)
		return port, nil
	}
	g := Guess{Key: Port, Question: "Port on which the container of " + d.Name + " answers", Value: "8080", Why: d.Name + " has no EXPOSE"}
	if set := d.Outline.Env["PORT"]; set != "" {
		g.Value, g.Why = set, d.Name+" sets PORT"
	} else if language := p.languageIn(d.Context); language != nil && language.port != "" {
		g.Value, g.Why = language.port, "it is usual for "+language.name+", and "+d.Name+" has no EXPOSE"
	}
	answer, err := p.answer(g)
	if err != nil {
		return 0, err
	}
	port, err := strconv.Atoi(answer)
	if err != nil || port < 1 || port > 65535 {
		return 0, errorf("%q is no port; want one from 1 to 65535", answer)
	}
	c.Environment = append(c.Environment, variable{"PORT", answer})
	return port, nil
}

// prepareFor returns the command that makes what a Dockerfile copies and isn't there, "" if it isn't known.
func (p *planner) prepareFor(d Dockerfile) string {
	var names []string
	for _, m := range d.Missing {
		names = append(names, m.Text)
	}
	missing := d.Missing[0]
	command := cmp.Or(p.makes(d, missing), p.Java.Maven, p.Java.Gradle)
	if command == "" {
		p.undone(d.Name, missing.Line, "copies %s, which isn't there, and nothing tells what makes it; build.%s.prepare in beansprout.yaml may", strings.Join(names, ", "), d.imageName())
		return ""
	}
	p.plan.Notes = append(p.plan.Notes, Note{d.Name, missing.Line, fmt.Sprintf("copies %s, which %q has to make", strings.Join(names, ", "), command)})
	return command
}

var (
	makeTarget  = pattern.New(`(?m)^build\s*:(?:[^=]|$)`)
	buildScript = pattern.New(`"build"\s*:\s*"`)
)

// makes returns the command of a Makefile, of npm or of Go that probably makes a missing path.
func (p *planner) makes(d Dockerfile, missing fingerprint.Place) string {
	name := path.Join(d.Context, missing.Text)
	switch {
	case p.Makefile != nil && regexp.MustCompile(`(?m)^`+regexp.QuoteMeta(name)+`\s*:(?:[^=]|$)`).Match(p.Makefile.Text):
		return "make " + name
	case p.Java.Maven+p.Java.Gradle != "":
		return ""
	case p.Makefile != nil && makeTarget.Match(p.Makefile.Text):
		return "make build"
	case p.Package != nil && buildScript.Match(p.Package.Text):
		return "npm ci && npm run build"
	case slices.Contains(p.Names, "go.mod") && path.Ext(name) == "" && shellSafe.MatchString(name):
		return "CGO_ENABLED=0 GOOS=linux go build -trimpath -o " + name + " ."
	}
	return ""
}

// shellSafe matches names that a shell takes as they are.
var shellSafe = pattern.New(`^[A-Za-z0-9_./-]+$`)
