package commandline

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

// sample is a small program with each kind of flag and verb; said notes what it was told.
func sample(said *string) *cli.App {
	note := func(c *cli.Context) error {
		*said = fmt.Sprintf("%s local=%v region=%q feature=%q json=%v n=%d args=%q",
			c.Command.Name, c.Bool("local"), c.String("region"), c.String("feature"), c.Bool("json"), c.Int("number"), c.Args().Slice())
		return nil
	}
	flags := []cli.Flag{
		&cli.StringFlag{Name: "feature", Aliases: []string{"f"}},
		&cli.BoolFlag{Name: "json"},
		&cli.IntFlag{Name: "number"},
	}
	return &cli.App{
		Name:   "sample",
		Action: note,
		Writer: io.Discard, ErrWriter: io.Discard,
		ExitErrHandler: func(*cli.Context, error) {},
		Flags:          []cli.Flag{&cli.BoolFlag{Name: "local"}, &cli.StringFlag{Name: "region"}},
		Commands: []*cli.Command{
			{Name: "up", Aliases: []string{"u"}, Flags: flags, Action: note},
			{Name: "local", Action: note, Subcommands: []*cli.Command{{Name: "start", Flags: flags, Action: note}}},
		},
	}
}

var lines = []struct{ name, line, ordered, want string }{
	{"nothing", "", "", `sample local=false region="" feature="" json=false n=0 args=[]`},
	{"a verb alone", "up", "up", `up local=false region="" feature="" json=false n=0 args=[]`},
	{"flags behind an argument", "up dir --feature x --json", "up --feature=x --json dir", `up local=false region="" feature="x" json=true n=0 args=["dir"]`},
	{"flags around arguments", "up --json a -f x b", "up --json -f=x a b", `up local=false region="" feature="x" json=true n=0 args=["a" "b"]`},
	{"an alias of a verb", "u dir --json", "u --json dir", `up local=false region="" feature="" json=true n=0 args=["dir"]`},
	{"global flags behind the verb", "up dir --local --region us-east-1", "--local --region=us-east-1 up dir", `up local=true region="us-east-1" feature="" json=false n=0 args=["dir"]`},
	{"global flags in front", "--region us-east-1 --local up dir", "--region=us-east-1 --local up dir", `up local=true region="us-east-1" feature="" json=false n=0 args=["dir"]`},
	{"a value that is called as a verb", "--region up up", "--region=up up", `up local=false region="up" feature="" json=false n=0 args=[]`},
	{"an argument that is called as a verb", "up local start", "up local start", `up local=false region="" feature="" json=false n=0 args=["local" "start"]`},
	{"a verb of a verb", "local --local start x --feature y", "--local local start --feature=y x", `start local=true region="" feature="y" json=false n=0 args=["x"]`},
	{"a flag and a verb of the same name", "local start --local", "--local local start", `start local=true region="" feature="" json=false n=0 args=[]`},
	{"one dash", "up dir -feature x -json", "up -feature=x -json dir", `up local=false region="" feature="x" json=true n=0 args=["dir"]`},
	{"values behind =", "up dir --feature=a=b --json=false", "up --feature=a=b --json=false dir", `up local=false region="" feature="a=b" json=false n=0 args=["dir"]`},
	{"a value that looks like a flag", "up dir --feature --json", "up --feature=--json dir", `up local=false region="" feature="--json" json=false n=0 args=["dir"]`},
	{"a value with a dash", "up --feature -x dir", "up --feature=-x dir", `up local=false region="" feature="-x" json=false n=0 args=["dir"]`},
	{"a value of two dashes", "up --feature -- dir", "up --feature=-- dir", `up local=false region="" feature="--" json=false n=0 args=["dir"]`},
	{"a negative number", "up --number -3 dir", "up --number=-3 dir", `up local=false region="" feature="" json=false n=-3 args=["dir"]`},
	{"an empty value", "up dir --feature ", "up --feature= dir", `up local=false region="" feature="" json=false n=0 args=["dir"]`},
	{"no flags behind --", "up --json -- --feature x", "up --json -- --feature x", `up local=false region="" feature="" json=true n=0 args=["--feature" "x"]`},
	{"an argument in front of --", "up a -- -b", "up -- a -b", `up local=false region="" feature="" json=false n=0 args=["a" "-b"]`},
	{"a second --", "up -- -- a", "up -- -- a", `up local=false region="" feature="" json=false n=0 args=["--" "a"]`},
	{"a verb behind --", "--local -- up --json", "--local up -- --json", `up local=true region="" feature="" json=false n=0 args=["--json"]`},
	{"a single dash", "up - --json", "up --json -- -", `up local=false region="" feature="" json=true n=0 args=["-"]`},
	{"the same flag twice", "up -f a x -f b", "up -f=a -f=b x", `up local=false region="" feature="b" json=false n=0 args=["x"]`},

	{"an unknown flag", "up dir --nonsense --json", "up --nonsense --json dir", "error: flag provided but not defined: -nonsense"},
	{"an unknown flag of a verb's verb", "local start x --nonsense", "local start --nonsense x", "error: flag provided but not defined: -nonsense"},
	{"a verb's flag in front of it", "--json up", "--json up", "error: flag provided but not defined: -json"},
	{"a flag without its value", "up dir --feature", "up --feature", "error: flag needs an argument: -feature"},
	{"a global flag without its value", "up dir --region", "--region", "error: flag needs an argument: -region"},
	{"help behind an argument", "up dir --help", "up --help", ""},
	{"help of a verb's verb", "local start x -h y", "local start -h", ""},
	{"an unknown verb", "nonsense --json", "nonsense --json", `sample local=false region="" feature="" json=false n=0 args=["nonsense" "--json"]`},
	{"an argument instead of a verb's verb", "local nonsense start", "local nonsense start", `local local=false region="" feature="" json=false n=0 args=["nonsense" "start"]`},
}

func split(line string) []string {
	if line == "" {
		return nil
	}
	return strings.Split(line, " ")
}

func TestReorderPutsFlagsWhereTheyAreUnderstood(t *testing.T) {
	for _, l := range lines {
		t.Run(l.name, func(t *testing.T) {
			var said string
			got := Reorder(sample(&said), append([]string{"sample"}, split(l.line)...))
			if want := append([]string{"sample"}, split(l.ordered)...); !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
			if err := sample(&said).Run(got); err != nil {
				said = "error: " + err.Error()
			}
			if said != l.want {
				t.Errorf("the program was told %s, want %s", said, l.want)
			}
		})
	}
}

func TestReorderTakesNoArgumentsAtAll(t *testing.T) {
	var said string
	if got := Reorder(sample(&said), nil); len(got) != 0 {
		t.Errorf("got %q", got)
	}
}

func FuzzReorder(f *testing.F) {
	for _, l := range lines {
		f.Add(l.line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		var said string
		app := sample(&said)
		once := Reorder(app, append([]string{"sample"}, split(line)...))
		if twice := Reorder(app, once); !slices.Equal(once, twice) {
			t.Errorf("%q becomes %q, and that becomes %q", line, once, twice)
		}
		for _, arg := range once[1:] {
			if arg != "--" && !strings.Contains(strings.ReplaceAll(line, " ", "="), strings.ReplaceAll(arg, " ", "=")) {
				t.Errorf("%q becomes %q: where does %q come from?", line, once, arg)
			}
		}
	})
}
