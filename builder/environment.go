package builder

import (
	"maps"
	"slices"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
)

// environment holds the variables that an instruction sees.
type environment map[string]string

func (e environment) Get(name string) (string, bool) {
	v, ok := e[name]
	return v, ok
}

func (e environment) Keys() []string { return slices.Collect(maps.Keys(e)) }

func (e environment) put(name, value string, known bool) {
	if known {
		e[name] = value
	} else {
		delete(e, name)
	}
}

// platformArgs returns the arguments that BuildKit defines by itself.
func platformArgs(native, target string) (environment, error) {
	e := environment{}
	if target == "" {
		target = native
	}
	for prefix, name := range map[string]string{"BUILD": native, "TARGET": target} {
		p, err := platforms.Parse(name)
		if err != nil {
			return nil, err
		}
		e[prefix+"PLATFORM"], e[prefix+"OS"], e[prefix+"ARCH"], e[prefix+"VARIANT"] = platforms.Format(p), p.OS, p.Architecture, p.Variant
	}
	return e, nil
}

// longest is the length of a value above which it is taken for one that only grows: each line
// may double that of the line before.
const longest = 64 << 10

// expand replaces the variables in a word and says whether all of them are known: a base image
// may define others.
func (r *reader) expand(word string, env environment) (value string, known bool, err error) {
	value, unknown, err := r.lex.ProcessWord(word, env)
	if len(value) > longest {
		return "", false, errOpen
	}
	return value, len(unknown) == 0, err
}

// define gives the arguments of an ARG their values in env: as the source says, else by
// default, else as an ARG before the first FROM says, for which outer is nil.
func (r *reader) define(c instructions.ArgCommand, env, outer environment) error {
	for _, a := range c.Args {
		if value, ok := r.args[a.Key]; ok {
			env[a.Key] = value
		} else if a.Value != nil {
			value, known, err := r.expand(*a.Value, env)
			if err != nil {
				return err
			}
			env.put(a.Key, value, known || outer == nil)
		} else if value, ok := outer[a.Key]; ok {
			env[a.Key] = value
		}
	}
	return nil
}

// set gives the variables of an ENV their values, none of which is seen by another of them.
func (r *reader) set(c *instructions.EnvCommand, env environment) error {
	before := maps.Clone(env)
	for _, v := range c.Env {
		value, known, err := r.expand(v.Value, before)
		if err != nil {
			return err
		}
		env.put(v.Key, value, known)
	}
	return nil
}
