package compose

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
	"go.yaml.in/yaml/v3"

	"beansprout/dockerrun"
	"beansprout/pattern"
)

// Build is how the image of a service is made: what the file has under build.
type Build struct {
	Name       string // of the service
	At         string // file:line:column
	Context    string // relative to the file's folder
	Dockerfile string // relative to Context; "" is compose's own
	Target     string
	Args       map[string]string
	EnvArgs    []string // arguments without a value
	Secrets    []Secret
	SSH        []Agent
	Platform   string
	CacheFrom  []string
	Network    string
	Pull       bool
}

// Secret is a secret of a build: a file, relative to the compose file's folder, or an environment variable.
type Secret struct{ ID, File, Env string }

// Agent is an SSH agent of a build: that of the machine, or a socket or key at a path.
type Agent struct{ ID, Path string }

// built is a build section of the file.
type built struct {
	entry          // the key build and its value
	service string // the first one that has it
}

// builds returns the build sections of the file, each once, in the order of the text.
func (f *File) builds() (all []built) {
	for _, s := range entries(f.doc.find("services").value) {
		b := child(s.value, "build")
		if b.key != nil && !slices.ContainsFunc(all, func(other built) bool { return other.key == b.key }) {
			all = append(all, built{b, s.name})
		}
	}
	return all
}

// Images returns the names of the images that the file says how to build: those of their services.
func (f *File) Images() (names []string) {
	for _, b := range f.builds() {
		names = append(names, b.service)
	}
	return names
}

// imageName matches the names that an image may have.
var imageName = pattern.New(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)

// Builds returns how the images are made, but for those that others says to make in another way. In
// the text of a build, variables have the values that lookup returns, or else those of the environment.
func (f *File) Builds(others []string, values map[string]any, lookup func(string) (string, bool)) ([]Build, error) {
	e := &editor{document: f.doc, becomes: map[*yaml.Node]*yaml.Node{}}
	standIn := f.standIns(append(f.Images(), others...), values, lookup)
	sections := f.builds()
	for _, b := range sections {
		e.early = append(e.early, b.value)
	}
	e.expandAll(f.doc.root, placeholdersOf(standIn))
	after, err := e.result()
	if err != nil || len(sections) == 0 {
		return nil, err
	}
	project, err := f.compile(after, func(name string) (string, bool) {
		if value, ok := lookup(name); ok {
			return value, true
		}
		return f.properties.lookup(name)
	})
	if err != nil {
		return nil, err
	}
	var all []Build
	var findings []dockerrun.Finding
	for _, b := range sections {
		if slices.Contains(others, b.service) {
			continue
		}
		made, problems := f.build(b, project)
		all, findings = append(all, made), append(findings, problems...)
	}
	return all, sorted(findings)
}

func serviceOf(project *types.Project, name string) types.ServiceConfig {
	if s, ok := project.Services[name]; ok {
		return s
	}
	return project.DisabledServices[name]
}

// build returns how an image is made, and what of it can't be.
func (f *File) build(b built, project *types.Project) (Build, []dockerrun.Finding) {
	s := serviceOf(project, b.service)
	c := s.Build
	if len(c.Platforms) == 0 && s.Platform != "" {
		c.Platforms = []string{s.Platform}
	}
	at := f.doc.finding(b.key, "", "")
	made := Build{
		Name: b.service, At: fmt.Sprintf("%s:%d:%d", at.File, at.Line, at.Column),
		Context: path.Clean(c.Context), Dockerfile: c.Dockerfile, Target: c.Target, Args: map[string]string{},
		Platform: platformOf(c.Platforms), CacheFrom: c.CacheFrom, Network: c.Network, Pull: c.Pull,
	}
	for name, value := range c.Args {
		if value == nil {
			made.EnvArgs = append(made.EnvArgs, name)
		} else {
			made.Args[name] = *value
		}
	}
	slices.Sort(made.EnvArgs)
	for _, s := range c.Secrets {
		made.Secrets = append(made.Secrets, secretOf(s, project.Secrets[s.Source]))
	}
	for _, key := range c.SSH {
		made.SSH = append(made.SSH, Agent(key))
	}
	slices.SortFunc(made.SSH, func(a, b Agent) int { return strings.Compare(a.ID, b.ID) })
	return made, f.checkBuild(b, c)
}

