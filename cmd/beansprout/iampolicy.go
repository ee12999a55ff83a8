package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"beansprout/cmd/internal/failure"
	"beansprout/cmd/internal/policy"
	"beansprout/pattern"
	"beansprout/spelling"
)

func iamPolicyCommand() *cli.Command {
	return verb(cli.Command{
		Name:      "iam-policy",
		Usage:     "print the least IAM policy of the deployer, the janitor, the instances, or Beanstalk's operations",
		ArgsUsage: strings.Join(holders(), "|"),
		Flags: []cli.Flag{
			configFlag(),
			&cli.StringFlag{Name: "account", Usage: "narrow it to the account `ID`, of 12 digits (default: any account)"},
			&cli.BoolFlag{Name: "any", Usage: "for every application, region, bucket and repository; beansprout.yaml is not read"},
		},
		Action: iamPolicy,
	})
}

var accountShape = pattern.New(`^([0-9]{12})?$`)

// holders are the words for those who may have a policy.
func holders() (names []string) {
	for _, h := range policy.Holders() {
		names = append(names, string(h))
	}
	return names
}

func iamPolicy(c *cli.Context) error {
	names := holders()
	holder := c.Args().First()
	switch {
	case holder == "":
		return failure.WithHint(failure.Usagef("iam-policy: whose policy?"), "beansprout iam-policy %s", strings.Join(names, "|"))
	case !slices.Contains(names, holder):
		err := failure.Usagef("iam-policy: there is no policy of %q; there are %s", holder, strings.Join(names, ", "))
		if near := spelling.Nearest(holder, names); near != "" {
			return failure.WithHint(err, "did you mean %s?", near)
		}
		return err
	case !accountShape.MatchString(c.String("account")):
		return failure.WithHint(failure.Usagef("--account %q: want the 12 digits of an AWS account", c.String("account")), "aws sts get-caller-identity prints them")
	case !regionShape.MatchString(c.String("region")):
		return failure.WithHint(failure.Usagef("%q is no region", c.String("region")), "a region is named like eu-central-1")
	}
	scope := policy.Scope{Region: c.String("region"), Account: c.String("account")}
	if !c.Bool("any") {
		p, err := readProject(c, ".")
		if err != nil {
			return err
		}
		scope = policy.Of(p.Config, c.String("region"), c.String("account"))
	}
	text := policy.Document(policy.Holder(holder), scope)
	if n := policy.Size(text); n > policy.MostManaged {
		fmt.Fprintf(c.App.ErrWriter, "warning: the policy has %d characters, and IAM takes %d in a managed policy: split it\n", n, policy.MostManaged)
	}
	_, err := c.App.Writer.Write(text)
	return err
}
