package starter

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"beansprout/test/must"
)

// content returns what is in a directory: texts of files, targets of links, "" for folders.
func content(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	must.Succeed(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		name := strings.TrimPrefix(path, dir+"/")
		all[name] = ""
		if d.Type()&fs.ModeSymlink != 0 {
			all[name], err = os.Readlink(path)
		} else if !d.IsDir() {
			all[name] = string(must.Read(t, path))
		}
		return err
	}))
	return all
}

func TestNothingIsWrittenWhereOneFileCannotBe(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"folder that is a file":  {".github": "x"},
		"folder that leads out":  {".github": "-> /tmp"},
		"link to nothing":        {".github/workflows": "-> nowhere"},
		"file that exists":       {".github/workflows/beansprout.yml": "mine\n"},
		"link in a file's place": {"beansprout.yaml": "-> /nowhere/x"},
		"folder in its place":    {"Dockerrun.template.json/x": "x"},
	} {
		files = maps.Clone(files)
		dir := directory(t, files)
		s := &Survey{Dir: dir}
		plan := Plan{Files: []Output{{"beansprout.yaml", "a"}, {templateName, "b"}, {".beansprout/x/y", "c"}, {workflowFile, "d"}}}
		before := content(t, dir)
		err := Write(s, plan, false)
		if after := content(t, dir); err == nil || !maps.Equal(before, after) {
			t.Errorf("%s: %v, and there is %q", name, err, after)
		}
	}
}

func TestForceReplacesFilesAndLinks(t *testing.T) {
	dir := directory(t, map[string]string{"beansprout.yaml": "old", "mine": "mine", templateName: "-> mine"})
	plan := Plan{Files: []Output{{"beansprout.yaml", "new"}, {templateName, "new"}}}
	var exists *ExistsError
	if err := Write(&Survey{Dir: dir}, plan, false); !errors.As(err, &exists) || !slices.Equal(exists.Names, []string{"beansprout.yaml", templateName}) {
		t.Errorf("%v", err)
	}
	must.Succeed(t, Write(&Survey{Dir: dir}, plan, true))
	want := map[string]string{"beansprout.yaml": "new", "mine": "mine", templateName: "new"}
	if got := content(t, dir); !maps.Equal(got, want) {
		t.Errorf("there is %q", got)
	}
	// One that can't be written: what was replaced comes back.
	must.Succeed(t, os.Mkdir(filepath.Join(dir, "folder"), 0o755))
	want["folder"] = ""
	plan.Files = append(plan.Files, Output{"folder", "new"})
	plan.Files[0].Text = "newer"
	if err := Write(&Survey{Dir: dir}, plan, true); err == nil || !maps.Equal(content(t, dir), want) {
		t.Errorf("%v, and there is %q", err, content(t, dir))
	}
}
