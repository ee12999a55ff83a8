package main

import (
	"github.com/urfave/cli/v2"

	"beansprout/cmd/internal/project/config"
)

func schemaCommand() *cli.Command {
	return verb(cli.Command{
		Name:  "schema",
		Usage: "print the JSON Schema of beansprout.yaml, for editors and checks",
		Action: func(c *cli.Context) error {
			_, err := c.App.Writer.Write(config.Schema())
			return err
		},
	})
}
