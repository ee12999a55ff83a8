package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

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

// instant is nil, JSON's null, for a time that isn't known, or that JSON can't tell.
func instant(t time.Time) *time.Time {
	if t = t.UTC(); t.IsZero() || t.Year() > 9999 {
		return nil
	}
	return &t
}

func printJSON(w io.Writer, v any) error { return encode(w, v, "  ") }

// printJSONLine prints v as one line of a stream of JSON values.
func printJSONLine(w io.Writer, v any) error { return encode(w, v, "") }

func encode(w io.Writer, v any, indent string) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", indent)
	if err := enc.Encode(v); err != nil {
		return err
	}
	_, err := io.WriteString(w, harmless(b.String()))
	return err
}

// harmless writes what steers a terminal, or changes the direction of its text, as escapes
// of JSON, which asks for them below the space only. Outside of strings there is none.
func harmless(text string) string {
	steers := func(r rune) bool {
		return r >= 0x7f && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r))
	}
	if !strings.ContainsFunc(text, steers) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if steers(r) {
			fmt.Fprintf(&b, `\u%04x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// widest is the most columns of a cell that isn't a row's last.
const widest = 44

// cut shortens a line of text that takes more columns than there are.
func cut(line string, columns int) string {
	if columnsOf(line) <= columns {
		return line
	}
	used := 0
	for i, r := range line {
		if used += columnsOf(string(r)); used > columns-1 {
			return line[:i] + "…"
		}
	}
	return line
}

// printTable prints rows of the same length, the heading first, their columns aligned and
// safe for a terminal.
func printTable(w io.Writer, rows [][]string) error {
	var widths []int
	for _, row := range rows {
		widths = append(widths, make([]int, max(0, len(row)-len(widths)))...)
		for i, c := range row {
			row[i] = cell(c, i == len(row)-1)
			widths[i] = max(widths[i], columnsOf(row[i]))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		last := len(row) - 1
		for i, c := range row[:last] {
			b.WriteString(c + strings.Repeat(" ", widths[i]-columnsOf(c)+2))
		}
		b.WriteString(row[last] + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func cell(s string, last bool) string {
	switch s = sanitize(s); {
	case s == "":
		return "-"
	case last:
		return s
	}
	return cut(s, widest)
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
		return fmt.Sprintf("%dd", (d/(12*time.Hour)+1)/2)
	case d >= time.Hour:
		return fmt.Sprintf("%dh", d/time.Hour)
	case d >= time.Minute:
		return fmt.Sprintf("%dm", d/time.Minute)
	}
	return fmt.Sprintf("%ds", max(d, 0)/time.Second)
}

// short is a commit as people write it.
func short(commit string) string { return commit[:min(len(commit), 12)] }
