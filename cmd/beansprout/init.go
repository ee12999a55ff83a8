package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"beansprout/cmd/internal/commandline"
	"beansprout/cmd/internal/failure"
	"beansprout/cmd/internal/project"
	"beansprout/cmd/internal/project/config"
	"beansprout/cmd/internal/starter"
	"beansprout/cmd/internal/terminal"
)

func initCommand() *cli.Command {
	return verb(cli.Command{
		Name:      "init",
		Usage:     "look at a repository and write beansprout.yaml, the template and the CI's stage for it",
		ArgsUsage: "[DIR]",
		Flags: []cli.Flag{
			jsonFlag(), &cli.BoolFlag{Name: "dry-run", Usage: "print what would be written, and write nothing"},
			&cli.BoolFlag{Name: "force", Usage: "replace files that exist"},
			&cli.BoolFlag{Name: "yes", Usage: "ask nothing: take the guesses"},
			&cli.StringFlag{Name: starter.Application, Usage: "the `NAME` of the application in Elastic Beanstalk"},
			&cli.StringFlag{Name: starter.From, Usage: "`WHAT` is deployed, if there are several: dockerrun, compose, dockerfile, artifact or source"},
			&cli.StringFlag{Name: starter.Image, Usage: "the Dockerfile of what answers requests; more `FILES` may follow, with commas between"},
			&cli.StringFlag{Name: starter.Port, Usage: "the `PORT` on which its container answers"},
			&cli.StringFlag{Name: starter.Service, Usage: "the `NAME` of the compose file's service that answers requests"},
			&cli.StringFlag{Name: starter.CI, Usage: "the `CI` that gets a stage: jenkins, github, gitlab or none"},
		},
		Action: initialize,
	})
}

func initialize(c *cli.Context) error {
	dir, err := directory(c)
	if err != nil {
		return err
	}
	survey, err := starter.Look(c.Context, dir, os.Getenv)
	if err != nil {
		return err
	}
	survey.Named = survey.Named || os.Getenv("BEANSPROUT_FEATURE") != ""
	plan, err := decide(c, survey)
	if err == nil {
		err = starter.Check(c.Context, survey, &plan, os.LookupEnv)
	}
	if err != nil {
		return initHint(err)
	}
	if arg := c.Args().First(); arg != "" && arg != "." {
		plan.Next = "cd " + commandline.Word(arg) + " && " + plan.Next
	}
	if !c.Bool("dry-run") {
		if err := starter.Write(survey, plan, c.Bool("force")); err != nil {
			return initHint(err)
		}
	}
	tellPlan(c, plan)
	return printFiles(c, plan)
}

// decide makes the plan, and on a terminal asks for what the repository does not tell.
func decide(c *cli.Context, survey *starter.Survey) (starter.Plan, error) {
	answers := starter.Answers{}
	for _, key := range []string{starter.Application, starter.From, starter.Image, starter.Port, starter.Service, starter.CI} {
		answers[key] = c.String(key)
	}
	plan, err := starter.Decide(survey, answers, c.Bool("force"))
	if err != nil {
		return plan, err
	}
	existing, err := survey.Existing(plan)
	if err == nil && len(existing) > 0 && !c.Bool("force") { // before any question
		err = &project.Error{Err: &starter.ExistsError{Dir: survey.Dir, Names: existing}}
	}
	if err != nil || !asks(c) {
		return plan, err
	}
	lines := bufio.NewScanner(os.Stdin)
	for {
		open := slices.IndexFunc(plan.Guesses, func(g starter.Guess) bool { return g.Question != "" })
		if open < 0 {
			return plan, nil
		}
		g := plan.Guesses[open]
		if answers[g.Key], err = ask(c, lines, g); err != nil {
			return plan, err
		}
		decided, err := starter.Decide(survey, answers, c.Bool("force"))
		if err != nil { // of the answer: without it there was none
			fmt.Fprint(c.App.ErrWriter, failure.Render(err))
			answers[g.Key] = ""
			continue
		}
		plan = decided
	}
}

