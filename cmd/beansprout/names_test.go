package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"beansprout/cmd/internal/awsconfig"
	"beansprout/cmd/internal/failure"
	"beansprout/cmd/internal/sweeping"
	"beansprout/cmd/internal/terminal"
	"beansprout/dockerrun"
	"beansprout/envs"
	"beansprout/envs/store"
	"beansprout/localcloud"
	"beansprout/notify"
	"beansprout/notify/notifytest"
	"beansprout/test/lab"
	"beansprout/test/must"
)

// fragments are what strangers put into names.
var fragments = []string{
	"login", "feature/a", "feature-a", "FEATURE/A", "로그인", "ログイン", "😀", "👩‍👩‍👧", "caf\u00e9", "cafe\u0301", "\u1105\u1169", "İ", "ß", "ﬀ",
	"\x00", "\x07", "\x1b[31m", "\x1b]0;owned\x07", "\x1b]8;;http://evil\x1b\\", "\u009b31m", "\u0085", "\x7f", "\n", "\r", "\r\n", "\t", "\v", "\u2028", "\u2029",
	"\u202e", "\u2066", "\u200b", "\u200c", "\u00ad", "\u2060", "\u3164", "\u034f", "\u200e", "\ufeff", "\ufffd", "\U000e0041", "\xff", "\xc3\x28", "\xed\xa0\x80",
	`'`, `"`, "`", `\`, `$(reboot)`, "`reboot`", `; rm -rf $HOME #`, `&& reboot`, `| sh`, `> /etc/passwd`, `$IFS`, `!!`, `*`, `~`, `{a,b}`,
	"${feature}", "${env.HOME}", "${image.web}", "$${", "${", "}", "{{.}}", "<%= x %>", "%s%n%d", "%00", "%2e%2e%2f",
	"../../etc/passwd", "..", ".", "/", "//", "a/../b", "C:\\", "CON", "-", "--", "-rf", "--force", "--feature=x", "--help", "-", "=cmd|'/c calc'!A1", "@SUM(1)", "+1", ",", ";",
	"<script>alert(1)</script>", "<!channel>", "<@U1>", "<http://evil|click>", "&amp;", "&lt;", "*bold*", "_it_", "~s~", "```", ":smile:", "@here", "#general", "]]>",
	`{"a":1}`, `","keep":true,"x":"`, `[]`, "null", "true", "\\u0000", "\\n", "aws:x", "elasticbeanstalk:", "beansprout:feature", " @ ", " by ", "uncommitted", "…", " ", "  ", "\u00a0",
	strings.Repeat("x", 300), strings.Repeat("가", 200), strings.Repeat("-", 64), strings.Repeat("%", 200),
}

// hostileNames returns 500 names, the same ones each time, each once.
func hostileNames() []string {
	names := slices.Clone(fragments)
	for r := rand.New(rand.NewPCG(1, 2)); len(names) < 600; {
		name := ""
		for range 2 + r.IntN(4) {
			name += fragments[r.IntN(len(fragments))]
		}
		names = append(names, name)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	rand.New(rand.NewPCG(3, 4)).Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	return names[:500]
}

// possible are those of the names that features may have.
func possible(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return envs.CheckFeature(name) != nil })
}

// steers finds what no output of ours may hold but the ends of its lines: what steers a terminal,
// and what can't be seen there, but for what joins the parts of an emoji.
func steers(text string) bool {
	return !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool {
		unseen := unicode.In(r, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point) && r != '\u200d'
		return r != '\n' && (unicode.IsControl(r) || unseen) || r == '\u2028' || r == '\u2029'
	})
}

