// Package secrets hides secrets in what the program prints, posts and records.
package secrets

import (
	"io"
	"os"
	"slices"
	"strings"
	"sync"

	"beansprout/cmd/internal/project/config"
	"beansprout/mask"
)

// Variables are the environment variables with secrets for this program alone. No child process gets them.
var Variables = []string{"SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET", "BEANSPROUT_GITHUB_TOKEN", "BEANSPROUT_GITLAB_TOKEN", "BEANSPROUT_BOARD_TOKENS", "BEANSPROUT_METRICS_TOKEN"}

// workflowToken is the variable with the token of a workflow of GitHub Actions, where GITHUB_ACTIONS is set.
// No child process gets it either; a build's secret can be it.
const workflowToken = "GITHUB_TOKEN"

// Secrets are those of this process. A nil *Secrets knows none.
type Secrets struct {
	taken map[string]string // out of the environment, by the name of the variable

	mu   sync.Mutex
	mask mask.Mask
}

// Take reads the secrets in the environment variables and removes the program's own from the environment
// of this process, because child processes inherit it.
func Take() *Secrets {
	s := &Secrets{taken: map[string]string{}}
	s.add(mask.Variables(os.Environ()))
	names := Variables
	if on := os.Getenv("GITHUB_ACTIONS"); on != "" && on != "false" {
		names = append(slices.Clone(names), workflowToken)
	}
	for _, name := range names {
		s.taken[name] = strings.TrimSpace(os.Getenv(name))
		_ = os.Unsetenv(name)
	}
	return s
}

func (s *Secrets) add(values []string) {
	if s == nil || len(values) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mask = s.mask.With(mask.MinSecret, values...)
}

// Learn adds what beansprout.yaml gives variables and options that are secret by their names.
func (s *Secrets) Learn(cfg *config.Config) {
	var values []string
	for name, value := range cfg.Environment.Variables {
		values = append(values, mask.Variable(name, value)...)
	}
	for _, options := range cfg.Environment.Options {
		for name, value := range options {
			values = append(values, mask.Variable(name, value)...)
		}
	}
	for _, image := range cfg.Build {
		for name, value := range image.Args {
			values = append(values, mask.Variable(name, value)...)
		}
	}
	s.add(values)
}

// Hear adds secrets that the process was given while it works.
func (s *Secrets) Hear(secrets ...string) { s.add(secrets) }

// Known returns what hides the secrets.
func (s *Secrets) Known() mask.Mask {
	if s == nil {
		return mask.Mask{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mask
}

// Hide returns the text with the secrets masked.
func (s *Secrets) Hide(text string) string { return s.Known().Hide(text) }

// Token returns the value that one of the Variables had, or GITHUB_TOKEN in a workflow; else "".
func (s *Secrets) Token(variable string) string {
	if s == nil {
		return ""
	}
	return s.taken[variable]
}

// LookupEnv is os.LookupEnv that still knows the token of a workflow.
func (s *Secrets) LookupEnv(name string) (string, bool) {
	if token := s.Token(name); token != "" && name == workflowToken {
		return token, true
	}
	return os.LookupEnv(name)
}

// Writer is a writer of whole lines that leaves the secrets out.
type Writer struct {
	io.Writer
	Secrets *Secrets
}

// Write implements io.Writer.
func (h Writer) Write(p []byte) (int, error) {
	_, err := io.WriteString(h.Writer, h.Secrets.Hide(string(p)))
	return len(p), err
}
