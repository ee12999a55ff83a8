package pullrequest

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"beansprout/envs"
)

// hostile are values that do something in a comment where they are read as Markdown.
var hostile = []string{
	"@kim", "@acme/team", "fixes #1", "closes acme/shop#1", "GH-12", "resolves https://github.com/acme/shop/issues/1", "!12", "$3", "%4", "~bug", "&5",
	"/close", "\n/close", "x\n/approve\n/label ~bug", "-->", "<!-- beansprout: x -->", "--><script>alert(1)</script>", "<img src=x>", "</details>", "<details>",
	"![x](https://evil.example/x.png)", "[click](https://evil.example)", "<https://evil.example>", "https://evil.example", "www.evil.example", "kim@evil.example",
	"`@kim`", "``@kim``", "`", "``", "```\n@kim\n```", "` @kim", "@kim `", "```", "~~~\n@kim", "a|b|c\n|-|-|-|", "# heading", "- [ ] task", "1. one", "> quote",
	"**bold**", "_it_", "***", "---", "===\n@kim", "\\`@kim", "&#64;kim", "&lt;b&gt;", "$`x`$", ":tada:", "[[x]]", "[^1]", "\u202e@kim", "\x1b[31m@kim", "\x00@kim", "@\u200bkim",
	strings.Repeat("`", 50) + "@kim", strings.Repeat("a", 5000), strings.Repeat("`a", 500), "\r\n@kim", "\u2028@kim", "\u0085@kim", "  ", "\t@kim", "    @kim", "0123456789abcdef0123456789abcdef01234567",
}

// fences matches the lines that begin and end a block of code; a line of three spaces at most before it.
var fence = regexp.MustCompile("^ {0,3}(`{3,})[^`]*$")

// skeleton returns what of a Markdown text is not code, by the rules of CommonMark: a block of code lasts from
// a fence to one that is as long and has nothing behind it, and code in a line from backticks to as many.
func skeleton(text string) string {
	var out []string
	open := ""
	for line := range strings.SplitSeq(text, "\n") {
		m := fence.FindStringSubmatch(line)
		switch {
		case open != "" && m != nil && len(m[1]) >= len(open) && strings.TrimRight(strings.TrimLeft(line, " "), " `") == "":
			open = ""
			out = append(out, "BLOCK")
		case open != "":
		case m != nil:
			open = m[1]
		default:
			out = append(out, withoutCode(line))
		}
	}
	if open != "" {
		return "a block of code has no end"
	}
	return strings.Join(out, "\n")
}

var backticks = regexp.MustCompile("`+")

// withoutCode writes CODE for the code in a line.
func withoutCode(line string) string {
	var b strings.Builder
	for {
		at := backticks.FindStringIndex(line)
		if at == nil {
			return b.String() + line
		}
		ticks, rest := line[at[0]:at[1]], line[at[1]:]
		end := -1
		for _, close := range backticks.FindAllStringIndex(rest, -1) {
			if close[1]-close[0] == len(ticks) {
				end = close[1]
				break
			}
		}
		b.WriteString(line[:at[0]])
		if end < 0 {
			b.WriteString(ticks)
			line = rest
			continue
		}
		b.WriteString("CODE")
		line = rest[end:]
	}
}

// told are all states of news whose texts are these.
func told(s string) (all []envs.News) {
	for _, state := range []envs.NewsState{envs.NewsBuilding, envs.NewsReady, envs.NewsFailed, envs.NewsExpiring, envs.NewsRemoved} {
		n := ready()
		n.State, n.Feature, n.Application, n.Commit, n.Subject, n.Owner, n.Protected, n.Note, n.Reason = state, s, s, s, s, s, s, s, s+"\n"+s+"\nthe end"
		n.Restorable = n.Expires
		all = append(all, n)
	}
	return all
}

// commands are hints of which each is the feature alone.
var commands = Hints{Extend: func(f string) string { return f }, Remove: func(f string) string { return f }, Restore: func(f string) string { return f }}

// What others have written is code, whatever it is: what is not code is the same for all texts.
func TestNothingThatOthersWroteIsMarkup(t *testing.T) {
	harmless := told("x")
	for _, s := range hostile {
		for i, n := range told(s) {
			want := skeleton(Text(harmless[i], commands))
			if strings.TrimSpace(s) == "" { // nothing is said of it
				continue
			}
			text := Text(n, commands)
			if got := skeleton(text); !sameBut(got, want) {
				t.Errorf("%s of %q:\n%s\n\nnot code:\n%s\n\nwant:\n%s", n.State, s, text, got, want)
			}
			for line := range strings.SplitSeq(text, "\n") {
				if strings.HasPrefix(line, "/") {
					t.Errorf("%s of %q: a line begins with a command: %s", n.State, s, line)
				}
			}
		}
	}
}

// sameBut reports whether two skeletons are the same, but for a value that shows nothing where its first line
// is empty: that leaves out the sentence.
func sameBut(got, want string) bool {
	return got == want || strings.Contains(want, "Why: CODE\n") && got == strings.Replace(want, "Why: CODE\n\n<details><summary>More</summary>\n\nBLOCK\n\n</details>\n\n", "", 1)
}

