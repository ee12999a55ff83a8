package engine

import (
	"cmp"
	"os"
	"path"
	"path/filepath"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/docker/docker/api/types/mount"
)

// secretsDir is where secrets and configs that are no files of the bundle are written.
const secretsDir = ".beansprout-files"

// file is a path of the bundle that a service mounts.
type file struct {
	mount.Mount
	below string
}

// mounts returns the mounts of a service, and the volumes that it may write to.
func (c *composer) mounts(s types.ServiceConfig) (all []mount.Mount, owns []string, _ error) {
	for _, v := range s.Volumes {
		m := mount.Mount{Type: mount.Type(v.Type), Target: v.Target, ReadOnly: v.ReadOnly}
		switch {
		case v.Type == types.VolumeTypeTmpfs && v.Tmpfs != nil:
			m.TmpfsOptions = &mount.TmpfsOptions{SizeBytes: int64(v.Tmpfs.Size), Mode: os.FileMode(v.Tmpfs.Mode)}
		case v.Type == types.VolumeTypeVolume && v.Source != "":
			m = c.disk(c.g, "compose:"+cmp.Or(c.project.Volumes[v.Source].Name, v.Source), v.Volume != nil && v.Volume.NoCopy)
			if v.Volume != nil && v.Volume.Subpath != "" {
				if !c.knows("1.45") {
					return nil, nil, refusedCompose("service %s: the subpath of a volume needs a newer Docker Engine (API 1.45)", s.Name)
				}
				m.VolumeOptions.Subpath = v.Volume.Subpath
			}
			if !v.ReadOnly {
				owns = append(owns, m.Source)
			}
		case v.Type == types.VolumeTypeBind:
			if _, ours := c.below(v.Source); ours {
				continue
			}
			m = c.disk(c.g, path.Clean(v.Source), true)
		}
		m.Target, m.ReadOnly = v.Target, v.ReadOnly
		all = append(all, m)
	}
	for _, f := range c.files(s) {
		c.paths = append(c.paths, f.below)
		all = append(all, f.Mount)
	}
	secrets, err := c.written(s)
	return append(all, secrets...), owns, err
}

// below returns what a path on the instance or of the unpacked bundle is in the bundle.
func (c *composer) below(source string) (string, bool) {
	if within(c.g.dir, source) {
		below, err := filepath.Rel(c.g.dir, source)
		return below, err == nil
	}
	return belowBundle(source)
}

// files returns the paths of the bundle that a service mounts, also as secrets and configs.
func (c *composer) files(s types.ServiceConfig) []file {
	var all []file
	add := func(source, target string, readOnly bool) {
		if below, ours := c.below(source); ours {
			all = append(all, file{mount.Mount{Type: mount.TypeBind, Source: filepath.Join(c.g.dir, below), Target: target, ReadOnly: readOnly}, below})
		}
	}
	for _, v := range s.Volumes {
		if v.Type == types.VolumeTypeBind {
			add(v.Source, v.Target, v.ReadOnly)
		}
	}
	for _, r := range references(s) {
		if object := r.in(c.project); object.File != "" {
			add(object.File, r.target, true)
		}
	}
	return all
}

// reference is a secret or config that a service uses.
type reference struct {
	source, target string
	secret         bool
}

func references(s types.ServiceConfig) []reference {
	var all []reference
	for _, r := range s.Secrets {
		target := cmp.Or(r.Target, r.Source)
		if !path.IsAbs(target) {
			target = path.Join("/run/secrets", target)
		}
		all = append(all, reference{r.Source, target, true})
	}
	for _, r := range s.Configs {
		all = append(all, reference{r.Source, path.Join("/", cmp.Or(r.Target, r.Source)), false})
	}
	return all
}

func (r reference) in(p *types.Project) types.FileObjectConfig {
	if r.secret {
		return types.FileObjectConfig(p.Secrets[r.source])
	}
	return types.FileObjectConfig(p.Configs[r.source])
}

// written writes the secrets and configs whose text is in the compose file or in a variable, and
// returns their mounts.
func (c *composer) written(s types.ServiceConfig) ([]mount.Mount, error) {
	var all []mount.Mount
	for _, r := range references(s) {
		object := r.in(c.project)
		switch _, inBundle := c.below(object.File); {
		case bool(object.External):
			return nil, refusedCompose("service %s: unsupported external secret or config %s", s.Name, r.source)
		case object.File != "" && !inBundle:
			return nil, refusedCompose("service %s: the file of %s is not in the bundle", s.Name, r.source)
		case object.File != "":
			continue
		}
		kind := "config-"
		if r.secret {
			kind = "secret-"
		}
		name := filepath.Join(c.g.dir, secretsDir, kind+r.source)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return nil, err
		}
		if err := os.WriteFile(name, []byte(c.text(object)), 0o644); err != nil {
			return nil, err
		}
		all = append(all, mount.Mount{Type: mount.TypeBind, Source: name, Target: r.target, ReadOnly: true})
	}
	return all, nil
}

// text returns the text of a secret or config that is no file.
func (c *composer) text(object types.FileObjectConfig) string {
	if object.Environment != "" {
		return c.project.Environment[object.Environment]
	}
	return object.Content
}