// ask asks for the answer to a guess. No answer is the guess.
func ask(c *cli.Context, lines *bufio.Scanner, g starter.Guess) (string, error) {
	question := g.Question
	if g.Choices != nil {
		question += " (" + strings.Join(g.Choices, ", ") + ")"
	}
	fmt.Fprintf(c.App.ErrWriter, "%s [%s]: ", terminal.Sanitize(question), terminal.Sanitize(g.Value))
	answered := make(chan bool, 1)
	go func() { answered <- lines.Scan() }()
	select {
	case <-c.Context.Done():
		return "", c.Context.Err()
	case more := <-answered:
		if !more {
			return "", failure.WithHint(failure.Usagef("nothing was written: there was no answer"), "say --yes to take the guesses")
		}
	}
	if answer := strings.TrimSpace(lines.Text()); answer != "" {
		return answer, nil
	}
	return g.Value, nil
}

// tellPlan says what was found, guessed and left to do.
func tellPlan(c *cli.Context, plan starter.Plan) {
	var b bytes.Buffer
	say := func(kind, text string) { fmt.Fprintf(&b, "%-8s %s\n", kind+":", terminal.Sanitize(text)) }
	for _, n := range plan.Notes {
		say("found", n.String())
	}
	for _, g := range plan.Guesses {
		text := fmt.Sprintf("%s %s: %s", g.Key, g.Value, g.Why)
		if g.Question != "" {
			text += fmt.Sprintf(" (--%s says another)", g.Key)
		}
		say("guessed", text)
	}
	for _, n := range plan.Undone {
		say("to do", n.String())
	}
	say("next", plan.Next)
	fmt.Fprint(c.App.ErrWriter, secretsOf(c).Hide(b.String()))
}

// plannedView is a plan as --json shows it. Keys are a contract: new ones may come, none is renamed.
type plannedView struct {
	Written bool          `json:"written"` // false for a dry run
	Files   []plannedFile `json:"files"`
	Found   []placeView   `json:"found"`
	Guessed []guessView   `json:"guessed"`
	ToDo    []placeView   `json:"toDo"`
	Next    string        `json:"next"`
}

type plannedFile struct {
	Path    string `json:"path"`
	Content string `json:"content"`
}

type placeView struct {
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"`
	Text string `json:"text"`
}

type guessView struct {
	Key   string `json:"key"`
	Value string `json:"value"`
	Why   string `json:"why"`
}

func newPlannedView(plan starter.Plan, written bool) plannedView {
	v := plannedView{Written: written, Files: []plannedFile{}, Found: []placeView{}, Guessed: []guessView{}, ToDo: []placeView{}, Next: plan.Next}
	for _, f := range plan.Files {
		v.Files = append(v.Files, plannedFile{f.Name, f.Text})
	}
	for _, n := range plan.Notes {
		v.Found = append(v.Found, placeView(n))
	}
	for _, g := range plan.Guesses {
		v.Guessed = append(v.Guessed, guessView{g.Key, g.Value, g.Why})
	}
	for _, n := range plan.Undone {
		v.ToDo = append(v.ToDo, placeView(n))
	}
	return v
}

// printFiles prints the paths that were written, or what would be written.
func printFiles(c *cli.Context, plan starter.Plan) error {
	var b bytes.Buffer
	if c.Bool("json") {
		if err := terminal.PrintJSON(&b, newPlannedView(plan, !c.Bool("dry-run"))); err != nil {
			return err
		}
	} else {
		for _, f := range plan.Files {
			fmt.Fprintln(&b, f.Name)
			if c.Bool("dry-run") && f.Name != config.SchemaFile { // which beansprout schema prints
				for line := range strings.Lines(f.Text) {
					fmt.Fprint(&b, "  ", terminal.SanitizeLines(line))
				}
			}
		}
	}
	_, err := fmt.Fprint(c.App.Writer, secretsOf(c).Hide(b.String()))
	return err
}

// initHint adds what to do to an error of init.
func initHint(err error) error {
	if _, ok := errors.AsType[*starter.ExistsError](err); ok {
		return failure.WithHint(err, "--force replaces what exists; --dry-run shows what would be written")
	}
	if _, ok := errors.AsType[*starter.NothingError](err); ok {
		return failure.WithHint(err, "go to the application's directory or name it, or write a Dockerfile and run it again")
	}
	return err
}
