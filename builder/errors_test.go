package builder

import "testing"

func TestPlainKeepsWhatTheEngineSaysToTheUser(t *testing.T) {
	for message, want := range map[string]string{
		"failed to solve with frontend dockerfile.v0: failed to create LLB definition: target stage gone could not be found": "target stage gone could not be found",
		"rpc error: code = Unknown desc = failed to compute cache key: \"/gone\" not found: not found":                       "\"/gone\" not found",
		"lstat /var/lib/docker/overlay2/4cbe62e4cfe5/merged/gone: no such file or directory":                                 "lstat /gone: no such file or directory",
		"failed to read dockerfile: open /var/lib/docker/tmp/buildkit-mount123/Dockerfile: no such file":                     "failed to read dockerfile: open /Dockerfile: no such file",
		"Error response from daemon: a\x1b[31mb\n":                                                                           "ab",
	} {
		if got := plain(message).Error(); got != want {
			t.Errorf("plain(%q) = %q, want %q", message, got, want)
		}
	}
}
