package notify

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/slack-go/slack"
)

var update = flag.Bool("update", false, "write the golden files")

// login is an environment about which everything is known.
func login(s State) Post {
	return Post{
		State: s, Application: "shop", Feature: "feature/login", Commit: "0123456789abcdef0123456789abcdef01234567",
		Owner: "Kim <kim@example.com>", URL: "http://shop-feature-login-abcdefghij.us-east-1.elasticbeanstalk.com",
		BuildURL: "https://ci:secret@ci.example.com/job/shop/12/?a=1&b=2", Expires: time.Date(2025, 6, 6, 12, 30, 0, 0, time.UTC),
	}
}

func TestTextIsAsInTheGoldenFiles(t *testing.T) {
	failed := login(Failed)
	failed.Reason = "the container web exited with code 1\n\n\x1b[31mpanic: no `DATABASE_URL` & no <host>\x1b[0m\r\ngoroutine 1 [running]:\n\tmain.main()\n"
	hostile := login(Ready)
	hostile.Feature = "feature/../../\"; rm -rf $HOME # <!channel> @here *bold* `x` \u202egnp.exe"
	for name, p := range map[string]Post{
		"building": {State: Building, Application: "shop", Feature: "login"},
		"ready":    login(Ready),
		"failed":   failed,
		"removed":  login(Removed),
		"hostile":  hostile,
	} {
		t.Run(name, func(t *testing.T) {
			blocks, fallback := text(p)
			var got bytes.Buffer
			e := json.NewEncoder(&got)
			e.SetEscapeHTML(false)
			e.SetIndent("", "  ")
			if err := e.Encode(map[string]any{"text": fallback, "blocks": blocks}); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join("testdata", name+".golden.json")
			if *update {
				if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got.Bytes(), want) {
				t.Errorf("got\n%s\nwant\n%s", got.Bytes(), want)
			}
		})
	}
}

// hostile holds what people, and what others, put into names.
var hostile = []string{
	"", " ", "login", "기능/로그인", "<!channel>", "<!here|hi>", "<@U012AB3CD>", "<#C0123>", "<!subteam^S1>", "@here", "@channel", "@everyone",
	"<https://evil.example|login>", "https://evil.example/?a=1&b=2", "evil.example", "mailto:a@b.example", "*bold*", "_it_", "~no~", "`code`", "```block```",
	"a`*b*`c", "``", "`", "\n```\n*x*\n```", "> quote", "• list", ":bomb:", "&lt;!channel&gt;", "&amp;lt;", "&", "<", ">", "a|b", "^", "\\", "\"'",
	"line\nbreak", "line\r\nbreak", "\u2028*x*\u2029", "\x00\x07\x1b[31mred\x1b[0m", "\x1b]0;title\x07after", "\x1b]8;;http://evil.example\x1b\\link", "\x1b[", "\x9b31m",
	"\u202egnp.exe", "\u2066x\u2069", "\u200b@\u200bhere", "<\u200b!channel>", "\ufeff", "\U000e0041", "\xff\xfe", "👩‍👩‍👧‍👦", "e\u0301\u0301\u0301",
	"<!date^0^{date}|x>", "http://[::1]:8080/x", "http://a b/", "http://user:pass@host/", "http://user:pass@bad host/", "javascript:alert(1)", "http://host/<!channel>|x", "http://host/?q=\u202e",
	strings.Repeat("&", 5000), strings.Repeat("`", 5000), strings.Repeat("가", 5000), strings.Repeat("😀", 5000), "http://host/" + strings.Repeat("é", 5000),
	strings.Repeat("line\n", 5000), "$HOME \"; rm -rf / #",
}

func TestTextIsHarmlessWhateverTheNamesAre(t *testing.T) {
	for _, s := range hostile {
		for _, state := range []State{Building, Ready, Failed, Removed, "?"} {
			checkHarmless(t, Post{State: state, Application: s, Feature: s, Commit: s, Owner: s, URL: s, BuildURL: s, Reason: s})
			checkHarmless(t, Post{State: state, Feature: "login", URL: "http://host/" + s, BuildURL: "https://ci/?x=" + s, Expires: time.Unix(int64(len(s)), 0)})
		}
	}
}

func FuzzTextIsHarmless(f *testing.F) {
	for _, s := range hostile {
		f.Add(s, s, s, "http://"+s, s+"\n"+s)
	}
	f.Fuzz(func(t *testing.T, feature, commit, owner, address, reason string) {
		checkHarmless(t, Post{State: Failed, Application: owner, Feature: feature, Commit: commit, Owner: owner, URL: address, BuildURL: address, Reason: reason})
	})
}

var (
	blockShape  = regexp.MustCompile("(?s)^```\n[^`]*[^`\\s][^`]*\n```$")
	codeSpan    = regexp.MustCompile("`[^`\n]*[^`\\s][^`\n]*`")
	linkToken   = regexp.MustCompile(`<https?://[!#-;=?-_a-{}~]+(\|open)?>`)
	dateToken   = regexp.MustCompile(`<!date\^-?\d+\^\{date_short_pretty\} \{time\}\|\d{4}-\d\d-\d\d \d\d:\d\d UTC>`)
	fieldRest   = regexp.MustCompile(`^\*(Feature|Application|Commit|By|Until|Build)\*\n$`)
	noticeRest  = regexp.MustCompile(`^(🔨 Building|✅ Ready|❌ Failed|🍂 Removed|Unknown): {0,2}$`)
	loose       = regexp.MustCompile(`&(amp|lt|gt);`)
	headerBegin = regexp.MustCompile(`^(🔨 Building|✅ Ready|❌ Failed|🍂 Removed|Unknown):`)
)

