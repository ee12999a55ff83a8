// Package sweeping prints what a sweep or a removal has done, and finds what a sweep asks git with.
package sweeping

import (
	"errors"
	"fmt"
	"io"
	"iter"

	"beansprout/cmd/internal/failure"
	"beansprout/cmd/internal/terminal"
	"beansprout/envs"
	"beansprout/janitor"
)

// Say says what is wrong besides the decisions. err is what the sweep ended with.
func Say(talk *terminal.Progress, report janitor.Report, err error) {
	if report.Refused != "" && err == nil {
		talk.Say("a live sweep would be refused: %s", report.Refused)
	}
	if report.Unlisted != nil {
		talk.Say("warning: no environment is removed for its branch: %v", report.Unlisted)
		for _, hint := range failure.Hints(failure.Explain(report.Unlisted)) {
			talk.Say("hint: %s", hint)
		}
	}
	if report.Unseen != nil {
		talk.Say("warning: it isn't known whether the images of living environments are there: %v", report.Unseen)
	}
	if count(report) == 0 && err == nil {
		talk.Say("environments: %d, none of ours", report.Environments)
	}
}

// Hide takes secrets out of what the decisions of a report say in words.
func Hide(report janitor.Report, hide func(string) string) {
	for _, part := range [][]janitor.Decision{report.Decisions, report.Leftovers, report.Warnings} {
		for i := range part {
			if d := &part[i]; d.Err != nil {
				d.Err = errors.New(hide(d.Err.Error()))
			}
			part[i].Reason = hide(part[i].Reason)
		}
	}
}

// Decisions returns all decisions of a report.
func Decisions(report janitor.Report) iter.Seq[janitor.Decision] {
	return func(yield func(janitor.Decision) bool) {
		for _, part := range [][]janitor.Decision{report.Decisions, report.Leftovers, report.Warnings} {
			for _, d := range part {
				if !yield(d) {
					return
				}
			}
		}
	}
}

// count returns how many decisions a report has.
func count(report janitor.Report) int {
	return len(report.Decisions) + len(report.Leftovers) + len(report.Warnings)
}

// Deed says what a live sweep would do, "" where that is nothing that has to be confirmed.
func Deed(plan janitor.Report) string {
	var names []string
	for _, d := range plan.Decisions {
		if d.Action == janitor.Remove {
			names = append(names, d.Env.Name)
		}
	}
	left := 0
	for _, d := range plan.Leftovers {
		if d.Action == janitor.Remove {
			left++
		}
	}
	switch {
	case len(names)+left == 0:
		return ""
	case len(names) == 0:
		return fmt.Sprintf("remove what %d environments have left", left)
	case len(names) == 1:
		return "remove environment " + names[0]
	}
	return fmt.Sprintf("remove %d environments: %s", len(names), list(names))
}

// list joins the first names.
func list(names []string) string {
	const namesShown = 5
	text := ""
	for i, name := range names[:min(len(names), namesShown)] {
		if i > 0 {
			text += ", "
		}
		text += name
	}
	if len(names) > namesShown {
		text += fmt.Sprintf(" and %d more", len(names)-namesShown)
	}
	return text
}

// Print prints a table of the decisions, and the receipts below it. It prints nothing where there are no
// decisions.
func Print(w io.Writer, report janitor.Report) error {
	if count(report) == 0 {
		return nil
	}
	rows := [][]string{{"ENVIRONMENT", "FEATURE", "EXPIRES", "ACTION", "REASON"}}
	for d := range Decisions(report) {
		reason := d.Reason
		if d.Err != nil {
			reason = d.Err.Error()
		}
		rows = append(rows, []string{d.Env.Name, d.Env.Feature, envs.Until(d.Expiry, report.Now), string(d.Action), terminal.LocalTimes(reason)})
	}
	if err := terminal.PrintTable(w, rows); err != nil {
		return err
	}
	for d := range Decisions(report) {
		if d.Receipt == nil {
			continue
		}
		fmt.Fprintf(w, "\n%s\n", d.Env.Name)
		if err := PrintReceipt(w, *d.Receipt, false); err != nil {
			return err
		}
	}
	return nil
}

// PrintReceipt prints what a removal took away and what stays.
func PrintReceipt(w io.Writer, r envs.Receipt, asJSON bool) error {
	if asJSON {
		return terminal.PrintJSON(w, r)
	}
	for _, item := range r.Removed {
		if _, err := fmt.Fprintln(w, "removed "+terminal.Sanitize(item)); err != nil {
			return err
		}
	}
	for _, k := range r.Retained {
		if _, err := fmt.Fprintf(w, "kept    %s: %s\n", terminal.Sanitize(k.Item), terminal.Sanitize(terminal.LocalTimes(k.Reason))); err != nil {
			return err
		}
	}
	return nil
}