// No address that a CI or AWS names leads to markup or credentials.
func TestAddressesAreLinksOrCode(t *testing.T) {
	for address, want := range map[string]string{
		"http://shop-login.example.com":           "<http://shop-login.example.com>",
		"https://ci/job/x%2Fy/7?a=b&c=d#e":        "<https://ci/job/x%2Fy/7?a=b&c=d#e>",
		"http://[::1]:8080/x":                     "<http://[::1]:8080/x>",
		"https://ci/@kim/x y":                     "<https://ci/%40kim/x%20y>",
		"https://ci/)>[x](y":                      "<https://ci/%29%3E%5Bx%5D%28y>",
		"https://ci/<b>`x`":                       "<https://ci/%3Cb%3E%60x%60>",
		"javascript:alert(1)":                     "`javascript:alert(1)`",
		"https://kim:secret@ci/":                  "`https://kim:secret@ci/`",
		"https://":                                "`https://`",
		"https://evil<b>.example":                 "`https://evil<b>.example`",
		"https://ci/\n/close":                     "`https://ci/ /close`",
		"https://ci/" + strings.Repeat("x", 3000): "`https://ci/" + strings.Repeat("x", maxValue-len("https://ci/")-1) + "…`",
		"not an address":                          "`not an address`",
		"https://ci/\xff":                         "`https://ci/`",
	} {
		got := link(address, "")
		if strings.HasPrefix(want, "<") {
			got = strings.ReplaceAll(strings.ReplaceAll(got, "(", "%28"), ")", "%29")
		}
		if got != want {
			t.Errorf("%q: %s, want %s", address, got, want)
		}
	}
}

func TestTheCommentSaysWhatAReaderShouldKnow(t *testing.T) {
	hints := Hints{
		Extend: func(f string) string { return "beansprout extend " + f + " --by 3d" }, Remove: func(f string) string { return "beansprout down " + f },
		Restore: func(f string) string { return "beansprout restore " + f },
	}
	about := "Feature `login` of `shop`, commit `0123456789ab` `Add a login`, by `Kim`. [Build](<https://ci/7>).\n\n"
	until, ways := "It will be removed after 2026-12-02 16:02 UTC.\n", "To keep it longer: `beansprout extend login --by 3d`\nTo remove it now: `beansprout down login`\n"
	for name, c := range map[string]struct {
		change func(*envs.News)
		want   string
	}{
		"ready": {func(*envs.News) {}, "✅ **Ready**: <http://shop-login-abc.example.com>\n\n" + about + until + ways},
		"first": {func(n *envs.News) { n.State, n.URL, n.Expires = envs.NewsBuilding, "", time.Time{} }, "🔨 **Building** the environment of this branch.\n\n" + about},
		"building": {func(n *envs.News) { n.State = envs.NewsBuilding },
			"🔨 **Building** a new version. Until it is ready, the earlier one serves at <http://shop-login-abc.example.com>\n\n" + about + until + ways},
		"failed": {func(n *envs.News) { n.State, n.Reason = envs.NewsFailed, "no health\nline 1\nline 2" },
			"❌ **Failed**: the last deploy. What ran before may still serve at <http://shop-login-abc.example.com>\n\n" + about +
				"Why: `no health`\n\n<details><summary>More</summary>\n\n```text\n  line 1\n  line 2\n```\n\n</details>\n\n" + until + ways},
		"failed before it lived": {func(n *envs.News) { n.State, n.URL, n.Expires, n.Reason = envs.NewsFailed, "", time.Time{}, "no quota" },
			"❌ **Failed**: the last deploy.\n\n" + about + "Why: `no quota`\n\n" + ways},
		"protected": {func(n *envs.News) { n.Protected, n.Note = "lee keeps it", "protected by lee" },
			"✅ **Ready**: <http://shop-login-abc.example.com>\n\n" + about + "It stays: `lee keeps it`.\nTo remove it now: `beansprout down login`\n\nLast: `protected by lee`\n"},
		"expiring": {func(n *envs.News) { n.State = envs.NewsExpiring },
			"⏳ **Expiring**: it will be removed after 2026-12-02 16:02 UTC. <http://shop-login-abc.example.com>\n\n" + about + ways},
		"removed": {func(n *envs.News) {
			n.State, n.Reason, n.URL, n.Restorable, n.Expires = envs.NewsRemoved, "its days were over", "", n.Expires, time.Time{}
		}, "🍂 **Removed**\n\n" + about + "Why: `its days were over`\n\nIt can be restored until 2026-12-02 16:02 UTC.\nTo restore it: `beansprout restore login`\n"},
		"removed for good": {func(n *envs.News) { n.State, n.Note = envs.NewsRemoved, "it can no longer be restored" },
			"🍂 **Removed**\n\n" + about + "Last: `it can no longer be restored`\n"},
		"little is known": {func(n *envs.News) {
			*n = envs.News{State: envs.NewsReady, Environment: n.Environment, Feature: "login"}
		},
			"✅ **Ready**\n\nFeature `login`.\n\n" + ways},
	} {
		n := ready()
		c.change(&n)
		if got := Text(n, hints); got != "<!-- beansprout: eu-west-1/shop-login-abc -->\n\n"+strings.TrimRight(c.want, "\n")+"\n" {
			t.Errorf("%s:\n%s\nwant:\n%s", name, got, c.want)
		}
	}
}

// GitHub takes 65,536 characters.
func TestACommentIsNeverTooLong(t *testing.T) {
	for _, s := range []string{strings.Repeat("`", 30_000), strings.Repeat("x\n", 30_000), strings.Repeat("語", 30_000)} {
		n := told(strings.Repeat("`x", 1000))[2]
		n.Reason = "why\n" + s + "\nthe end"
		if text := Text(n, commands); len([]rune(text)) > 65_000 || !strings.Contains(text, "the end") {
			t.Errorf("%d characters of %.3s", len([]rune(text)), s)
		}
	}
}

func FuzzText(f *testing.F) {
	for _, s := range hostile {
		f.Add(s)
	}
	want := fmt.Sprint(skeleton(Text(told("x")[1], commands)))
	f.Fuzz(func(t *testing.T, s string) {
		n := told(s)[1]
		if code(s) == "–" {
			return
		}
		if got := skeleton(Text(n, commands)); got != want {
			t.Errorf("%q:\n%s", s, got)
		}
	})
}
