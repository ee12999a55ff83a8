package engine

import (
	"strings"

	"github.com/docker/docker/api/types/filters"
)

// Everything that is made on the Docker Engine carries these labels. They are the engine's
// memory: a process that was killed reads them back.
const (
	labelCloud       = "beansprout.local"
	labelEnvironment = "beansprout.environment"
	labelGeneration  = "beansprout.generation"
	labelKey         = "beansprout.key"       // what the generation runs: Deployment.key
	labelVersion     = "beansprout.version"   // for people who look at containers
	labelContainer   = "beansprout.container" // its name in the document
	labelCount       = "beansprout.containers"
	labelEssential   = "beansprout.essential" // true or false
	labelFront       = "beansprout.front"     // on the front alone: its port on the loopback
	labelHost        = "beansprout.host"      // on the front alone: who it is asked as
	labelHealth      = "beansprout.health"    // on the front alone: the path that is asked
)

// name gives things that everyone on the engine sees a name that no other cloud uses.
func (e *Engine) name(parts ...string) string {
	short := e.Cloud[:min(6, len(e.Cloud))]
	return strings.Join(append([]string{"beansprout", short}, parts...), "-")
}

// mine selects what this cloud made; pairs of label and value narrow it down.
func (e *Engine) mine(pairs ...string) filters.Args {
	args := filters.NewArgs(filters.Arg("label", labelCloud+"="+e.Cloud))
	for i := 0; i+1 < len(pairs); i += 2 {
		args.Add("label", pairs[i]+"="+pairs[i+1])
	}
	return args
}
