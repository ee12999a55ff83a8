package config

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml/parser"
)

// TestThreeHundredFilesAreJudgedAlike compares the program's judgement with the schema's: of files that
// are written by hand, and of files that are made of random keys and values, the same ones each time.
func TestThreeHundredFilesAreJudgedAlike(t *testing.T) {
	j := newJudge(t)
	byHand := map[string]bool{}
	for _, text := range rightFiles {
		byHand[text] = true
	}
	for _, r := range refusals {
		if problems := parseProblems(t, r.text); !isBeyond(problems) {
			byHand[r.text] = false
		}
	}
	for text, want := range byHand {
		if got := j.alike(t, text); got != want {
			t.Errorf("right is %v, want %v:\n%s\n%q", got, want, text, parseProblems(t, text))
		}
	}
	right, wrong := 0, 0
	for _, text := range randomFiles(300) {
		if j.alike(t, text) {
			right++
		} else {
			wrong++
		}
	}
	t.Logf("%d files by hand; of the random ones, %d are right and %d wrong", len(byHand), right, wrong)
	if len(byHand) < 150 || right < 100 || wrong < 100 {
		t.Error("too few files of a kind")
	}
}

// rightFiles try what is easily mistaken for wrong.
var rightFiles = []string{
	everything,
	"application: shop\n", "application: shop", "\ufeffapplication: shop\n", "application: shop\r\nregion: us-east-1\r\n", "# shop\n---\napplication: shop\n...\n",
	"{application: shop}", "\"application\": 'shop'\n", "application:\n  shop\n", "application: |-\n  shop\n", "application: >-\n  Web\n  Shop\n",
	"application: yes\n", "application: off\n", "application: 2024-01-01\n", "application: 1_000\n", "application: 0b1\n", "application: 12:30\n", "application: '2048'\n", "application: 한글 😀\n",
	"application: shop\nbuild:\nregistry:\nenvironment:\ndockerrun:\nexpire:\nslack:\nledger:\n", "application: shop\nbuild: {web: }\nslack: {users: }\n", "application: shop\nbuild: {}\nslack: {users: []}\n",
	under("environment", "variables: {A: yes, B: on, C: 1.10, D: 007, E: 0o17, F: 0x1F, G: true, H: 1e3, I: 2024-01-01, J: '', K: .inf, L: 99999999999999999999, M: -0}"),
	under("environment", "variables: {yes: 1, 1: 2, true: 3, 1.5: 4}"), under("environment", "variables:\n    A: |-\n      one"), under("build", "web: {args: {A: , B: ~, C: null, D: '', E: 1.10}}"),
	under("environment", "check: off"), under("environment", "check: 'off'"), under("environment", "check: {}"), under("environment", "check: {status: 200}"), under("environment", "check: {status: '200'}"),
	under("environment", "check: {status: 200.0}"), under("environment", "check: {status: [200, 201-299, '404']}"), under("environment", "check: {timeout: 1h}"), under("environment", "check: {path: '/?'}"),
	under("expire", "max_deletions: 10.0"), under("expire", "max_deletions: 0x10"), under("expire", "max_deletions: 1e1"), under("expire", "restore_for: 0"), under("expire", "restore_for: 0.0"), under("expire", "restore_for: -0"),
	under("expire", "{least: 0, warn_before: 0s}"), under("expire", "{after: 1d, warn_before: 23h, least: 24h}"), under("expire", "branches:"), under("expire", "branches: {remote: git@github.com:acme/shop.git}"),
	under("build", "web: {warn_size: 0}"), under("build", "web: {warn_size: 1.5}"), under("build", "web: {warn_size: 1e3}"), under("build", "web: {warn_size: '1.5 GiB'}"), under("build", "web: {pull: TRUE}"),
	under("build", "web: {secrets: [{id: a, file: b}, {env: C, id: d}]}"), under("build", "web: {secrets: }"), under("build", "web: {ssh: [default, 'a=b,c']}"), under("build", "web: {prepare: \"make\\n\\tmake test\\n\"}"), under("build", "web: {prepare: ''}"),
	under("environment", "platform: Docker running on 64bit Amazon Linux 2023"), under("environment", "saved_configuration: small"), under("environment", "copy_from: shop-dev1"),
	"application: shop\nartifact: app.war\nenvironment: {platform: Tomcat 11 with Corretto 21 running on 64bit Amazon Linux 2023}\n", "application: shop\nartifact: app.zip\nenvironment: {platform: Docker running on 64bit Amazon Linux 2023}\n",
	"application: shop\nartifact: a/app.jar\nprepare: make\nenvironment: {copy_from: shop-dev1}\n", "application: shop\nartifact: app.war\nenvironment: {saved_configuration: small}\n",
	under("environment", "{shared_load_balancer: 'arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/a/1', options: {'aws:elasticbeanstalk:environment': {LoadBalancerType: application}}}"),
	under("environment", "options: {'aws:elasticbeanstalk:environment': {EnvironmentType: SingleInstance}}"), under("environment", "options: {'aws:x': }"), under("environment", "secrets: {A: ''}"),
	under("slack", "channel: '#qa'"), under("slack", "channel: \"\\U0001F331 qa\""), under("dockerrun", "include: [a/../b, ./c, ..d]"), under("dockerrun", "values: {memory: 512, ratio: 1.50, on: off}"),
	under("registry", "{repository: a.b/cd, scan_on_push: false}"), under("registry", "expire_images_after: 48h"),
}

