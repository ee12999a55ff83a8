package sweeping

import (
	"os"
	"path/filepath"

	"beansprout/cmd/internal/project/config"
	"beansprout/janitor"
)

// TokenVariable names the environment variable that has the password for an https remote, and
// KeyVariable the one that names the file of the private key for ssh.
const (
	TokenVariable = "BEANSPROUT_GIT_TOKEN"
	KeyVariable   = "BEANSPROUT_GIT_KEY"
)

// Branches returns where a sweep looks up whether a branch is gone. Unless KeyVariable names another, the
// key is the first that ssh itself would use; the known hosts are those of ssh.
func Branches(c config.Branches, getenv func(string) string) janitor.Branches {
	b := janitor.Branches{Remote: c.Remote, After: c.After.Std(), Token: getenv(TokenVariable), Key: getenv(KeyVariable)}
	home, err := os.UserHomeDir()
	if err != nil {
		return b
	}
	dir := filepath.Join(home, ".ssh")
	for _, name := range []string{"id_ed25519", "id_ecdsa", "id_rsa"} {
		if file := filepath.Join(dir, name); b.Key == "" && exists(file) {
			b.Key = file
		}
	}
	for _, file := range []string{filepath.Join(dir, "known_hosts"), "/etc/ssh/ssh_known_hosts"} {
		if exists(file) {
			b.KnownHosts = append(b.KnownHosts, file)
		}
	}
	return b
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}
