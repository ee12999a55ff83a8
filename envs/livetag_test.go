package envs

import (
	"regexp"
	"strings"
	"testing"
)

const someDigest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

func TestALiveTagNamesRegionEnvironmentAndImage(t *testing.T) {
	name := Name(account, "shop", "login")
	long := strings.Repeat("web-", 16)
	for image, want := range map[string]string{
		"web":       "live-eu-west-1-" + name + "-web-0123456789ab",
		"web-proxy": "live-eu-west-1-" + name + "-web_proxy-0123456789ab",
		"X9.a_b":    "live-eu-west-1-" + name + "-X9.a_b-0123456789ab",
		long[:40]:   "live-eu-west-1-" + name + "-web_web_web_web_web_web_web_web_web_web_-0123456789ab",
		long:        "live-eu-west-1-" + name + "-web_web_web_web_web_web_web_web_c15721c1-0123456789ab",
	} {
		tag := LiveTag("eu-west-1", name, image, someDigest)
		if tag != want || !IsLiveTagOf(tag, "eu-west-1", name) {
			t.Errorf("%q: got %s, want %s", image, tag, want)
		}
		if IsLiveTagOf(tag, "eu-west-2", name) || IsLiveTagOf(tag, "eu", name) || IsOldLiveTagOf(tag, name) || RegionalLiveTag(tag, "eu-west-2", name) != tag {
			t.Errorf("%s passes for another region's, or for an old one", tag)
		}
	}
	if a, b := LiveTag("eu-west-1", name, long+"a", someDigest), LiveTag("eu-west-1", name, long+"b", someDigest); a == b {
		t.Errorf("two images have the tag %s", a)
	}
}

func TestAnOldLiveTagBecomesARegionalOne(t *testing.T) {
	name := Name(account, "shop", "login")
	for _, image := range []string{"web", "web-proxy", "a.b_c", strings.Repeat("web-", 12)} {
		old := "live-" + LocalTag(name, image) + "-0123456789ab"
		if !IsOldLiveTagOf(old, name) || IsLiveTagOf(old, "eu-west-1", name) {
			t.Errorf("%s isn't recognized", old)
		}
		if got, want := RegionalLiveTag(old, "eu-west-1", name), LiveTag("eu-west-1", name, image, someDigest); got != want {
			t.Errorf("%s becomes %s, want %s", old, got, want)
		}
	}
	for _, other := range []string{"live-" + name + "x-web-0123456789ab", "live-" + name + "-web-0123", "live-" + name, "v1", ""} {
		if IsOldLiveTagOf(other, name) || RegionalLiveTag(other, "eu-west-1", name) != other {
			t.Errorf("%q passes for an old tag of %s", other, name)
		}
	}
}

// The longest region of today has 15 characters (us-isof-south-1).
func TestTheLongestLiveTagIsAnImageTag(t *testing.T) {
	name := Name(account, strings.Repeat("s", 100), strings.Repeat("f", 100))
	tag := LiveTag("us-isof-southwest-1-abc", name, strings.Repeat("i", 255), someDigest)
	if len(name) != maxName || !regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$`).MatchString(tag) {
		t.Errorf("%s with %d characters is no tag", tag, len(tag))
	}
}
