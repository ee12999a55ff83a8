package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// doors says which of our packages may import which vendor, directly.
var doors = []struct {
	vendor string
	may    []string
}{
	{"github.com/docker/docker", []string{"builder"}},
	{"github.com/moby/buildkit", []string{"builder"}},
	{"github.com/aws/aws-sdk-go-v2/service/ecr", []string{"builder/ecr", "cmd/beansprout"}},
	{"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk", []string{"envs/beanstalk", "cmd/beansprout"}},
	{"github.com/aws/aws-sdk-go-v2/service/s3", []string{"envs/ledger", "cmd/beansprout"}},
	{"github.com/aws/aws-sdk-go-v2/service/sts", []string{"cmd/beansprout"}},
	{"github.com/aws/aws-sdk-go-v2/config", []string{"cmd/beansprout"}},
	{"github.com/slack-go/slack", []string{"notify"}},
	{"github.com/robfig/cron", []string{"janitor"}},
	{"github.com/urfave/cli", []string{"cmd/beansprout"}},
}

// arrows says which of our packages may import which of ours. The command may all.
var arrows = map[string][]string{
	"envs":                    {},
	"envs/beanstalk":          {"envs"},
	"envs/ledger":             {"envs"},
	"builder":                 {},
	"builder/ecr":             {},
	"dockerrun":               {},
	"janitor":                 {"envs"},
	"notify":                  {"envs"},
	"templates":               {},
	"cmd/beansprout/artifact": {},
	"cmd/beansprout/config":   {},
	"cmd/beansprout/checkout": {},
	"examples/visit":          {},
	"notify/notifytest":       {},
}

// TestEveryVendorHasOneDoor walks the imports of the module and names whatever breaks the
// laws of the house. Tests may import what they like, and the local cloud is a wing of its own.
func TestEveryVendorHasOneDoor(t *testing.T) {
	for file, imports := range moduleImports(t) {
		pkg := path.Dir(file)
		if strings.HasPrefix(pkg, "localcloud") {
			continue
		}
		for _, imported := range imports {
			if problem := breach(file, pkg, imported); problem != "" {
				t.Error(problem)
			}
		}
	}
}

func breach(file, pkg, imported string) string {
	for _, d := range doors {
		if imported != d.vendor && !strings.HasPrefix(imported, d.vendor+"/") {
			continue
		}
		if !slices.Contains(d.may, pkg) {
			return file + " imports " + imported + ", whose door is " + d.may[0]
		}
		if pkg == "cmd/beansprout" && strings.Contains(imported, "aws-sdk-go-v2") && path.Base(file) != "clients.go" {
			return file + " imports " + imported + ", but clients.go alone constructs SDK clients"
		}
	}
	ours, ok := strings.CutPrefix(imported, "beansprout/")
	if !ok || pkg == "cmd/beansprout" {
		return ""
	}
	if allowed, known := arrows[pkg]; !known {
		return pkg + " is a package that the house doesn't know"
	} else if !slices.Contains(allowed, ours) {
		return file + " imports " + imported + ", against the arrows"
	}
	return ""
}

func TestOnlyTheStandardLibraryIsInTheDictionary(t *testing.T) {
	for file, imports := range moduleImports(t) {
		if path.Dir(file) != "envs" {
			continue
		}
		for _, imported := range imports {
			if first, _, _ := strings.Cut(imported, "/"); strings.Contains(first, ".") {
				t.Errorf("%s imports %s", file, imported)
			}
		}
	}
}

// moduleImports returns what each file of the module that isn't a test imports.
func moduleImports(t *testing.T) map[string][]string {
	const root = "../.."
	all := map[string][]string{}
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && name != root && d.Name() != ".." || d.Name() == "testdata" || d.Name() == "hello") {
			return filepath.SkipDir
		}
		if filepath.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		file := filepath.ToSlash(strings.TrimPrefix(name, filepath.FromSlash(root+"/")))
		for _, i := range f.Imports {
			imported, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			all[file] = append(all[file], imported)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 20 {
		t.Fatalf("only %d files were found", len(all))
	}
	return all
}
