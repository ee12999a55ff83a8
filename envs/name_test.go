package envs

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var legalName = regexp.MustCompile(`^[a-z0-9](-?[a-z0-9])+$`)

func TestNameIsForPeopleToReadAndHashed(t *testing.T) {
	for _, tt := range []struct{ application, feature, want string }{
		{"shop", "login", "shop-login-"},
		{"shop", "feature/login", "shop-feature-login-"},
		{"shop", "Feature_LOGIN!", "shop-feature-login-"},
		{"shop", "feature/로그인", "shop-feature-rogeuin-"},
		{"쇼핑", "로그인", "syoping-rogeuin-"},
		{"shop", "😀", "shop-"},
		{"a-very-long-application", "x", "a-very-long-x-"},
		{"shop", strings.Repeat("long-", 60), "shop-long-long-long-long-long-"},
		{"shop", "-", "shop-"},
	} {
		got := Name("123456789012", tt.application, tt.feature)
		if slug := got[:len(got)-hashLen]; slug != tt.want {
			t.Errorf("Name(%q, %q) = %q, want it to begin with %q", tt.application, tt.feature, got, tt.want)
		}
	}
}

func TestNameIsStable(t *testing.T) {
	// A change here renames every living environment.
	const want = "shop-login-g5645ozr7a"
	if got := Name("123456789012", "shop", "login"); got != want {
		t.Errorf("Name = %q, want %q", got, want)
	}
}

// TestScriptsOfTheWorldAreSpelt has the slugs of 24 characters, cut at a syllable's end.
func TestScriptsOfTheWorldAreSpelt(t *testing.T) {
	for s, want := range map[string]string{
		"feature/로그인": "feature-rogeuin", "feature/\u1105\u1169\u1100\u1173\u110b\u1175\u11ab": "feature-rogeuin", // as macOS writes it
		"결제-값": "gyeolje-gabs", "feature/결제화면개선작업": "feature-gyeoljehwamyeon",
		"ログイン": "roguin", "メール": "meru", "東京/日本語": "dong-jing-ri-ben-yu", "北京市朝阳区北京": "bei-jing-shi-zhao-yang",
		"Привет/объект": "privet-obekt", strings.Repeat("щ", 20): "shchshchshchshchshchshch", "аб" + strings.Repeat("щ", 20): "abshchshchshchshchshch",
		"café": "cafe", "cafe\u0301": "cafe", "naïve-Straße": "naive-strasse", "a😀b": "a-b", "½": "1-2", "１２Ａ": "12a", "": "", "—": "", "x\u200by": "x-y",
	} {
		if got := Transliterate(s, 24); got != want {
			t.Errorf("Transliterate(%q) = %q, want %q", s, got, want)
		}
	}
}

// TestNamesInASCIIAreAsTheyWere compares both ways in which slugs were ever made.
func TestNamesInASCIIAreAsTheyWere(t *testing.T) {
	for i := range 20_000 {
		feature := strings.Map(func(r rune) rune { return r * 7 % 128 }, strconv.Itoa(i*i)) + strings.Repeat("-a/B_", i%9)
		if name, former := Name("1", "Shop "+feature, feature), FormerName("1", "Shop "+feature, feature); name != former {
			t.Fatalf("%q was %s, and is %s", feature, former, name)
		}
	}
	for _, feature := range []string{"로그인", "caf\u00e9"} {
		name, former := Name("1", "shop", feature), FormerName("1", "shop", feature)
		if name == former || name[len(name)-hashLen:] != former[len(former)-hashLen:] {
			t.Errorf("%q was %s, and is %s", feature, former, name)
		}
		if !IsName(name, "1", "shop", feature) || !IsName(former, "1", "shop", feature) || IsName(former, "1", "shop", feature+"x") || IsName("shop-x-"+name[len(name)-hashLen:], "1", "shop", feature) {
			t.Errorf("whose %s and %s are is not known", name, former)
		}
	}
}

func TestNamesNeverMeet(t *testing.T) {
	long := strings.Repeat("x", 300)
	all := map[string][3]string{}
	for _, id := range [][3]string{
		{"1", "shop", "feature/a"}, {"1", "shop", "feature-a"}, {"2", "shop", "feature/a"}, {"1", "sho", "pfeature/a"},
		{"1", "shop", long}, {"1", "shop", long + "y"}, {"1", "shop", "a"}, {"1s", "hop", "a"}, {"1", "shop", "로그인"}, {"1", "shop", "로그아웃"},
	} {
		name := Name(id[0], id[1], id[2])
		if other, ok := all[name]; ok {
			t.Errorf("%q and %q are both %s", other, id, name)
		}
		all[name] = id
	}
}

