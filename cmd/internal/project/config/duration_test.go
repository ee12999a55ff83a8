package config

import (
	"testing"
	"time"
)

func TestParseDuration(t *testing.T) {
	for _, c := range []struct {
		text string
		want time.Duration
	}{
		{"5d", 120 * time.Hour},
		{"1d12h", 36 * time.Hour},
		{"36h", 36 * time.Hour},
		{"1.5d", 36 * time.Hour},
		{"0d", 0},
		{"0s", 0},
		{"0", 0},
		{"3s", 3 * time.Second},
		{"1d0.5s", 24*time.Hour + 500*time.Millisecond},
		{"106751d", 106751 * 24 * time.Hour},
	} {
		if got, err := ParseDuration(c.text); err != nil || got.Std() != c.want {
			t.Errorf("ParseDuration(%q) = %v, %v; want %v", c.text, got, err, c.want)
		}
	}
}

func TestParseDurationRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                `"" is no duration; want a duration such as 5d, 36h, 1d12h or 30s`,
		"d":               `"d" is no duration; want a duration such as 5d, 36h, 1d12h or 30s`,
		"5":               `"5" has no unit; want a duration such as 5d, 36h, 1d12h or 30s`,
		"12h1d":           `"12h1d" is no duration; want a duration such as 5d, 36h, 1d12h or 30s`,
		"1d1d":            `"1d1d" is no duration; want a duration such as 5d, 36h, 1d12h or 30s`,
		"5days":           `"5days" is no duration; want a duration such as 5d, 36h, 1d12h or 30s`,
		"-1h":             `"-1h" is negative; want a duration such as 5d, 36h, 1d12h or 30s`,
		"1d-12h":          `"1d-12h" is no duration; want a duration such as 5d, 36h, 1d12h or 30s`,
		"+1d":             `"+1d" is no duration; want a duration such as 5d, 36h, 1d12h or 30s`,
		"NaNd":            `"NaNd" is no duration; want a duration such as 5d, 36h, 1d12h or 30s`,
		"1e3d":            `"1e3d" is no duration; want a duration such as 5d, 36h, 1d12h or 30s`,
		"106752d":         `"106752d" is too long for a duration`,
		"106751d24h":      `"106751d24h" is too long for a duration`,
		"99999999999999d": `"99999999999999d" is too long for a duration`,
	} {
		if d, err := ParseDuration(text); err == nil || err.Error() != want {
			t.Errorf("ParseDuration(%q) = %v, %v; want %s", text, d, err, want)
		}
	}
}

func TestDurationsAreWrittenShort(t *testing.T) {
	for d, want := range map[Duration]string{
		0: "0s", 5 * day: "5d", 36 * hour: "1d12h", hour * 3 / 2: "1h30m", 120 * second: "2m",
		day + second: "1d1s", 10 * hour: "10h", second * 3 / 2: "1.5s", hour + second: "1h0m1s",
	} {
		if got := d.String(); got != want {
			t.Errorf("%d is written %q, want %q", d, got, want)
		}
	}
}

func FuzzDuration(f *testing.F) {
	for _, s := range []string{"5d", "1d12h", "1.5d", "-5d", "36h", "0", "9999999999d", ".d", "1d1d", "1h5d", "106751d23h47m16.854775807s"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := ParseDuration(s)
		if err != nil {
			return
		}
		if d < 0 {
			t.Fatalf("%q became %v", s, d)
		}
		if again, err := ParseDuration(d.String()); err != nil || again != d {
			t.Errorf("%q is %d, written %q, read as %d, %v", s, d, d, again, err)
		}
	})
}
