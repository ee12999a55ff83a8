package engine

import (
	"slices"
	"strings"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
)

// All that is made on the Docker Engine has these labels. The next process reads them after a kill.
const (
	labelPrefix      = "beansprout." // such labels of documents and images do not count
	labelCloud       = "beansprout.local"
	labelEnvironment = "beansprout.environment"
	labelGeneration  = "beansprout.generation"
	labelKey         = "beansprout.key"        // Deployment.key of the generation
	labelVersion     = "beansprout.version"    // for people who look at containers
	labelContainer   = "beansprout.container"  // its name in the document
	labelCount       = "beansprout.containers" // of the generation
	labelEssential   = "beansprout.essential"  // whether it must run
	labelLogs        = "beansprout.logs"       // lines of FOLDER-ON-THE-INSTANCE:PATH
	labelHash        = "beansprout.hash"       // unit.hash
	labelFront       = "beansprout.front"      // of the front, else "": its port on the loopback
	labelHost        = "beansprout.host"       // of the front, else "": the Host of its checks
	labelHealth      = "beansprout.health"     // of the front, else "": the path of its checks
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

// generationOf returns the generation that a network was made for, which is in its name, and "" for
// the networks of others.
func (e *Engine) generationOf(network, id string) string {
	rest, ours := strings.CutPrefix(network, e.name(id)+"-")
	if !ours {
		return ""
	}
	generation, _, _ := strings.Cut(rest, "-")
	return generation
}

// generations returns the generations that a container belongs to: the one that it was created for,
// and those to whose networks it is connected.
func (e *Engine) generations(c container.Summary) []string {
	all := []string{c.Labels[labelGeneration]}
	if c.NetworkSettings == nil {
		return all
	}
	for name := range c.NetworkSettings.Networks {
		if g := e.generationOf(name, c.Labels[labelEnvironment]); g != "" && !slices.Contains(all, g) {
			all = append(all, g)
		}
	}
	return all
}
