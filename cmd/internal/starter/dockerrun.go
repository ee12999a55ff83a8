package starter

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/mattn/go-shellwords"

	"beansprout/dockerrun"
	"beansprout/pattern"
)

// document is a Dockerrun.aws.json of version 2, as far as it is written here.
type document struct {
	Version        int             `json:"AWSEBDockerrunVersion"`
	Authentication *authentication `json:"authentication,omitempty"`
	Volumes        []volume        `json:"volumes,omitempty"`
	Containers     []container     `json:"containerDefinitions"`
}

type authentication struct {
	Bucket string `json:"bucket"`
	Key    string `json:"key"`
}

type volume struct {
	Name string `json:"name"`
	Host struct {
		SourcePath string `json:"sourcePath"`
	} `json:"host"`
}

type container struct {
	Name        string        `json:"name"`
	Image       string        `json:"image"`
	Essential   bool          `json:"essential"`
	Memory      string        `json:"memory"`
	EntryPoint  []string      `json:"entryPoint,omitempty"`
	Command     []string      `json:"command,omitempty"`
	Ports       []portMapping `json:"portMappings,omitempty"`
	Links       []string      `json:"links,omitempty"`
	Environment []variable    `json:"environment,omitempty"`
	Mounts      []mountPoint  `json:"mountPoints,omitempty"`
}

type portMapping struct {
	Host      int `json:"hostPort"`
	Container int `json:"containerPort"`
}

type variable struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type mountPoint struct {
	Volume string `json:"sourceVolume"`
	Path   string `json:"containerPath"`
}

// writeTemplate adds the template to the plan.
func (p *planner) writeTemplate(text string) {
	p.yaml.template = templateName
	p.plan.Files = append(p.plan.Files, Output{templateName, text})
}

func (d document) text() string { return jsonText(d, "  ") }

// memory is what a container gets unless its template says more, in MiB.
const memory = 512

var versionShape = pattern.New(`"AWSEBDockerrunVersion"\s*:\s*"?\s*([0-9]+)`)

// versionOf returns the version of a Dockerrun document, "" where it has none.
func versionOf(f *File) string {
	m := versionShape.FindSubmatch(f.Text)
	if m == nil {
		return ""
	}
	return string(m[1])
}

// lineOf returns the line of the first key of that name.
func lineOf(f *File, key string) int {
	at := bytes.Index(f.Text, []byte(`"`+key+`"`))
	return 1 + bytes.Count(f.Text[:max(at, 0)], []byte("\n"))
}

// takeDockerrun makes the template of a Dockerrun.aws.json of version 1 or 2.
func (p *planner) takeDockerrun() error {
	if _, err := dockerrun.Parse(p.Dockerrun.Name, p.Dockerrun.Text); err != nil { // no JSON
		return errorf("%w", err)
	}
	switch version := versionOf(p.Dockerrun); version {
	case "1":
		return p.convert()
	case "2":
		return p.takeSecond()
	default:
		return errorf("%s:%d: AWSEBDockerrunVersion must be 1, 2 or 3, not %q", p.Dockerrun.Name, lineOf(p.Dockerrun, "AWSEBDockerrunVersion"), version)
	}
}

// number is a number that may be in quotes.
type number int

func (n *number) UnmarshalJSON(text []byte) error {
	v, err := strconv.Atoi(strings.Trim(string(text), `" `))
	*n = number(v)
	if err != nil {
		return fmt.Errorf("%s is no port", text)
	}
	return nil
}

// firstVersion is a Dockerrun.aws.json of version 1.
type firstVersion struct {
	Image struct{ Name string }
	Ports []struct{ ContainerPort, HostPort number }

	Volumes        []struct{ HostDirectory, ContainerDirectory string }
	Logging        string
	Entrypoint     string
	Command        string
	Authentication *struct{ Bucket, Key string }
}

// convert makes version 2 of version 1.
func (p *planner) convert() error {
	f := p.Dockerrun
	var first firstVersion
	if err := json.Unmarshal(f.Text, &first); err != nil {
		return errorf("%s:%d: read version 1: %w", f.Name, lineOf(f, "AWSEBDockerrunVersion"), err)
	}
	d := document{Version: 2}
	c := container{Name: "web", Image: first.Image.Name, Essential: true, Memory: "${value.memory}"}
	p.yaml.memory = memory
	port := 0
	if len(first.Ports) > 0 {
		port = int(first.Ports[0].ContainerPort)
	}
	if len(first.Ports) > 1 {
		p.undone(f.Name, lineOf(f, "Ports"), "Beanstalk used the first port of version 1 alone; so does the template")
	}
	port, err := p.image(&c, port)
	if err != nil {
		return err
	}
	if first.Authentication != nil && !strings.HasPrefix(c.Image, "${image.") {
		d.Authentication = &authentication{first.Authentication.Bucket, first.Authentication.Key}
	}
	c.Ports = []portMapping{{80, port}}
	p.words(&c, first)
	p.mounts(&d, &c, first)
	d.Containers = []container{c}
	p.unknownKeys(f)
	p.writeTemplate(d.text())
	p.note(f.Name, 1, "version 1 becomes version 2 in %s", templateName)
	return nil
}