// A leaf is a key that holds values, and which samples are right for it.
type leaf struct {
	path  string
	right []string
}

// leaves returns the keys of which random files are made.
func leaves() []leaf {
	all := map[string]leaf{}
	for _, s := range samples {
		file, err := parser.ParseBytes([]byte("k: "+s), 0)
		if err != nil || strings.Contains(s, "!!") {
			continue
		}
		image := NewImage("web")
		for _, k := range table(initial("/"), &image, &Secret{}) {
			if k.into == nil || strings.Contains(k.path, "[]") || k.path == "application" {
				continue
			}
			l := all[k.path]
			l.path = strings.ReplaceAll(k.path, "NAME", "web")
			d := &document{file: "f", set: map[string]value{}}
			root := value{doc: d, key: place{1, 1}, node: file.Docs[0].Body}
			if k.read(root.entries()[0]); len(d.problems) == 0 {
				l.right = append(l.right, s)
			}
			all[k.path] = l
		}
	}
	return slices.SortedFunc(maps.Values(all), func(a, b leaf) int { return strings.Compare(a.path, b.path) })
}

// randomFiles returns n files. A file that has nothing wrong but what is beyond a schema is none of them.
func randomFiles(n int) []string {
	r := rand.New(rand.NewPCG(15, 4))
	all := leaves()
	var files []string
	for len(files) < n {
		wrong := 0
		if r.IntN(2) == 0 {
			wrong = 1 + r.IntN(3)
		}
		values := map[string]string{"application": "shop"}
		for i := range 2 + r.IntN(8) {
			l := all[r.IntN(len(all))]
			if slices.ContainsFunc(all, func(o leaf) bool {
				_, set := values[o.path]
				return set && (strings.HasPrefix(o.path, l.path+".") || strings.HasPrefix(l.path, o.path+"."))
			}) {
				continue
			}
			values[l.path] = l.right[r.IntN(len(l.right))]
			if i < wrong {
				values[l.path] = samples[r.IntN(len(samples))]
			}
		}
		text := spell(r, values)
		if _, err := parse("f", "/", []byte(text)); err != nil && isBeyond(strings.Split(err.Error(), "\n")) {
			continue
		}
		files = append(files, text)
	}
	return files
}

var plainValue = regexp.MustCompile(`^(?:[A-Za-z0-9./-]+|"[^"\\]*")$`)

// spell writes a file in one of the forms that YAML has for it.
func spell(r *rand.Rand, values map[string]string) string {
	root := map[string]any{}
	flow := r.IntN(4) == 0
	for path, value := range values {
		at := root
		names := strings.Split(path, ".")
		for _, name := range names[:len(names)-1] {
			if at[name] == nil {
				at[name] = map[string]any{}
			}
			at = at[name].(map[string]any)
		}
		at[names[len(names)-1]] = value
		flow = flow && plainValue.MatchString(value)
	}
	text := writeBlock(r, root, "")
	if flow {
		text = writeFlow(root)
	}
	if r.IntN(4) == 0 {
		text = "# shop\n---\n" + text + "...\n"
	}
	if r.IntN(4) == 0 {
		text = strings.ReplaceAll(text, "\n", "\r\n")
	}
	if r.IntN(4) == 0 {
		text = "\ufeff" + text
	}
	return text
}

func writeBlock(r *rand.Rand, keys map[string]any, indent string) string {
	text := ""
	for _, name := range slices.Sorted(maps.Keys(keys)) {
		key := indent + name
		if r.IntN(8) == 0 {
			key = fmt.Sprintf("%s%q", indent, name)
		}
		switch v := keys[name].(type) {
		case map[string]any:
			text += key + ":\n" + writeBlock(r, v, indent+"  ")
		case string:
			text += key + ": " + v + "\n"
		}
	}
	return text
}

func writeFlow(keys map[string]any) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(keys)) {
		switch v := keys[name].(type) {
		case map[string]any:
			parts = append(parts, name+": "+strings.TrimSuffix(writeFlow(v), "\n"))
		case string:
			parts = append(parts, name+": "+v)
		}
	}
	return "{" + strings.Join(parts, ", ") + "}\n"
}

func TestEachKeyHasARightSample(t *testing.T) {
	for _, l := range leaves() {
		if len(l.right) == 0 {
			t.Errorf("none of the samples is right for %s: add one", l.path)
		}
	}
}
