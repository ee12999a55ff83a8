package main

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"beansprout/cmd/internal/terminal"
	"beansprout/cmd/internal/views"
	"beansprout/envs"
)

// dryRun prints what up would do. It builds nothing, changes nothing and waits for nothing.
func dryRun(c *cli.Context, s *session, d envs.Deployment) error {
	would, err := s.manager.Forecast(c.Context, d, s.options(c))
	if err != nil {
		return s.project.Locate(err)
	}
	f := views.NewForecast(would, s.project.Built())
	if f.Document, err = s.project.Document(would.Images, would.Target); err != nil {
		return err
	}
	if f.DependsOnPrepare = s.project.Preparing(); f.DependsOnPrepare {
		s.talk.Say("this uses the files as they are now; prepare was not run, and may change them")
	}
	s.talk.Close()
	text := forecastText(f)
	if c.Bool("json") {
		var b bytes.Buffer
		if err := terminal.PrintJSON(&b, f); err != nil {
			return err
		}
		text = b.String()
	}
	_, err = io.WriteString(c.App.Writer, s.secrets.Hide(text))
	return err
}

// forecastText returns the forecast for people.
func forecastText(f views.Forecast) string {
	var b bytes.Buffer
	switch {
	case f.Outcome == "unchanged" && f.DependsOnPrepare:
		fmt.Fprintf(&b, "unchanged: environment %s at %s runs this already, unless prepare changes it\n", f.Name, f.URL)
	case f.Outcome == "unchanged":
		fmt.Fprintf(&b, "unchanged: environment %s at %s runs this already\n", f.Name, f.URL)
	default:
		fmt.Fprintf(&b, "would %s environment %s at %s\n", f.Action, f.Name, f.URL)
	}
	for _, i := range f.Images {
		fmt.Fprintf(&b, "image %s: %s\n", i.Name, terminal.Sanitize(strings.TrimSpace(i.State+" "+i.Reference)))
	}
	if f.Settings == nil {
		b.WriteString("settings: compared when AWS is ready\n")
	}
	for _, s := range f.Settings {
		fmt.Fprintf(&b, "setting %s:%s: %s -> %s\n", terminal.Sanitize(s.Namespace), terminal.Sanitize(s.Name), shown(s.Old, "(unset)"), shown(s.New, "(removed)"))
	}
	if f.Document.Text != nil {
		b.WriteString(f.Document.Name + ":\n" + terminal.SanitizeLines(string(f.Document.Text)))
		b.WriteString("\n")
	}
	return b.String()
}

func shown(value *string, none string) string {
	if value == nil {
		return none
	}
	return fmt.Sprintf("%q", *value)
}
