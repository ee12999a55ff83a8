package features

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"beansprout/test/must"
)

func TestNamesAreKeptForEachPlace(t *testing.T) {
	t.Parallel()
	cache := t.TempDir()
	here := Place{Region: "eu-west-1", Application: "shop", Account: []string{"work"}}
	Keep(cache, here, []string{"a", "b"})
	Keep(cache, here, []string{"b", "c"})
	if got := Known(t.Context(), cache, here); !slices.Equal(got, []string{"b", "c"}) {
		t.Errorf("the names are %q", got)
	}
	for _, there := range []Place{
		{Region: "us-east-1", Application: "shop", Account: []string{"work"}}, {Region: "eu-west-1", Application: "blog", Account: []string{"work"}},
		{Region: "eu-west-1", Application: "shop", Account: []string{"home"}}, {Local: "/x", Region: "eu-west-1", Application: "shop", Account: []string{"work"}},
	} {
		if got := Known(t.Context(), cache, there); got != nil {
			t.Errorf("%+v has %q", there, got)
		}
	}
	if left, err := os.ReadDir(filepath.Join(cache, "beansprout")); err != nil || len(left) != 1 {
		t.Errorf("there are %v, %v", left, err)
	}
}

func TestAMissingOrBrokenFileIsNoError(t *testing.T) {
	t.Parallel()
	cache := t.TempDir()
	Keep("", Place{}, []string{"a"})
	Keep(filepath.Join(cache, "no", "\x00"), Place{}, []string{"a"})
	must.Succeed(t, os.WriteFile(filepath.Join(cache, "beansprout"), nil, 0o600)) // where the directory would be
	Keep(cache, Place{}, []string{"a"})
	if got := Known(t.Context(), cache, Place{}); got != nil {
		t.Errorf("the names are %q", got)
	}
	cache = t.TempDir()
	Keep(cache, Place{}, []string{"a"})
	must.Succeed(t, os.WriteFile(Place{}.file(cache), []byte(`["a", {]`), 0o600))
	if got := Known(t.Context(), cache, Place{}); got != nil {
		t.Errorf("the names are %q", got)
	}
}