// checkHarmless takes away what Slack reads as a link or a date of ours and as code, and
// wants nothing to be left of p: no markup, no mention, no address.
func checkHarmless(t *testing.T, p Post) {
	t.Helper()
	blocks, fallback := text(p)
	rest := checkText(t, fallback, 4000)
	if !noticeRest.MatchString(rest) {
		t.Errorf("%.300q: the notification has more than code: %q", p, fallback)
	}
	for _, b := range blocks {
		switch b := b.(type) {
		case *slack.HeaderBlock:
			checkText(t, b.Text.Text, maxHeader)
			if b.Text.Type != slack.PlainTextType || strings.ContainsAny(b.Text.Text, "@<>\n") || !headerBegin.MatchString(b.Text.Text) {
				t.Errorf("%q: header %+v", p, b.Text)
			}
		case *slack.SectionBlock:
			if b.Text != nil {
				rest := checkText(t, b.Text.Text, maxText)
				if !b.Text.Verbatim || rest != "" {
					t.Errorf("%.300q: the section has more than code or a link: %q", p, b.Text.Text)
				}
			}
			for _, f := range b.Fields {
				if rest := checkText(t, f.Text, 2000); !f.Verbatim || !fieldRest.MatchString(rest) {
					t.Errorf("%.300q: the field has more than code, a link or a date: %q", p, f.Text)
				}
			}
		default:
			t.Errorf("a block of type %T", b)
		}
	}
}

// checkText checks what holds of all texts, and returns what is left without code, links
// and dates.
func checkText(t *testing.T, s string, limit int) string {
	t.Helper()
	if n := utf8.RuneCountInString(s); n == 0 || n > limit {
		t.Errorf("%d characters, want 1 to %d: %.200q", n, limit, s)
	}
	for _, r := range s {
		if unicode.In(r, unicode.Cc, unicode.Cf) && !strings.ContainsRune("\n\t\u200c\u200d", r) {
			t.Errorf("%U is in %.200q", r, s)
		}
	}
	if !utf8.ValidString(s) {
		t.Errorf("not UTF-8: %.200q", s)
	}
	s = dateToken.ReplaceAllString(linkToken.ReplaceAllString(s, ""), "")
	if strings.ContainsAny(loose.ReplaceAllString(s, ""), "&<>") {
		t.Errorf("unescaped: %.200q", s)
	}
	if blockShape.MatchString(s) {
		return ""
	}
	return codeSpan.ReplaceAllString(s, "")
}

func TestLinkShowsNoPassword(t *testing.T) {
	for _, s := range []string{"https://me:secret@ci.example/1", "https://me:secret@bad host/1", "ftp://me:secret@host", "https://me:secret@x@ci.example"} {
		if got := link(s, "open"); strings.Contains(got, "secret") {
			t.Errorf("%q: got %q", s, got)
		}
	}
}

func TestLinkLinksWebAddressesOnly(t *testing.T) {
	for _, tt := range []struct{ address, label, want string }{
		{"http://login.localhost:8080", "", "<http://login.localhost:8080>"},
		{"http://[::1]:8080/", "", "<http://[::1]:8080/>"},
		{"https://ci.example/a b?c=d&e=<|>#f", "open", "<https://ci.example/a%20b?c=d&amp;e=%3C%7C%3E#f|open>"},
		{"https://ci.example/빌드", "", "<https://ci.example/%EB%B9%8C%EB%93%9C>"},
		{"javascript:alert(1)", "open", "`javascript:alert(1)`"},
		{"//ci.example", "open", "`//ci.example`"},
		{"http://", "", "`http://`"},
		{"http://a%zz", "", "`http://a%zz`"},
	} {
		if got := link(tt.address, tt.label); got != tt.want {
			t.Errorf("link(%q): got %q, want %q", tt.address, got, tt.want)
		}
	}
}

func TestCodeBlockKeepsTheBeginningAndTheEnd(t *testing.T) {
	got := codeBlock("the cause\n"+strings.Repeat("noise <&>\n", 1000)+"the last line", maxText)
	if !strings.HasPrefix(got, "```\nthe cause\n") || !strings.HasSuffix(got, "\nthe last line\n```") {
		t.Errorf("got %q", got)
	}
	if n := utf8.RuneCountInString(got); n > maxText || n < maxText*9/10 {
		t.Errorf("%d characters, want up to %d and not much less", n, maxText)
	}
}

func TestCommitIsShortenedOnlyWhenItIsAHash(t *testing.T) {
	for commit, want := range map[string]string{
		"0123456789abcdef0123456789abcdef01234567": "0123456", "0123456": "0123456", "v1.2.3-rc1": "v1.2.3-rc1", "0123456-dirty": "0123456-dirty", "": "",
	} {
		if got := short(commit); got != want {
			t.Errorf("short(%q) = %q, want %q", commit, got, want)
		}
	}
}
