package main

import (
	"strconv"

	"beansprout/cmd/internal/failure"
)

// exitCodes are what the exit codes of all verbs mean.
var exitCodes = [][2]string{
	{"0", "done, also if there was nothing to do"},
	{strconv.Itoa(failure.ExitFailed), "it failed; standard error says why and what to do"},
	{strconv.Itoa(failure.ExitUsage), "wrong usage or configuration: nothing was done"},
	{strconv.Itoa(failure.ExitInterrupted), "interrupted"},
}

// outcomes are what the first exit codes of some verbs mean in particular.
var outcomes = map[string][]string{
	"beansprout":             {"done, also if there was nothing to do"},
	"beansprout init":        {"the files are written, or would be; there may be things to do"},
	"beansprout up":          {"it runs; also if it ran already, or if a later run of the same feature deploys instead"},
	"beansprout down":        {"it is removed, or was already"},
	"beansprout sweep":       {"all that was due is removed, or would be", "the sweep was refused, or something could not be removed"},
	"beansprout janitor":     {"it was told to stop"},
	"beansprout local board": {"it was told to stop"},
	"beansprout slack test":  {"the message arrived, and its press came back", "one of the two did not"},
	"beansprout doctor":      {"nothing is red; there may be warnings", "something is red"},
	"beansprout schema":      {"printed"},
	"beansprout version":     {"printed"},
}

// examples are how the help of each verb begins.
var examples = map[string][]string{
	"beansprout": {
		"beansprout --local up     # on this machine, without an AWS account",
		"beansprout up             # the branch that is checked out, on AWS",
		"beansprout list           # what there is, and how long it lives",
	},
	"beansprout up": {
		"beansprout up                           # the branch that is checked out or that the CI names",
		"beansprout up shop --feature login      # another directory and feature",
		"URL=$(beansprout up)                    # the URL is all that stdout gets",
	},
	"beansprout list":     {"beansprout list", "beansprout list --expires 1d --json", "beansprout list --removed"},
	"beansprout status":   {"beansprout status login", "beansprout status                       # the branch that is checked out"},
	"beansprout versions": {"beansprout versions login"},
	"beansprout events":   {"beansprout events login --follow", "beansprout events login --ours          # what was done with it, and by whom"},
	"beansprout logs":     {"beansprout logs login --follow"},
	"beansprout open":     {"beansprout open login"},
	"beansprout extend":   {"beansprout extend login --by 3d"},
	"beansprout keep":     {"beansprout keep login"},
	"beansprout unkeep":   {"beansprout unkeep login"},
	"beansprout rollback": {"beansprout rollback login              # to the version before", "beansprout rollback login --to LABEL   # to one that versions lists"},
	"beansprout down":     {"beansprout down login", "beansprout down login --purge           # also what restore needs"},
	"beansprout restore":  {"beansprout restore login"},
	"beansprout sweep":    {"beansprout sweep                        # says what would be removed, and why", "beansprout sweep --live                 # removes it"},
	"beansprout janitor": {"beansprout janitor --live", "beansprout janitor --live --config shop/beansprout.yaml --config blog/beansprout.yaml --listen :8080",
		"BEANSPROUT_BOARD_TOKENS=kim:TOKEN beansprout janitor --live --listen 127.0.0.1:2328    # people act on the board"},
	"beansprout slack":           {"beansprout slack manifest", "beansprout slack test"},
	"beansprout slack test":      {"SLACK_BOT_TOKEN=... SLACK_APP_TOKEN=... beansprout slack test"},
	"beansprout slack manifest":  {"beansprout slack manifest >manifest.yaml"},
	"beansprout local":           {"beansprout local start", `eval "$(beansprout local env)"          # the aws command talks to it then`},
	"beansprout local start":     {"beansprout local start", "beansprout local start --port 4000 --url-port 4001"},
	"beansprout local stop":      {"beansprout local stop"},
	"beansprout local status":    {"beansprout local status"},
	"beansprout local env":       {`eval "$(beansprout local env)"`},
	"beansprout local board":     {"beansprout local board                  # prints the URL, and opens it if there is a browser"},
	"beansprout local reset":     {"beansprout local reset --yes            # removes its environments, images and files"},
	"beansprout init":            {"beansprout init", "beansprout init shop"},
	"beansprout doctor":          {"beansprout doctor", "beansprout --local doctor"},
	"beansprout iam-policy":      {"beansprout iam-policy deployer >policy.json"},
	"beansprout schema":          {"beansprout schema >beansprout.schema.json"},
	"beansprout completion":      {`eval "$(beansprout completion bash)"     # in ~/.bashrc`},
	"beansprout completion bash": {`eval "$(beansprout completion bash)"     # in ~/.bashrc`},
	"beansprout completion zsh":  {"source <(beansprout completion zsh)     # in ~/.zshrc, below compinit"},
	"beansprout completion fish": {"beansprout completion fish | source     # in ~/.config/fish/config.fish"},
	"beansprout version":         {"beansprout version", "beansprout version --json"},
	"beansprout help":            {"beansprout help up", "beansprout help local start"},
}
