package engine

import (
	"strings"

	"github.com/docker/docker/api/types/filters"
)

// All that is made on the Docker Engine has these labels. The next process reads them after a kill.
const (
	labelCloud       = "beansprout.local"
	labelEnvironment = "beansprout.environment"
	labelGeneration  = "beansprout.generation"
	labelKey         = "beansprout.key"       // Deployment.key of the generation
	labelVersion     = "beansprout.version"   // for people who look at containers
	labelContainer   = "beansprout.container" // its name in the document
	labelCount       = "beansprout.containers"
	labelEssential   = "beansprout.essential" // true or false
	labelFront       = "beansprout.front"     // only on the front: its port on the loopback
	labelHost        = "beansprout.host"      // only on the front: the Host of its checks
	labelHealth      = "beansprout.health"    // only on the front: the path of its checks
)

// name returns a name on the engine that no other cloud uses.
func (e *Engine) name(parts ...string) string {
	short := e.Cloud[:min(6, len(e.Cloud))]
	return strings.Join(append([]string{"beansprout", short}, parts...), "-")
}

// mine selects what this cloud made and what also has the given pairs of label and value.
func (e *Engine) mine(pairs ...string) filters.Args {
	args := filters.NewArgs(filters.Arg("label", labelCloud+"="+e.Cloud))
	for i := 0; i+1 < len(pairs); i += 2 {
		args.Add("label", pairs[i]+"="+pairs[i+1])
	}
	return args
}
