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
		State: s, Environment: "us-east-1/shop-feature-login-abcdefghij", Application: "shop", Feature: "feature/login",
		Account: "123456789012", Region: "us-east-1", Name: "shop-feature-login-abcdefghij", ID: "e-abcdefghij",
		Commit: "0123456789abcdef0123456789abcdef01234567", Subject: "Log in with <SSO> & a *key*",
		Owner: "Kim <kim@example.com>", Email: "kim@example.com",
		URL:      "http://shop-feature-login-abcdefghij.us-east-1.elasticbeanstalk.com",
		BuildURL: "https://ci:secret@ci.example.com/job/shop/12/?a=1&b=2", Expires: time.Date(2025, 6, 6, 12, 30, 0, 0, time.UTC),
	}
}

// with changes a post.
func with(p Post, change func(*Post)) Post {
	change(&p)
	return p
}

func TestTextMatchesTheGoldenFiles(t *testing.T) {
	s := New("xoxb-golden", "http://127.0.0.1:1", "#qa", nil)
	s.random = func() string { return "TOKEN" }
	s.people.note("kim@example.com", person{"U012KIM", time.Now().Add(time.Hour)})
	for name, p := range map[string]Post{
		"building":   {State: Building, Application: "shop", Feature: "login"},
		"rebuilding": with(login(Building), func(p *Post) { p.Buttons = true }),
		"ready":      login(Ready),
		"mended": with(login(Ready), func(p *Post) {
			p.Mended, p.Buttons, p.Protected, p.Note = true, true, "kim: the customer looks at it", "protected by Kim"
		}),
		"failed": with(login(Failed), func(p *Post) {
			p.Reason = "the container web exited with code 1\n\n\x1b[31mpanic: no `DATABASE_URL` & no <host>\x1b[0m\r\ngoroutine 1 [running]:\n\tmain.main()\n"
		}),
		"expiring": with(login(Expiring), func(p *Post) { p.Buttons = true }),
		"removed": with(login(Removed), func(p *Post) {
			p.Reason, p.Buttons, p.Restorable = "its 5 days are over", true, p.Expires.AddDate(0, 0, 3)
		}),
		"hostile": with(login(Ready), func(p *Post) {
			p.Feature = "feature/../../\"; rm -rf $HOME # <!channel> @here *bold* `x` \u202egnp.exe"
		}),
		"moved": {State: moved},
	} {
		t.Run(name, func(t *testing.T) {
			all := map[string]any{"message": golden(living(p, s.actions(p)))}
			if p.State == moved {
				all["message"] = golden(movedTo(login(Ready), "#ops"))
			}
			if replies(p) {
				all["reply"] = golden(s.reply(t.Context(), p))
			}
			matchGolden(t, name, all)
		})
	}
}

func TestOnlyNewsAreReplies(t *testing.T) {
	mended := with(login(Ready), func(p *Post) { p.Mended = true })
	for _, tt := range []struct {
		post Post
		want bool
		note bool // the same with a note
	}{
		{login(Building), false, false}, {login(Ready), false, false}, {mended, true, true},
		{login(Failed), true, false}, {login(Expiring), true, false}, {login(Removed), true, false}, {login(moved), false, false},
	} {
		noted := with(tt.post, func(p *Post) { p.Note = "extended by 3d by kim" })
		if got, note := replies(tt.post), replies(noted); got != tt.want || note != tt.note {
			t.Errorf("%s: a reply %v, with a note %v", tt.post.State, got, note)
		}
	}
}

func golden(m message) any { return map[string]any{"text": m.line, "blocks": m.blocks} }

// matchGolden compares a value with the golden file of a name.
func matchGolden(t *testing.T, name string, value any) {
	t.Helper()
	var got bytes.Buffer
	e := json.NewEncoder(&got)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(value); err != nil {
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
		states := []State{Building, Ready, Failed, Expiring, Removed, moved, "?"}
		if len(s) > 1000 {
			states = []State{Ready, Failed, Expiring}
		}
		for _, state := range states {
			checkHarmless(t, Post{State: state, Application: s, Feature: s, Commit: s, Owner: s, URL: s, BuildURL: s, Reason: s, Subject: s, Note: s, Protected: s, Email: s})
			checkHarmless(t, Post{State: state, Feature: "login", URL: "http://host/" + s, BuildURL: "https://ci/?x=" + s, Expires: time.Unix(int64(len(s)), 0), Restorable: time.Unix(1, 0), Mended: true})
		}
		for _, state := range []State{Expiring, Removed} {
			checkHarmless(t, Post{State: state, Account: s, Region: s, Application: s, Name: s, ID: s, Feature: s, Buttons: true, Restorable: time.Unix(1, 0)})
		}
	}
}

func FuzzTextIsHarmless(f *testing.F) {
	for _, s := range hostile {
		f.Add(s, s, s, "http://"+s, s+"\n"+s)
	}
	f.Fuzz(func(t *testing.T, feature, commit, owner, address, reason string) {
		for _, state := range []State{Failed, Expiring, Removed} {
			checkHarmless(t, Post{
				State: state, Account: owner, Region: commit, Application: owner, Name: feature, ID: commit, Feature: feature, Commit: commit, Subject: reason,
				Owner: owner, URL: address, BuildURL: address, Reason: reason, Note: reason, Buttons: true, Restorable: time.Unix(1, 0),
			})
		}
	})
}

// What checkText puts where code, a link or a date was.
const (
	isCode = "\x01"
	isLink = "\x02"
	isDate = "\x03"
)

