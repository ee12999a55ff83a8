package visible

import (
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestInvisibleCharactersAreWrittenAsEscapes(t *testing.T) {
	for s, want := range map[string]string{
		"login": "login", "로그인": "로그인", "\u1105\u1169": "\u1105\u1169", "e\u0301": "e\u0301", "": "", "a\xffb": "a\xffb",
		"log\u200bin": `log\u200bin`, "log\u200cin": `log\u200cin`, "log\u200din": `log\u200din`, "\u2060": `\u2060`, "\ufefflogin": `\ufefflogin`, "log\u00adin": `log\u00adin`,
		"\U000e006cogin": `\U000e006cogin`, "\U000e0001": `\U000e0001`, "\u202egnp.exe": `\u202egnp.exe`, "\u2066\u2069": `\u2066\u2069`, "\u200e\u200f\u061c": `\u200e\u200f\u061c`,
		"\u3164": `\u3164`, "\u115f\u1160": `\u115f\u1160`, "\uffa0": `\uffa0`, "a\u034fb": `a\u034fb`, "\u17b4": `\u17b4`, "\u180e": `\u180e`, "\u2065": `\u2065`, "\U0001d173": `\U0001d173`,
		"login\ufe0f": `login\ufe0f`, "v1\ufe0f": `v1\ufe0f`, "login\U000e0100": `login\U000e0100`, "로\u200d그": `로\u200d그`,
		"👩\u200d👩\u200d👧": "👩\u200d👩\u200d👧", "👩🏽\u200d🚒": "👩🏽\u200d🚒", "❤\ufe0f\u200d🔥": "❤\ufe0f\u200d🔥", "1\ufe0f\u20e3": "1\ufe0f\u20e3", "☎\ufe0e": "☎\ufe0e",
		"می\u200cخواهم": "می\u200cخواهم", "क\u094d\u200dष": "क\u094d\u200dष", "\u06dd١": "\u06dd١",
		"😀\u200d": `😀\u200d`, "می\u200clogin": `می\u200clogin`,
	} {
		if got := Text(s); got != want {
			t.Errorf("Text(%q) = %q, want %q", s, got, want)
		}
	}
}

func FuzzText(f *testing.F) {
	f.Add("log\u200bin\xff👩\u200d👩")
	f.Fuzz(func(t *testing.T, s string) {
		got := Text(s)
		if utf8.ValidString(s) != utf8.ValidString(got) {
			t.Errorf("Text(%q) = %q", s, got)
		}
		for _, r := range got {
			if unicode.Is(unicode.Bidi_Control, r) || 0xe0000 <= r && r <= 0xe0fff || r == '\u200b' || r == '\u00ad' || r == '\ufeff' {
				t.Errorf("Text(%q) = %q has %U", s, got, r)
			}
		}
	})
}
