package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/urfave/cli/v2"

	"beansprout/cmd/internal/terminal"
)

// The linker sets them; without it the Go tool's own record of the build has them.
var version, commit, date string

// build is what --json of version prints.
type build struct {
	Version  string `json:"version"`
	Commit   string `json:"commit"` // "" if it is not known
	Date     string `json:"date"`   // of the commit
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// thisBuild returns what this program was made from.
func thisBuild() build {
	b := build{version, commit, date, runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH}
	if b.Version == "" || b.Commit == "" || b.Date == "" {
		if info, ok := debug.ReadBuildInfo(); ok {
			b.complete(info)
		}
	}
	if b.Version == "" {
		b.Version = "development"
	}
	return b
}

// complete sets what the linker has not set.
func (b *build) complete(info *debug.BuildInfo) {
	set := func(field *string, value string) {
		if *field == "" {
			*field = value
		}
	}
	if v := info.Main.Version; v != "(devel)" {
		set(&b.Version, v)
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			set(&b.Version, s.Value)
			set(&b.Commit, s.Value)
		case "vcs.time":
			set(&b.Date, s.Value)
		}
	}
}

func versionCommand() *cli.Command {
	return verb(cli.Command{
		Name:  "version",
		Usage: "print the version of this program",
		Flags: []cli.Flag{jsonFlag()},
		Action: func(c *cli.Context) error {
			if c.Bool("json") {
				return terminal.PrintJSON(c.App.Writer, thisBuild())
			}
			_, err := fmt.Fprintln(c.App.Writer, thisBuild().Version)
			return err
		},
	})
}
