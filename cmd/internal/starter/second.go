package starter

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"beansprout/pattern"
)

// described is a container of a document of version 2.
type described struct {
	name, image string
	start, end  int // of the image's string in the text
	builds      *Dockerfile
}

// takeSecond takes a document of version 2 as the template. Every byte stays but the images that are built
// here, which become placeholders.
func (p *planner) takeSecond() error {
	f := p.Dockerrun
	all := containersOf(f.Text)
	p.match(all)
	text := bytes.Clone(f.Text)
	p.note(f.Name, 1, "becomes %s", templateName)
	for i, c := range all {
		line := 1 + bytes.Count(f.Text[:c.start], []byte("\n"))
		switch {
		case c.builds != nil:
			p.build(*c.builds)
			p.note(f.Name, line, "%s is built of %s", orName(c.image, c.name), c.builds.Name)
		case isPattern(c.image):
			p.undone(f.Name, line, "the image %q of container %q is filled in by something else, and no Dockerfile is for it; the template needs an image, or ${image.NAME} of one under build", c.image, orName(c.name, fmt.Sprint(i+1)))
		}
	}
	for _, c := range slices.Backward(all) {
		if c.builds != nil {
			text = slices.Concat(text[:c.start], []byte(`"${image.`+c.builds.imageName()+`}"`), text[c.end:])
		}
	}
	for _, m := range mounted.FindAllSubmatch(f.Text, -1) {
		p.include(string(m[1]))
	}
	text = quotedVersion.ReplaceAll(text, []byte("${1}2"))
	p.writeTemplate(string(text))
	for _, d := range p.candidates() {
		if !slices.ContainsFunc(all, func(c described) bool { return c.builds != nil && c.builds.Name == d.Name }) {
			p.undone(d.Name, 1, "no container of %s is built of it", f.Name)
		}
	}
	return nil
}

// mounted matches the files of the bundle that a document mounts.
var mounted = pattern.New(`"sourcePath"\s*:\s*"` + bundleFolder + `([^"\\]+)"`)

var quotedVersion = pattern.New(`("AWSEBDockerrunVersion"\s*:\s*)"\s*2\s*"`)

func orName(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// match finds the Dockerfiles of the containers: by the name of the container or the repository, or the one
// at the top for the one image that is not anybody's.
func (p *planner) match(all []described) {
	dockerfiles := p.candidates()
	for i := range all {
		for k := range dockerfiles {
			folder := path.Base(path.Dir(dockerfiles[k].Name))
			if folder != "." && (folder == all[i].name || folder == repositoryOf(all[i].image)) {
				all[i].builds = &dockerfiles[k]
			}
		}
	}
	top := slices.IndexFunc(dockerfiles, func(d Dockerfile) bool { return path.Dir(d.Name) == "." })
	if len(dockerfiles) == 1 {
		top = 0
	}
	if top < 0 || slices.ContainsFunc(all, func(c described) bool { return c.builds == &dockerfiles[top] }) {
		return
	}
	best := -1
	for i, c := range all {
		if c.builds != nil || !isOwn(c.image) {
			continue
		}
		if best < 0 || rankOf(c) < rankOf(all[best]) {
			best = i
		}
	}
	if best >= 0 {
		all[best].builds = &dockerfiles[top]
	}
}

// rankOf is how likely a container is what answers requests: the least for the likeliest.
func rankOf(c described) int {
	if i := slices.Index(fronts, c.name); i >= 0 {
		return i
	}
	return len(fronts)
}

var filledIn = pattern.New(`[<>{}$%]|^$`)

// isPattern reports whether something fills in an image before it is deployed.
func isPattern(image string) bool { return filledIn.MatchString(image) }

// isOwn reports whether an image may be the repository's own: not one that all the world has.
func isOwn(image string) bool { return isPattern(image) || strings.Contains(image, "/") }

// repositoryOf returns the last word of an image's name, without tag and digest.
func repositoryOf(image string) string {
	image, _, _ = strings.Cut(image, "@")
	image = path.Base(image)
	image, _, _ = strings.Cut(image, ":")
	return image
}

// containersOf returns the containers of a document, in the order of the text.
func containersOf(text []byte) []described {
	var document struct {
		ContainerDefinitions []struct{ Name, Image string }
	}
	_ = json.Unmarshal(text, &document) // what is wrong with it is found when the template is checked
	spans := imageSpans(text)
	var all []described
	for i, c := range document.ContainerDefinitions {
		if span, ok := spans[i]; ok {
			all = append(all, described{name: c.Name, image: c.Image, start: span[0], end: span[1]})
		}
	}
	return all
}

// imageSpans returns where the images of the containers are in the text, by the number of the container.
func imageSpans(text []byte) map[int][2]int {
	spans := map[int][2]int{}
	d := json.NewDecoder(bytes.NewReader(text))
	var walk func(path string, element int) bool
	walk = func(path string, element int) bool {
		token, err := d.Token()
		if err != nil {
			return false
		}
		switch token {
		case json.Delim('{'):
			for d.More() {
				key, err := d.Token()
				if err != nil || !walk(path+"."+fmt.Sprint(key), element) {
					return false
				}
			}
			_, err = d.Token()
		case json.Delim('['):
			for i := 0; d.More(); i++ {
				if path == ".containerDefinitions" {
					element = i
				}
				if !walk(path+"[]", element) {
					return false
				}
			}
			_, err = d.Token()
		default:
			if _, ok := token.(string); ok && path == ".containerDefinitions[].image" {
				end := int(d.InputOffset())
				start := bytes.LastIndexByte(text[:end-1], '"')
				for start > 0 && text[start-1] == '\\' {
					start = bytes.LastIndexByte(text[:start], '"')
				}
				spans[element] = [2]int{start, end}
			}
		}
		return err == nil
	}
	walk("", 0)
	return spans
}