// image has the container of a version 1 run what its Dockerfile makes, or else the image that it names. It
// returns the container's port, which is 0 where the document names none.
func (p *planner) image(c *container, port int) (int, error) {
	f := p.Dockerrun
	switch {
	case len(p.candidates()) > 0:
		chosen, err := p.dockerfiles()
		if err != nil {
			return 0, err
		}
		c.Name = chosen[0].imageName()
		c.Image = "${image." + c.Name + "}"
		p.build(chosen[0])
		if port == 0 {
			return p.port(chosen[0], c)
		}
	case c.Image == "":
		return 0, errorf("%s:1: it names no image, and there is no Dockerfile", f.Name)
	case isPattern(c.Image):
		return 0, errorf("%s:%d: the image %q is filled in by something else, and there is no Dockerfile to build it from", f.Name, lineOf(f, "Image"), c.Image)
	case port == 0:
		return 0, errorf("%s:1: Ports is missing: the port of the image %s isn't known", f.Name, c.Image)
	}
	return port, nil
}

// words splits the command and the entry point, as Beanstalk's shell did.
func (p *planner) words(c *container, first firstVersion) {
	for _, w := range []struct {
		key, text string
		into      *[]string
	}{{"Entrypoint", first.Entrypoint, &c.EntryPoint}, {"Command", first.Command, &c.Command}} {
		words, err := shellWords(w.text)
		if err != nil {
			p.undone(p.Dockerrun.Name, lineOf(p.Dockerrun, w.key), "%s: %v; the template has it as one word", w.key, err)
			words = []string{w.text}
		}
		*w.into = words
	}
}

// mounts takes over volumes and the folder of the logs.
func (p *planner) mounts(d *document, c *container, first firstVersion) {
	for i, v := range first.Volumes {
		name := fmt.Sprintf("volume-%d", i+1)
		entry := volume{Name: name}
		entry.Host.SourcePath = v.HostDirectory
		d.Volumes = append(d.Volumes, entry)
		c.Mounts = append(c.Mounts, mountPoint{name, v.ContainerDirectory})
		if inside, ok := strings.CutPrefix(v.HostDirectory, bundleFolder); ok {
			p.include(inside)
		}
	}
	if first.Logging != "" {
		c.Mounts = append(c.Mounts, mountPoint{"awseb-logs-" + c.Name, first.Logging})
	}
}

// shellWords splits a text as a shell does.
func shellWords(text string) ([]string, error) {
	if strings.ContainsAny(text, ";&|<>`$") {
		return nil, errors.New("it has what only a shell understands")
	}
	words, err := shellwords.Parse(text)
	if err != nil {
		return nil, errors.New("its quotes don't match")
	}
	return words, nil
}

func firstOf(name string) string {
	first, _, _ := strings.Cut(path.Clean(name), "/")
	return first
}

// bundleFolder is where instances have the files of the bundle.
const bundleFolder = "/var/app/current/"

// include has the bundle hold a file or folder that a container mounts, if it is here.
func (p *planner) include(name string) {
	if name = path.Clean(name); slices.Contains(p.Names, firstOf(name)) && !slices.Contains(p.yaml.include, name) {
		p.yaml.include = append(p.yaml.include, name)
	}
}

// unknownKeys names keys of version 1 that nothing here takes over.
func (p *planner) unknownKeys(f *File) {
	var all map[string]json.RawMessage
	_ = json.Unmarshal(f.Text, &all) // it was read before
	known := []string{"AWSEBDockerrunVersion", "Image", "Ports", "Volumes", "Logging", "Entrypoint", "Command", "Authentication"}
	for _, key := range slices.Sorted(maps.Keys(all)) {
		if !slices.ContainsFunc(known, func(k string) bool { return strings.EqualFold(k, key) }) {
			p.undone(f.Name, lineOf(f, key), "%s has no equivalent in version 2", key)
		}
	}
}
