package compose

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/distribution/reference"
	"go.yaml.in/yaml/v3"

	"beansprout/dockerrun"
	"beansprout/pattern"
)

// linter finds what compose takes and Beanstalk doesn't, and what goes wrong on an instance.
type linter struct {
	file     *File
	text     []byte         // the expanded file
	project  *types.Project // as compose reads it
	port     int            // to which requests are sent: 0 is 80, dockerrun.AnyPort unknown
	findings []dockerrun.Finding
	warnings []dockerrun.Finding
	private  []dockerrun.Finding // warnings of images that instances may have no credentials for
	paths    []Path
	pulled   []Image
}

// Image is an image that instances pull and that is not built here.
type Image struct {
	Name string
	At   string // file:line:column, and what names it
}

// ecrHost matches ECR's registries, for which the instance profile is enough.
var ecrHost = pattern.New(`^[0-9]{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(\.cn)?$`)

// standInHost is the registry of images that are to be built.
const standInHost = "registry.invalid"

// Path is a file or folder that the compose file names, and that a bundle has to hold.
type Path struct {
	Name     string // relative to the file
	At       string // file:line:column, and what names it
	Optional bool
}

// at returns where the file has something, or the nearest thing around it.
func (l *linter) at(names ...string) entry { return l.file.doc.find(names...) }

func (l *linter) refuse(e entry, where, format string, args ...any) {
	l.findings = append(l.findings, l.file.doc.finding(e.key, where, format, args...))
}

func (l *linter) warn(e entry, where, format string, args ...any) {
	l.warnings = append(l.warnings, l.file.doc.finding(e.key, where, format, args...))
}

// document checks what the text alone shows.
func (l *linter) document() {
	services := entries(l.at("services").value)
	names, containers := map[string]bool{}, map[string]string{}
	for _, s := range services {
		names[s.name] = true
	}
	for _, s := range services {
		where := "services." + s.name
		for _, key := range []string{"depends_on", "links"} {
			for _, e := range entries(child(s.value, key).value) {
				l.requireService(names, e, where+"."+key)
			}
		}
		if e := child(s.value, "container_name"); e.key != nil {
			name := resolve(e.value).Value
			if other, twice := containers[name]; twice {
				l.refuse(e, where+".container_name", "service %s has the name %q, too", other, name)
			}
			containers[name] = s.name
		}
		l.modes(names, s)
		l.powers(s)
		l.starting(names, s)
		if e := child(child(s.value, "extends").value, "file"); e.key != nil {
			l.refuse(e, where+".extends.file", "the bundle has one file; write the service into this one")
		}
		l.noteLeftOut(where, s.value, serviceKeys)
		l.noteLeftOut(where+".build", child(s.value, "build").value, buildKeys)
	}
	for _, e := range entries(l.at("volumes").value) {
		l.driver(e)
	}
	for _, kind := range []string{"volumes", "networks", "configs", "secrets"} {
		for _, e := range entries(child(l.file.doc.root, kind).value) {
			if x := child(e.value, "external"); x.key != nil && !off(x.value) {
				l.refuse(x, kind+"."+e.name+".external", "a new instance has none that was made elsewhere")
			}
		}
	}
}

// noteLeftOut warns of keys that have no effect.
func (l *linter) noteLeftOut(where string, object *yaml.Node, table map[string]key) {
	for _, e := range entries(object) {
		if k := table[e.name]; k.status == leftOut && !off(e.value) {
			l.warn(e, where+"."+e.name, "is left out: %s", k.why)
		}
	}
}

// requireService refuses the name of a service that doesn't exist: the name of a key, or the text of an element.
func (l *linter) requireService(names map[string]bool, e entry, where string) {
	name := e.name
	if e.key == e.value { // an element
		name, _, _ = strings.Cut(resolve(e.value).Value, ":")
	}
	if !names[name] {
		l.refuse(e, where, "there is no service %q%s", name, suggestion(name, keysOf(names)))
	}
}

func keysOf(names map[string]bool) (all []string) {
	for name := range names {
		all = append(all, name)
	}
	return all
}

// starting checks what a service needs of others and of the instance to start.
func (l *linter) starting(names map[string]bool, s entry) {
	for _, e := range entries(child(s.value, "volumes_from").value) {
		if kind, _, _ := strings.Cut(resolve(e.value).Value, ":"); kind == "container" {
			l.refuse(e, "services."+s.name+".volumes_from", "the instance has no container of another project; want the name of a service")
		} else {
			l.requireService(names, e, "services."+s.name+".volumes_from")
		}
	}
	if e := child(s.value, "pull_policy"); e.key != nil {
		if policy := resolve(e.value).Value; policy == "never" || policy == "build" {
			l.refuse(e, "services."+s.name+".pull_policy", "%s: an instance begins without images and builds none", policy)
		}
	}
}

// services checks what compose reads.
func (l *linter) services() {
	var taken []published
	for _, name := range l.project.ServiceNames() {
		s := l.project.Services[name]
		l.image(s)
		for i, p := range s.Ports {
			taken = l.publish(taken, s, i, p)
		}
		l.volumes(s)
		for i, file := range s.EnvFiles {
			if path.Clean(file.Path) != ".env" {
				l.holds(l.at("services", name, "env_file", strconv.Itoa(i)), "services."+name+".env_file", file.Path, !bool(file.Required))
			}
		}
		for i, option := range s.SecurityOpt {
			if file, ok := strings.CutPrefix(strings.Replace(option, "=", ":", 1), "seccomp:"); ok {
				l.holds(l.at("services", name, "security_opt", strconv.Itoa(i)), "services."+name+".security_opt", file, false)
			}
		}
		for i, file := range s.LabelFiles {
			l.holds(l.at("services", name, "label_file", strconv.Itoa(i)), "services."+name+".label_file", file, false)
		}
	}
	for name, c := range l.project.Configs {
		l.object("configs", name, types.FileObjectConfig(c))
	}
	for name, s := range l.project.Secrets {
		l.object("secrets", name, types.FileObjectConfig(s))
	}
	l.front(taken)
	l.namedVolumes()
	l.variables()
}

