package main

import (
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"beansprout/cmd/internal/terminal"
	"beansprout/cmd/internal/views"
	"beansprout/envs"
)

// printResult prints the result of a deploy, rollback or restore: the URL, or everything with --json.
func printResult(c *cli.Context, s *session, r envs.Result, images []views.Image, took time.Duration) error {
	switch r.Outcome {
	case envs.Unchanged:
		s.talk.Say("unchanged: %s runs this already", r.Environment.Name)
	case envs.Superseded:
		s.talk.Say("superseded: %s", r.Reason)
	}
	if c.Bool("json") {
		v := newView(r.Environment)
		protected := r.Environment.Protected()
		v.Keep = &protected
		return terminal.PrintJSON(c.App.Writer, struct {
			view
			Outcome string        `json:"outcome"`
			Seconds float64       `json:"seconds"`
			Images  []views.Image `json:"images"`
		}{v, r.Outcome, took.Seconds(), images})
	}
	if r.Outcome == envs.Superseded {
		return nil
	}
	_, err := fmt.Fprintln(c.App.Writer, r.Environment.URL())
	return err
}

// imageViews returns images that were made before. Their references are complete if AWS names the
// repository's URI.
func imageViews(c *cli.Context, s *session, images []envs.Image) []views.Image {
	all := []views.Image{}
	if len(images) == 0 || !c.Bool("json") {
		return all
	}
	uri, err := s.manager.RepositoryURI(c.Context)
	for _, i := range images {
		if err == nil {
			i.Reference = uri + "@" + i.Digest
		}
		all = append(all, views.Image{Name: i.Name, Reference: i.Reference, Digest: i.Digest, Platform: i.Platform})
	}
	return all
}