const someDigest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// TestHostileNamesAreRefusedOrMadeHarmless has 500 names go into all that is made of a name.
func TestHostileNamesAreRefusedOrMadeHarmless(t *testing.T) {
	var (
		tagValue = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]{1,255}$`)
		imageTag = regexp.MustCompile(`^[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,127}$`)
		label    = regexp.MustCompile(`^[a-z0-9-]{1,100}$`)
		key      = regexp.MustCompile(`^beansprout/bundles/[a-z0-9-]+\.zip$`)
	)
	names := hostileNames()
	taken := map[string]string{}
	for _, feature := range possible(names) {
		name := envs.Name("123456789012", "shop", feature)
		if other, ok := taken[name]; ok {
			t.Errorf("%q and %q are both %s", feature, other, name)
		}
		taken[name] = feature
		e := envs.Env{Name: name, Application: "shop", CNAME: name + ".x"}

		tags := envs.NewTags(feature, feature, time.Now())
		for k, v := range tags {
			if !tagValue.MatchString(v) || !tagValue.MatchString(k) || strings.TrimSpace(v) != v {
				t.Errorf("%q: tag %q=%q", feature, k, v)
			}
		}
		if back, err := envs.Verify("123456789012", e, tags); err != nil || back.Feature != feature || back.Owner != feature {
			t.Errorf("%q is read from its tags as %q of %q, %v", feature, back.Feature, back.Owner, err)
		}
		e.Description = envs.Description{Feature: feature, Commit: strings.Repeat("a", 40), Owner: "Kim"}.String()
		back, ok := envs.Recognize("123456789012", e)
		if utf8.RuneCountInString(e.Description) > 200 || strings.ContainsFunc(e.Description, unicode.IsControl) || ok && (back.Feature != feature) {
			t.Errorf("%q is described as %q and read as %q", feature, e.Description, back.Feature)
		}
		version := envs.VersionLabel(name, someDigest[7:])
		if !label.MatchString(version) || !envs.IsVersionOf(version, name) || !key.MatchString(store.BundleKey(version, "zip")) {
			t.Errorf("%q: version %q, bundle %q", feature, version, store.BundleKey(version, "zip"))
		}
		if tag := envs.LiveTag("us-gov-west-1", name, strings.Repeat("w-", 100), someDigest); !imageTag.MatchString(tag) || !envs.IsLiveTagOf(tag, "us-gov-west-1", name) {
			t.Errorf("%q: image tag %q", feature, tag)
		}
	}
	t.Logf("%d names, %d of them possible", len(names), len(taken))
}

func TestHostileNamesDoNotBreakOutOfATemplate(t *testing.T) {
	template, err := dockerrun.Parse("template", []byte(`{"AWSEBDockerrunVersion": 2, "containerDefinitions": [{"name": "web", "image": "web", "memory": 64,
		"portMappings": [{"hostPort": 80, "containerPort": 80}], "environment": [{"name": "A", "value": "${feature}"}, {"name": "B", "value": "<${feature}>"}]}]}`))
	must.Succeed(t, err)
	for _, feature := range possible(hostileNames()) {
		text, err := template.Expand(dockerrun.Values{Feature: feature, Env: func(string) (string, bool) { return "", false }})
		if err != nil {
			t.Errorf("%q: %v", feature, err)
			continue
		}
		var got struct {
			ContainerDefinitions []struct{ Environment []struct{ Value string } }
		}
		if err := json.Unmarshal(text, &got); err != nil || got.ContainerDefinitions[0].Environment[0].Value != feature || got.ContainerDefinitions[0].Environment[1].Value != "<"+feature+">" {
			t.Errorf("%q becomes %q, %v", feature, text, err)
		}
	}
}

// TestHostileNamesSteerNoTerminal shows 500 names in all the ways in which we print.
func TestHostileNamesSteerNoTerminal(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, name := range hostileNames() {
		var told bytes.Buffer
		progress := terminal.NewProgress(&told, nil)
		progress.Say("building %s", name)
		step := progress.Step("deploy " + name)
		step.Log(name)
		step.Fail(errors.New(name))
		if steers(told.String()) {
			t.Errorf("%q is told as %q", name, told.String())
		}
		e := envs.Env{Name: "shop", Feature: name, Owner: name, Commit: name, Health: name, Version: name, CNAME: name}
		v := state{view: newView(envs.Environment{Env: e, Expires: now}), Outcome: &ending{Reason: name}, Lease: &holding{Verb: name, By: name}}
		var b bytes.Buffer
		err := errors.Join(
			terminal.PrintTable(&b, listTable(envs.Listing{Environments: []envs.Environment{{Env: e}}, Now: now}, false)), printStatus(&b, v, name, now), printLog(&b, name),
			sweeping.PrintReceipt(&b, envs.Receipt{Removed: []string{name}, Retained: []envs.Retained{{Item: name, Reason: name}}}, false), terminal.PrintJSON(&b, v), terminal.PrintJSONLine(&b, v))
		b.WriteString(failure.Render(failure.WithHint(fmt.Errorf("feature %q: %s", name, name), "%s", name)))
		if err != nil || steers(b.String()) {
			t.Errorf("%q is printed as %q, %v", name, b.String(), err)
		}
	}
}

func TestHostileNamesSayWhatTheyAreInJSON(t *testing.T) {
	for _, name := range possible(hostileNames()) {
		var b bytes.Buffer
		must.Succeed(t, terminal.PrintJSON(&b, []view{{Feature: name}}))
		var got []view
		if err := json.Unmarshal(b.Bytes(), &got); err != nil || len(got) != 1 || got[0].Feature != name {
			t.Errorf("%q is read back as %+v, %v", name, got, err)
		}
	}
}

// TestHostileNamesAreWordsToSlack posts 500 names; there is no link, no mention and no date in
// a post without addresses, so no angle bracket may stand in it.
func TestHostileNamesAreWordsToSlack(t *testing.T) {
	server := notifytest.New()
	defer server.Close()
	names := hostileNames()
	for _, name := range names {
		s := notify.New(notifytest.Token, server.URL, "C1", awsconfig.Plain()) // each posts one message a second
		if _, err := s.Announce(t.Context(), notify.Ref{}, notify.Post{State: notify.Ready, Application: name, Feature: name, Owner: name, Commit: name, Reason: name}); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	messages := server.Messages()
	if len(messages) != len(names) {
		t.Fatalf("%d messages for %d names", len(messages), len(names))
	}
	entity := strings.NewReplacer("&amp;", "", "&lt;", "", "&gt;", "")
	for i, m := range messages {
		type text struct{ Type, Text string }
		var blocks []struct {
			Text   text
			Fields []text
		}
		must.Succeed(t, json.Unmarshal(m.Blocks, &blocks))
		texts := []text{{"mrkdwn", m.Text}}
		for _, b := range blocks {
			texts = append(append(texts, b.Text), b.Fields...)
		}
		for _, posted := range texts {
			marked := posted.Type == "mrkdwn" && strings.Count(posted.Text, "`")%2 > 0
			if marked || strings.ContainsAny(entity.Replace(posted.Text), "<>&") || steers(strings.ReplaceAll(posted.Text, "\t", "")) {
				t.Errorf("%q is posted as %q", names[i], posted)
			}
		}
	}
}