// object adds the file of a config or secret.
func (l *linter) object(kind, name string, o types.FileObjectConfig) {
	if o.File != "" && l.uses(kind, name) {
		l.holds(l.at(kind, name, "file"), kind+"."+name+".file", o.File, false)
	}
}

// uses reports whether a service has the config or secret. Builds have theirs from this machine.
func (l *linter) uses(kind, name string) bool {
	for _, s := range l.project.Services {
		for _, c := range s.Configs {
			if kind == "configs" && c.Source == name {
				return true
			}
		}
		for _, c := range s.Secrets {
			if kind == "secrets" && c.Source == name {
				return true
			}
		}
	}
	return false
}

// isUnknown reports whether something below a node may depend on variables whose values are not known.
func (l *linter) isUnknown(n *yaml.Node) bool {
	n = resolve(n)
	p := l.file.properties
	if n == nil || !p.Partial && len(p.Secrets) == 0 {
		return false
	}
	return strings.Contains(n.Value, "$") || slices.ContainsFunc(n.Content, l.isUnknown)
}

func (l *linter) image(s types.ServiceConfig) {
	e, where := l.at("services", s.Name, "image"), "services."+s.Name+".image"
	anyImage, _ := reference.ParseNormalizedNamed("image") // of the registry from which most images need no credentials
	named, err := reference.ParseNormalizedNamed(s.Image)
	if l.isUnknown(e.value) {
		return
	}
	if err != nil {
		l.refuse(e, where, "is not the name of an image: %v", err)
		return
	}
	if strings.HasPrefix(s.Image, standInHost) {
		return
	}
	l.pulled = append(l.pulled, Image{s.Image, l.place(e, where)})
	if host := reference.Domain(named); host != reference.Domain(anyImage) && !ecrHost.MatchString(host) {
		l.private = append(l.private, l.file.doc.finding(e.key, where, "if the image is private, the instances pull it only with a Dockerrun.aws.json of version 3 with Authentication, in dockerrun.include"))
	}
}

// volumes checks what a service mounts.
func (l *linter) volumes(s types.ServiceConfig) {
	for i, v := range s.Volumes {
		e, where := l.at("services", s.Name, "volumes", strconv.Itoa(i)), "services."+s.Name+".volumes"
		if !slices.Contains([]string{types.VolumeTypeBind, types.VolumeTypeVolume, types.VolumeTypeTmpfs}, v.Type) {
			l.refuse(e, where, "want type bind, volume or tmpfs: the instances have no %s", v.Type)
		}
		if v.Type != types.VolumeTypeBind {
			continue
		}
		if v.Source == logFolder || strings.HasPrefix(v.Source, logFolder+"/") {
			continue
		}
		l.holds(e, where, v.Source, false)
	}
}

// holds adds a file or folder to those that the bundle must hold.
func (l *linter) holds(e entry, where, name string, optional bool) {
	clean := path.Clean(name)
	switch {
	case fileName(e).Kind == yaml.ScalarNode && strings.Contains(fileName(e).Value, "${beansprout."):
		l.refuse(e, where, "the names of the bundle's files are the same for each feature; want ${value.NAME} or ${env.NAME}")
	case path.IsAbs(name) || strings.HasPrefix(name, "~"):
		l.refuse(e, where, "%s is no part of the bundle, and an instance has nothing there that a feature may count on", name)
	case clean == "..", strings.HasPrefix(clean, "../"):
		l.refuse(e, where, "%s is outside the file's folder, and the bundle holds only what is inside", name)
	case clean == ".":
		l.refuse(e, where, "is the whole folder of the file, with all that is in it; name the folders that the service needs")
	case clean == ".env":
		l.refuse(e, where, "Beanstalk writes .env, and doesn't where the bundle has one")
	default:
		l.paths = append(l.paths, Path{clean, l.place(e, where), optional})
	}
}

// fileName returns the node with the name of a file: a text, or what a mapping has.
func fileName(e entry) *yaml.Node {
	n := resolve(e.value)
	for _, key := range []string{"source", "path"} {
		if inner := child(n, key); inner.key != nil {
			return resolve(inner.value)
		}
	}
	return n
}

// place returns where something is, as messages begin.
func (l *linter) place(e entry, where string) string {
	at := l.file.doc.finding(e.key, "", "")
	return fmt.Sprintf("%s:%d:%d: %s", at.File, at.Line, at.Column, where)
}

// namedVolumes says which services a redeploy interrupts.
func (l *linter) namedVolumes() {
	for _, name := range l.project.ServiceNames() {
		for i, v := range l.project.Services[name].Volumes {
			if v.Type == types.VolumeTypeVolume && v.Source != "" {
				l.warn(l.at("services", name, "volumes", strconv.Itoa(i)), "services."+name+".volumes",
					"a redeploy that changes service %s interrupts it: it restarts in place, because the volume %s stays", name, v.Source)
				break
			}
		}
	}
}