var (
	blockShape = regexp.MustCompile("(?s)^```\n[^`]*[^`\\s][^`]*\n```$")
	codeSpan   = regexp.MustCompile("`[^`\n]*[^`\\s][^`\n]*`")
	linkToken  = regexp.MustCompile(`<https?://[!#-;=?-_a-{}~]+(\|open)?>`)
	dateToken  = regexp.MustCompile(`<!date\^-?\d+\^\{date_short_pretty\} \{time\}\|\d{4}-\d\d-\d\d \d\d:\d\d UTC>`)
	loose      = regexp.MustCompile(`&(amp|lt|gt);`)

	titles  = `(🔨 Building|✅ Ready|❌ Failed|⏳ Expiring|🍂 Removed|➡️ Moved|Unknown): `
	phrases = "([\x01\x02]|It will be removed (\x03|soon)\\. Extend or protect it if you still need it\\.|Until the new version is ready, the earlier one serves there\\.|" +
		"The last deploy failed, see below\\. What ran before may still serve\\.|It can be restored until \x03\\.|❌ The deploy of \x01 failed\\.|✅ \x01 works again\\.|⏳ \x01:|🍂 \x01 was removed\\.)"
	lineRest    = regexp.MustCompile("^(" + titles + "\x01)?([ \n]?" + phrases + ")*$")
	fieldRest   = regexp.MustCompile("^\\*(Feature|Application|Commit|By|Until|Protected|Build)\\*\n[\x01\x02\x03]( \x01)?$")
	contextRest = regexp.MustCompile("^Last: \x01$")
	headerBegin = regexp.MustCompile("^" + strings.TrimSpace(titles))
)

// checkHarmless takes away what Slack reads as a link or a date of ours and as code, and
// wants nothing to be left of p: no markup, no mention, no address.
func checkHarmless(t *testing.T, p Post) {
	t.Helper()
	s := New("xoxb-test", "http://127.0.0.1:1", "#qa", nil)
	s.people.pause(time.Now().Add(time.Hour))
	all := []message{living(p, s.actions(p))}
	if replies(p) {
		all = append(all, s.reply(t.Context(), p))
	}
	for _, m := range all {
		if rest := checkText(t, m.line, 4000); !lineRest.MatchString(rest) {
			t.Errorf("%.300q: the notification has more than code: %q", p.Feature, m.line)
		}
		for _, b := range m.blocks {
			checkBlock(t, b)
		}
	}
}

func checkBlock(t *testing.T, b slack.Block) {
	t.Helper()
	switch b := b.(type) {
	case *slack.HeaderBlock:
		checkPlain(t, b.Text, maxHeader)
		if !headerBegin.MatchString(b.Text.Text) {
			t.Errorf("header %+v", b.Text)
		}
	case *slack.SectionBlock:
		if b.Text != nil {
			rest := checkText(t, b.Text.Text, maxText)
			if !b.Text.Verbatim || !lineRest.MatchString(rest) {
				t.Errorf("the section has more than code or a link: %q", b.Text.Text)
			}
		}
		for _, f := range b.Fields {
			if rest := checkText(t, f.Text, 2000); !f.Verbatim || !fieldRest.MatchString(rest) {
				t.Errorf("the field has more than code, a link or a date: %q", f.Text)
			}
		}
	case *slack.ContextBlock:
		text := b.ContextElements.Elements[0].(*slack.TextBlockObject)
		if rest := checkText(t, text.Text, maxText); !text.Verbatim || !contextRest.MatchString(rest) {
			t.Errorf("the context has more than code: %q", text.Text)
		}
	case *slack.ActionBlock:
		for _, e := range b.Elements.ElementSet {
			checkButton(t, e.(*slack.ButtonBlockElement))
		}
	default:
		t.Errorf("a block of type %T", b)
	}
}

func checkButton(t *testing.T, b *slack.ButtonBlockElement) {
	t.Helper()
	checkPlain(t, b.Text, maxLabel)
	if len(b.Value) > maxButtonValue {
		t.Errorf("a value of %d characters", len(b.Value))
	}
	if c := b.Confirm; c != nil {
		checkPlain(t, c.Title, maxConfirmTitle)
		checkPlain(t, c.Text, maxConfirmText)
		checkPlain(t, c.Confirm, maxConfirmButton)
		checkPlain(t, c.Deny, maxConfirmButton)
	}
}

// checkPlain checks a text in which Slack reads no markup, but may read a mention.
func checkPlain(t *testing.T, text *slack.TextBlockObject, limit int) {
	t.Helper()
	checkText(t, text.Text, limit)
	if text.Type != slack.PlainTextType || strings.ContainsAny(text.Text, "@<>\n") {
		t.Errorf("plain text %+v", text)
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
	s = dateToken.ReplaceAllString(linkToken.ReplaceAllString(s, isLink), isDate)
	if strings.ContainsAny(loose.ReplaceAllString(s, ""), "&<>") {
		t.Errorf("unescaped: %.200q", s)
	}
	if blockShape.MatchString(s) {
		return isCode
	}
	return codeSpan.ReplaceAllString(s, isCode)
}

func TestLinkShowsNoPassword(t *testing.T) {
	for _, s := range []string{"https://me:secret@ci.example/1", "https://me:secret@bad host/1", "ftp://me:secret@host", "https://me:secret@x@ci.example"} {
		if got := link(s, "open"); strings.Contains(got, "secret") {
			t.Errorf("%q: got %q", s, got)
		}
	}
}

func TestOnlyWebAddressesBecomeLinks(t *testing.T) {
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
