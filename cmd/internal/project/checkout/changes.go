package checkout

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// Changes returns the paths that differ from the commit in the git checkout at root, sorted as git
// sorts them: changed, staged or new files that git does not ignore, in submodules, too, and
// submodules that are at another commit. A folder of new files alone is one path.
//
// What the repository's filters (git-crypt, LFS) have made of a file can't be compared, since
// none of their programs is run: such a file counts as unchanged.
func Changes(ctx context.Context, root string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, gitTimeout)
	defer cancel()
	paths, err := changes(ctx, root, userSettings(ctx), 0)
	if err != nil {
		return nil, fmt.Errorf("look for changes in %s: %w", root, err)
	}
	return paths, nil
}

// maxNesting is how many submodules may lie within one another.
const maxNesting = 8

func changes(ctx context.Context, root, settings string, depth int) ([]string, error) {
	g, err := openGit(root, settings)
	if err != nil {
		return nil, err
	}
	defer g.close()
	unfiltered, err := g.withoutFilters(ctx)
	if err != nil {
		return nil, err
	}
	status, err := g.run(ctx, append(unfiltered, "status", "--porcelain=v2", "-z", "--no-renames", "--untracked-files=normal", "--ignore-submodules=dirty")...)
	if err != nil {
		return nil, err
	}
	paths, err := g.changed(ctx, status)
	if err != nil || depth == maxNesting {
		return paths, err
	}
	modules, err := g.submodules(ctx)
	for _, module := range modules {
		within, err := changes(ctx, filepath.Join(root, module), settings, depth+1)
		if err != nil {
			return nil, err
		}
		for _, p := range within {
			paths = append(paths, path.Join(filepath.ToSlash(module), p))
		}
	}
	return paths, err
}

// withoutFilters returns the options that keep git from running the programs by which the
// repository's configuration has files filtered.
func (g git) withoutFilters(ctx context.Context) (options []string, err error) {
	keys, err := g.values(ctx, "--name-only", "--get-regexp", `^filter\.`)
	if err != nil {
		return nil, err
	}
	for _, key := range keys {
		driver := key[:max(strings.LastIndex(key, "."), 0)]
		if strings.Contains(driver, "=") {
			return nil, fmt.Errorf("the configuration names the filter %q, which can't be switched off", driver)
		}
		options = append(options, "-c", driver+".clean=", "-c", driver+".smudge=", "-c", driver+".process=", "-c", driver+".required=false")
	}
	return options, nil
}

// values returns what git prints of the configuration, nothing where it has no such key.
func (g git) values(ctx context.Context, args ...string) ([]string, error) {
	printed, err := g.run(ctx, append([]string{"config", "--null"}, args...)...)
	if hasNone(err) {
		return nil, nil
	}
	if len(printed) == maxOutput {
		return nil, errors.New("git config prints too much")
	}
	return split(printed), err
}

// split takes apart what ends with a NUL each.
func split(printed string) []string {
	return strings.FieldsFunc(printed, func(r rune) bool { return r == 0 })
}

// changed returns the paths of a status, but those of files that a filter has made and that are
// not staged.
func (g git) changed(ctx context.Context, status string) (paths []string, err error) {
	unstaged := map[string]bool{}
	for _, entry := range split(status) {
		p, sure := parseEntry(entry)
		if paths = append(paths, p); !sure {
			unstaged[p] = true
		}
	}
	if len(unstaged) == 0 {
		return paths, nil
	}
	filtered, err := g.filtered(ctx, unstaged)
	if err != nil {
		return nil, err
	}
	kept := paths[:0]
	for _, p := range paths {
		if !unstaged[p] || !filtered[p] {
			kept = append(kept, p)
		}
	}
	return kept, nil
}

// parseEntry reads an entry of git status --porcelain=v2 -z. One is sure unless nothing but the
// content of the file says that it has changed.
func parseEntry(entry string) (path string, sure bool) {
	fields := map[byte]int{'1': 9, 'u': 11, '?': 2}[entry[0]]
	parts := strings.SplitN(entry, " ", max(fields, 1))
	plain := entry[0] == '1' && len(parts) == 9 && parts[1] == ".M" && parts[2] == "N..." && parts[4] == parts[5]
	return parts[len(parts)-1], !plain
}

// filtered returns which of the paths have a filter, by the repository's attributes.
func (g git) filtered(ctx context.Context, paths map[string]bool) (map[string]bool, error) {
	args := []string{"check-attr", "-z", "filter", "--"}
	size := 0
	for p := range paths {
		if size += len(p) + 1; size > maxOutput/4 {
			return nil, nil // so many are changes enough
		}
		args = append(args, p)
	}
	printed, err := g.run(ctx, args...)
	if err != nil {
		return nil, err
	}
	filtered := map[string]bool{}
	for rest := split(printed); len(rest) >= 3; rest = rest[3:] {
		filtered[rest[0]] = rest[2] != "unspecified" && rest[2] != "unset"
	}
	return filtered, nil
}

// submodules returns the paths of the submodules that are checked out.
func (g git) submodules(ctx context.Context) (paths []string, err error) {
	file := filepath.Join(g.root, ".gitmodules")
	if info, err := os.Lstat(file); err != nil || !info.Mode().IsRegular() {
		return nil, nil
	}
	entries, err := g.values(ctx, "--file", file, "--get-regexp", `^submodule\..*\.path$`)
	for _, entry := range entries {
		_, p, _ := strings.Cut(entry, "\n")
		p = filepath.Clean(filepath.FromSlash(p))
		if !filepath.IsLocal(p) || p == "." {
			continue
		}
		if _, err := os.Lstat(filepath.Join(g.root, p, ".git")); err == nil {
			paths = append(paths, p)
		}
	}
	return paths, err
}

// userSettings returns the settings for ignored files and line ends from the configuration of the
// user and the machine, which can be trusted, unlike the repository's. It returns none if they
// cannot be read.
func userSettings(ctx context.Context) string {
	printed, _ := command(ctx, "/", plainEnvironment(os.Environ()), "config", "--null", "--get-regexp", `^core\.(excludesfile|autocrlf|eol)$`)
	home, _ := os.UserHomeDir()
	values := map[string]string{}
	if dir := os.Getenv("XDG_CONFIG_HOME"); dir != "" {
		values["core.excludesfile"] = filepath.Join(dir, "git", "ignore")
	} else {
		values["core.excludesfile"] = filepath.Join(home, ".config", "git", "ignore")
	}
	for _, entry := range split(printed) {
		if key, value, ok := strings.Cut(entry, "\n"); ok {
			values[key] = value
		}
	}
	text := "[core]\n"
	for _, key := range []string{"excludesfile", "autocrlf", "eol"} {
		value := values["core."+key]
		if below, ok := strings.CutPrefix(value, "~/"); ok {
			value = filepath.Join(home, below)
		}
		if value != "" {
			text += "\t" + key + " = " + quote(value) + "\n"
		}
	}
	return text
}