// checkBuild finds what the builder can't do.
func (f *File) checkBuild(b built, c *types.BuildConfig) (findings []dockerrun.Finding) {
	refuse := func(key, format string, args ...any) {
		at := b.entry
		if inner := child(b.value, key); inner.key != nil {
			at = inner
		}
		findings = append(findings, f.doc.finding(at.key, "services."+b.service+".build", format, args...))
	}
	switch {
	case !imageName.MatchString(b.service):
		refuse("", "the image is named after its service, and %q won't do; want up to 64 letters, digits, - and _", b.service)
	case strings.Contains(c.Context, "://") || strings.HasPrefix(c.Context, "git@") || strings.HasSuffix(c.Context, ".git"):
		refuse("context", "is built from %s; want a folder of this checkout, into which the CI may clone the other repository", c.Context)
	case path.IsAbs(c.Context) || strings.HasPrefix(c.Context, "~"):
		refuse("context", "the context %s is not relative to the file", c.Context)
	case path.IsAbs(c.Dockerfile) || !staysInside(c.Dockerfile):
		refuse("dockerfile", "%s is not inside the context; want the context that holds it, with COPY lines that begin there", c.Dockerfile)
	}
	if !slices.Contains([]string{"", "default", "none", "host"}, c.Network) {
		refuse("network", "the network of a build is default, none or host, not %q", c.Network)
	}
	if len(c.Platforms) > 0 && platformOf(c.Platforms) == "" {
		refuse("platforms", "want one platform, linux/amd64 or linux/arm64: that of the instances")
	}
	return findings
}

func staysInside(dockerfile string) bool {
	clean := path.Clean(dockerfile)
	return clean != ".." && !strings.HasPrefix(clean, "../")
}

// platformOf returns the one platform of a build, if instances have it.
func platformOf(platforms []string) string {
	if len(platforms) != 1 || !slices.Contains([]string{"linux/amd64", "linux/arm64", "linux/arm64/v8"}, platforms[0]) {
		return ""
	}
	return strings.TrimSuffix(platforms[0], "/v8")
}

func secretOf(use types.ServiceSecretConfig, s types.SecretConfig) Secret {
	id := use.Target
	if id == "" {
		id = use.Source
	}
	return Secret{ID: path.Base(id), File: s.File, Env: s.Environment}
}

// replaceBuilds writes the images in the place of what builds them. A service that has the name of
// such an image, because another one is built under it, has the image, too.
func (e *editor) replaceBuilds(f *File, images map[string]string) {
	named := map[string]string{} // references by the names that the file gives images
	for _, b := range f.builds() {
		reference := images[b.service]
		e.replaceEntry(b.key, b.value, "image", reference)
		for _, s := range entries(f.doc.find("services").value) {
			if name := child(s.value, "image"); name.key != nil && child(s.value, "build").key == b.key && e.becomes[name.key] == nil {
				named[name.value.Value] = reference
				e.rename(name.key, "x-image")
			}
		}
	}
	for _, s := range entries(f.doc.find("services").value) {
		name := child(s.value, "image")
		if name.key == nil || e.becomes[name.key] != nil || e.becomes[name.value] != nil {
			continue
		}
		reference := images[f.extended(s)]
		if reference == "" {
			reference = named[resolve(name.value).Value]
		}
		if reference != "" {
			e.replaceText(name.value, reference)
		}
	}
	gone := map[*yaml.Node]bool{}
	for _, b := range f.builds() {
		everything(b.value, gone)
		delete(gone, b.value) // its anchor stays
	}
	e.refuseStrays(e.root, gone)
}

// everything adds a node and what is below it.
func everything(n *yaml.Node, all map[*yaml.Node]bool) {
	all[n] = true
	for _, c := range n.Content {
		everything(c, all)
	}
}

// refuseStrays refuses what names, elsewhere, an anchor that is gone with its build section.
func (e *editor) refuseStrays(n *yaml.Node, gone map[*yaml.Node]bool) {
	if n.Kind == yaml.AliasNode && gone[n.Alias] {
		e.findings = append(e.findings, e.finding(n, "", "the anchor %[1]s is in a build section, which is replaced; move it to a key such as x-%[1]s", n.Value))
	}
	for _, c := range n.Content {
		if e.becomes[c] == nil {
			e.refuseStrays(c, gone)
		}
	}
}

// extended returns the service of the file whose build section a service has because it extends it, or "".
func (f *File) extended(s entry) string {
	for range maxDepth {
		if b := child(s.value, "build"); b.key != nil {
			return s.name
		}
		base := resolve(child(s.value, "extends").value)
		if inner := child(base, "service"); inner.key != nil {
			base = resolve(inner.value)
		}
		if base == nil {
			return ""
		}
		s = child(f.doc.find("services").value, base.Value)
	}
	return ""
}
