package project

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
)

func TestConfigurationFilesAreYAMLOrJSON(t *testing.T) {
	for text, want := range map[string]string{
		"option_settings:\n  a:b:\n    C: d\n": "",
		"# nothing\n":                          "",
		"":                                     "",
		"---\na: 1\n":                          "",
		"a: 1\na: 2\n":                         "", // Beanstalk takes the last
		"\ufeffa: 1\r\nb:\r\n  c: 2\r\n":       "",
		"{\"a\":\t1}":                          "", // no YAML, but JSON
		"a: !Ref x\n":                          "",
		"a:\n  - b: [1, 2\nc: 3\n":             ":3: neither YAML nor JSON that Beanstalk reads: ',' or ']' must be specified",
		"a:\n  b: 1\n c: 2\n":                  ":3: ",
		"a: 1\n\tb: 2\n":                       ":2: ",
		"a: 1\nb: `date`\n":                    ":2: ",
		"a: 1\n\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X   ": ":2: ",
		"a: \xff\n":         ":1: ",
		"a: 1\n---\nb: 2\n": ":2: ",
		"just words\n":      ":1: ",
		"[1, 2]":            ":1: ",
		"- a\n- b\n":        ":1: ",
	} {
		files := fstest.MapFS{".ebextensions/app.config": {Data: []byte(text)}}
		got := fmt.Sprint(checkExtensions(files, []string{".ebextensions/app.config"}))
		switch {
		case want == "" && got != "<nil>", want != "" && !strings.HasPrefix(got, ".ebextensions/app.config:"), !strings.Contains(got, want):
			t.Errorf("%q: %s, want %q", text, got, want)
		}
	}
}

func TestOnlyWhatBeanstalkReadsIsChecked(t *testing.T) {
	bad := &fstest.MapFile{Data: []byte("\t")}
	for name, refused := range map[string]bool{
		".ebextensions/app.config":        true,
		".ebextensions/._app.config":      true,
		".ebextensions/app.yaml":          false,
		".ebextensions/nested/app.config": false,
		"app.config":                      false,
		"dir/.ebextensions/app.config":    false,
	} {
		err := checkExtensions(fstest.MapFS{name: bad}, []string{name})
		if (err != nil) != refused {
			t.Errorf("%s: %v", name, err)
		}
	}
}