// TestAMillionFeaturesHaveAMillionNames names what a million branches could be called, most of
// them to look like others.
func TestAMillionFeaturesHaveAMillionNames(t *testing.T) {
	t.Parallel()
	many := 1_000_000
	if testing.Short() {
		many = 20_000
	}
	long := strings.Repeat("very-long-", 30)
	shapes := []func(n string) string{
		func(n string) string { return "feature/" + n },
		func(n string) string { return "feature-" + n },
		func(n string) string { return "Feature_" + n },
		func(n string) string { return long + n },
		func(n string) string { return "로그인-" + n },
		func(n string) string { return "caf\u00e9" + n },
		func(n string) string { return "cafe\u0301" + n },
		func(n string) string { return n + "\x00\x1b[31m" },
		func(n string) string { return "\xff" + n + "\xfe" },
		func(n string) string { return "../../" + n + "\"; rm -rf $HOME #" },
		func(n string) string { return "${image." + n + "}" },
		func(n string) string { return "\u202e" + n },
		func(n string) string { return strings.Repeat("-", len(n)) + n },
		func(n string) string { return " " + n + " " },
		func(n string) string { return "<!channel|" + n + ">" },
		func(n string) string { return strings.Map(func(r rune) rune { return r - '0' + '가' }, n) },
	}
	names := make(map[string]struct{}, many)
	for i := range many {
		feature := shapes[i%len(shapes)](strconv.Itoa(i / len(shapes)))
		name := Name("123456789012", "shop", feature)
		if !legal(name) {
			t.Fatalf("the name of %q is %q", feature, name)
		}
		if _, taken := names[name]; taken {
			t.Fatalf("%q has the name of another: %s", feature, name)
		}
		names[name] = struct{}{}
	}
	t.Logf("%d features, %d names", many, len(names))
}

// legal is legalName and the limits, quickly.
func legal(name string) bool {
	for i := range len(name) {
		c := name[i]
		hyphen := c == '-' && i > 0 && i < len(name)-1 && name[i-1] != '-'
		if !hyphen && (c < 'a' || 'z' < c) && (c < '0' || '9' < c) {
			return false
		}
	}
	return 4 <= len(name) && len(name) <= maxName
}

func FuzzNameIsLegal(f *testing.F) {
	f.Add("shop", "feature/../../\"; rm -rf $HOME #")
	f.Add("", "")
	f.Add("--", "\x00\xff")
	f.Add("a-b-c-d-e-f-g-h", "i--j")
	f.Add("쇼핑", "\u1105\u1169ログ")
	f.Add("ﷺ", "½—Ж'ь")
	f.Fuzz(func(t *testing.T, application, feature string) {
		name := Name("123456789012", application, feature)
		if len(name) < hashLen || len(name) > maxName || !legalName.MatchString(name) {
			t.Errorf("Name(%q, %q) = %q", application, feature, name)
		}
		if !Named(Env{Name: name, CNAME: name + ".eu-west-1.elasticbeanstalk.com"}) {
			t.Errorf("%q doesn't look like one of ours", name)
		}
	})
}

func TestTagsAndLabelsOfOneEnvironmentAreNeverThoseOfAnother(t *testing.T) {
	digest := "sha256:" + strings.Repeat("0123456789abcdef", 4)
	name := Name("1", "shop", "x")
	longer := name + "-" + "kkkkkkkkkk"
	if IsLiveTagOf(LiveTag("eu-west-1", longer, "web", digest), "eu-west-1", name) || LocalTag(longer, "web") == LocalTag(name, "kkkkkkkkkk-web") {
		t.Error("a tag of a longer name passes for one of the shorter")
	}
	if IsVersionOf(VersionLabel(longer, digest[7:]), name) {
		t.Error("a label of a longer name passes for one of the shorter")
	}
	if label := VersionLabel(name, digest[7:]); !IsVersionOf(label, name) {
		t.Errorf("%q isn't recognized", label)
	}
}

func TestFeaturesThatCantBeNamedAreRefused(t *testing.T) {
	for _, bad := range []string{"", "a\nb", "a\x00b", "\x1b[31m", "\xff", " ", "\u00a0\u3000", "\u200b\ufeff", "\u3164", strings.Repeat("x", maxFeature+1)} {
		if CheckFeature(bad) == nil {
			t.Errorf("%q passes", bad)
		}
	}
	for _, good := range []string{"login", `feature/../../"; rm -rf $HOME #`, "로그인", strings.Repeat("x", 300)} {
		if err := CheckFeature(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
}

func TestVersionOfGoesByTheShapeOfTheLabel(t *testing.T) {
	name := Name(account, "shop", "login")
	for label, want := range map[string]string{
		VersionLabel(name, strings.Repeat("0123456789abcdef", 4)):                       name,
		VersionLabel(Name(account, "쇼핑", "로그인"), strings.Repeat("0123456789abcdef", 4)): Name(account, "쇼핑", "로그인"),
		name: "", "": "", "v1": "", "shop-login-1": "",
		"-0123456789abcdef0123":                  "",
		"shop-0123456789abcdef0123":              "",
		name + "-0123456789ABCDEF0123":           "",
		name + "-0123456789abcdef0123-x":         "",
		"Shop-" + name + "-0123456789abcdef0123": "",
	} {
		if got, ok := VersionOf(label); ok != (want != "") || ok && got != want {
			t.Errorf("VersionOf(%q) = %q, %v; want %q", label, got, ok, want)
		}
	}
}
