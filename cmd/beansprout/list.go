package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"beansprout/cmd/internal/terminal"
	"beansprout/envs"
	"beansprout/envs/envjson"
)

func listCommand() *cli.Command {
	return verb(cli.Command{
		Name:  "list",
		Usage: "list the application's environments, or without a beansprout.yaml those of all applications",
		Flags: append(filterFlags(), configFlag(), applicationFlag(), jsonFlag(), timeoutFlag(asking),
			&cli.BoolFlag{Name: "removed", Usage: "list the removed environments that restore can bring back, and until when"}),
		Action: list,
	})
}

func list(c *cli.Context) error {
	f, err := readFilter(c)
	if err != nil {
		return err
	}
	p, err := readProject(c, ".")
	if err == nil && (f.Expires || c.Bool("removed")) {
		err = p.NeedFile()
	}
	if err != nil {
		return err
	}
	s, err := connect(c, p)
	if err != nil {
		return err
	}
	defer s.talk.Close()
	if c.Bool("removed") {
		return listRemoved(c, s, f)
	}
	found, err := s.manager.List(c.Context, f)
	for _, warning := range found.Warnings {
		s.talk.Say("%s", warning)
	}
	if err != nil {
		return err
	}
	if f.IsZero() {
		rememberFeatures(c, p, found.Environments)
	}
	s.talk.Close()
	return printList(c, s, f, found)
}

// printList prints a list, and says when it is empty.
func printList(c *cli.Context, s *session, f envs.Filter, found envs.Listing) error {
	switch {
	case c.Bool("json"):
		text, err := envjson.List(found.Environments)
		if err == nil {
			_, err = c.App.Writer.Write(text)
		}
		return err
	case len(found.Environments) == 0 && f.IsZero():
		s.talk.Say("there are no environments")
		return nil
	case len(found.Environments) == 0:
		s.talk.Say("there are no environments that fit")
		return nil
	}
	return terminal.PrintTable(c.App.Writer, listTable(found, s.cfg.Application == ""))
}

// listTable returns the rows of the list. With everywhere they include the application.
func listTable(found envs.Listing, everywhere bool) [][]string {
	rows := [][]string{{"FEATURE", "STATUS", "HEALTH", "COMMIT", "OWNER", "AGE", "EXPIRES", "URL"}}
	for _, e := range found.Environments {
		expires := envs.Until(e.Expires, found.Now)
		if e.Protected() {
			expires = "kept"
		}
		rows = append(rows, []string{e.Feature, string(e.State), e.Health, short(e.Commit), e.Owner, envs.Ago(e.Created, found.Now), expires, e.URL()})
	}
	moved := slices.ContainsFunc(found.Environments, func(e envs.Environment) bool { return e.Moved != "" })
	for i := range rows {
		first, note := "APPLICATION", "NOTE"
		if i > 0 {
			first, note = found.Environments[i-1].Application, found.Environments[i-1].Moved
		}
		if everywhere {
			rows[i] = append([]string{first}, rows[i]...)
		}
		if moved {
			rows[i] = append(rows[i], note)
		}
	}
	return rows
}

// removedView is an environment that restore can bring back, as --json shows it.
type removedView struct {
	Name        string     `json:"name"`
	Feature     string     `json:"feature"`
	Application string     `json:"application"`
	ID          string     `json:"id"`
	Version     string     `json:"version"`
	Commit      string     `json:"commit"`
	Owner       string     `json:"owner"`
	Removed     *time.Time `json:"removed"`
	Until       *time.Time `json:"until"` // when a sweep may take away what restore needs
}

func listRemoved(c *cli.Context, s *session, f envs.Filter) error {
	all, now, err := s.manager.Removed(c.Context, f)
	if err != nil {
		return err
	}
	s.talk.Close()
	switch {
	case c.Bool("json"):
		views := make([]removedView, 0, len(all))
		for _, e := range all {
			views = append(views, removedView{e.Name, e.Feature, e.Application, e.ID, e.Version, e.Commit, e.Owner, instant(e.Updated), instant(e.Until)})
		}
		return terminal.PrintJSON(c.App.Writer, views)
	case len(all) == 0:
		s.talk.Say("there is nothing that restore could bring back")
		return nil
	}
	rows := [][]string{{"FEATURE", "COMMIT", "OWNER", "REMOVED", "RESTORABLE", "VERSION"}}
	for _, e := range all {
		end := "until the next sweep"
		if e.Until.After(now) {
			end = envs.Roughly(e.Until.Sub(now)) + " more"
		}
		rows = append(rows, []string{e.Feature, short(e.Commit), e.Owner, envs.Ago(e.Updated, now) + " ago", end, e.Version})
	}
	return terminal.PrintTable(c.App.Writer, rows)
}

func environmentError(e envs.Env, err error) error {
	return fmt.Errorf("environment %s: %w", strings.TrimSpace(e.Name+" "+e.ID), err)
}
