package checkout

import (
	"errors"
	"os"
	"testing"
)

func TestTheUserIsWhoGitWouldName(t *testing.T) {
	root := repository(t)
	t.Setenv("GIT_CONFIG_GLOBAL", os.DevNull)
	t.Setenv("GIT_CONFIG_NOSYSTEM", "1")
	if name, err := User(t.Context(), root); !errors.Is(err, ErrNoUser) {
		t.Errorf("without a configured user: %q, %v", name, err)
	}
	run(t, root, "config", "user.name", "Ann  O'Nym\u202e\x1b")
	if name, err := User(t.Context(), root); err != nil || name != "Ann O'Nym" {
		t.Errorf("User = %q, %v", name, err)
	}
	t.Setenv("PATH", "")
	if _, err := User(t.Context(), root); !errors.Is(err, ErrNoGit) {
		t.Errorf("without git: %v", err)
	}
}