// TestHostileNamesReachTheVerbsAsTheyAre names features in both ways on the command line, in
// this process, and a sample of them to the real binary.
func TestHostileNamesReachTheVerbsAsTheyAre(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	p := newPlot(t, localcloud.Config{})
	features := possible(hostileNames())
	step := 24
	if lab.Soak() {
		step = 2
	}
	for i := 0; i < len(features); i += step {
		feature := features[i]
		p.sprout(feature)
		for _, args := range [][]string{{"keep", "--json", "--feature", feature}, {"status", "--json", "--", feature}} {
			var v view
			out := p.run(args...)
			if err := json.Unmarshal([]byte(out.stdout), &v); err != nil || v.Feature != feature || v.Keep == nil || !*v.Keep {
				t.Errorf("%q: %d, %+v, %s", args, out.code, v, out.stderr)
			}
		}
	}
	var listed []view
	if err := json.Unmarshal([]byte(p.ok("list", "--json")), &listed); err != nil || len(listed) != (len(features)+step-1)/step {
		t.Errorf("%d are listed, %v", len(listed), err)
	}
	binary := lab.Build(t)
	for i := 0; i < len(features); i += 8 * step {
		cmd := exec.Command(binary, "--local", "status", "--json", "--config", p.config, "--", features[i])
		cmd.Env = append(cmd.Environ(), "BEANSPROUT_LOCAL_DIR="+p.dir, "GORACE=atexit_sleep_ms=0")
		text, err := cmd.Output()
		var v view
		if err != nil || json.Unmarshal(text, &v) != nil || v.Feature != features[i] {
			t.Errorf("the binary takes %q for %q: %v", features[i], v.Feature, err)
		}
	}
	for _, name := range hostileNames() {
		if envs.CheckFeature(name) == nil || strings.HasPrefix(name, "-") && name != "-" {
			continue
		}
		if out := p.run("status", "--feature", name); out.code != failure.ExitUsage || steers(out.stderr) {
			t.Errorf("%q is refused with %d, %q", name, out.code, out.stderr)
		}
	}
}
