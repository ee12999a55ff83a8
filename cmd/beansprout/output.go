package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"beansprout/envs"
)

// view is an environment as --json shows it. Keys are a contract: more may come, none is renamed.
type view struct {
	Name         string     `json:"name"`
	Feature      string     `json:"feature"`
	URL          string     `json:"url"`
	Status       string     `json:"status"`
	Health       string     `json:"health"`
	Version      string     `json:"version"`
	Commit       string     `json:"commit"`
	Owner        string     `json:"owner"`
	Created      *time.Time `json:"created"`
	Expires      *time.Time `json:"expires"`
	Keep         *bool      `json:"keep"` // null where it isn't known
	ID           string     `json:"id"`
	Application  string     `json:"application"`
	HealthStatus string     `json:"healthStatus"`
}

func newView(e envs.Env, expires time.Time, keep *bool) view {
	return view{
		Name: e.Name, Feature: e.Feature, URL: e.URL(), Status: string(e.State), Health: e.Health,
		Version: e.Version, Commit: e.Commit, Owner: e.Owner,
		Created: instant(e.Created), Expires: instant(expires), Keep: keep,
		ID: e.ID, Application: e.Application, HealthStatus: e.Status,
	}
}

// instant is nil, JSON's null, for a time that isn't known.
func instant(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// widest is the most runes of a cell that isn't a row's last.
const widest = 44

func cut(s string, limit int) string {
	if runes := []rune(s); len(runes) > limit {
		return string(runes[:limit-1]) + "…"
	}
	return s
}

// printTable prints rows under a heading, their columns aligned and safe for a terminal.
func printTable(w io.Writer, rows [][]string) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		for i, cell := range row {
			if row[i] = sanitize(cell); row[i] == "" {
				row[i] = "-"
			}
			if i < len(row)-1 {
				row[i] = cut(row[i], widest)
			}
		}
		fmt.Fprintln(t, strings.Join(row, "\t"))
	}
	return t.Flush()
}

// ago says how long before now t was, in the largest unit that fits; "" for the zero time.
func ago(t, now time.Time) string {
	if t.IsZero() {
		return ""
	}
	return span(now.Sub(t))
}

// until says how long after now t is.
func until(t, now time.Time) string {
	switch {
	case t.IsZero():
		return ""
	case !t.After(now):
		return "over"
	}
	return "in " + span(t.Sub(now))
}

func span(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%dd", (d+12*time.Hour)/(24*time.Hour))
	case d >= time.Hour:
		return fmt.Sprintf("%dh", d/time.Hour)
	case d >= time.Minute:
		return fmt.Sprintf("%dm", d/time.Minute)
	}
	return fmt.Sprintf("%ds", max(d, 0)/time.Second)
}

// short is a commit as people write it.
func short(commit string) string { return commit[:min(len(commit), 12)] }
