package engine

import (
	"slices"
	"strings"

	"github.com/docker/docker/api/types/container"
)

// unit is one container of a generation. A Dockerrun document and a compose file both become units,
// and the engine runs nothing else.
type unit struct {
	name   string               // in the document, and in logs and events
	config container.Config     // its labels are added by the engine
	host   container.HostConfig // its networks and published ports are added by the engine
	front  int                  // its port behind the environment's URL; 0 if it is not the front
	must   must                 // whether it must run
	probed bool                 // the generation takes over only when its health check succeeds

	networks    []attachment
	shares      string   // the unit whose network it uses, instead of networks
	links       []string // NAME or NAME:ALIAS
	volumesFrom []volumeSource
	logs        []string // FOLDER-ON-THE-INSTANCE:PATH
	after       []need   // what it waits for
	owns        []string // the volumes that no other container may write to at the same time

	// hash is equal for units that cannot be told apart. A running container with an equal hash stays
	// when the next generation starts. A unit without a hash never stays.
	hash string
}

// attachment connects a unit to a network of its generation.
type attachment struct {
	network string // "" is the only network of a Dockerrun document
	aliases []string
}

// must is the value of labelEssential.
type must string

const (
	mayStop   must = "false"   // it may end and fail
	mayEnd    must = "ending"  // it may end, but must not fail
	mustRun   must = "running" // it must run; its restart policy is its own
	essential must = "true"    // it must run, and is always restarted once the generation answers
)

// need is a unit that must be in a certain condition before another one starts.
type need struct {
	unit      string
	condition condition
	restart   bool // what needs the unit is replaced whenever the unit is
}

type condition string

const (
	isStarted condition = "service_started"
	isHealthy condition = "service_healthy"
	isDone    condition = "service_completed_successfully"
)

func (u unit) isFront() bool { return u.front != 0 }

// peers returns the units that must exist before u, because u is created with their names.
func (u unit) peers() []string {
	var names []string
	for _, l := range u.links {
		name, _, _ := strings.Cut(l, ":")
		names = append(names, name)
	}
	for _, v := range u.volumesFrom {
		names = append(names, v.container)
	}
	if u.shares != "" {
		names = append(names, u.shares)
	}
	return names
}

func (u unit) needs() []string {
	names := u.peers()
	for _, n := range u.after {
		names = append(names, n.unit)
	}
	return names
}

// orderly is what inOrder sorts: units, and the containers of a Dockerrun document.
type orderly interface {
	id() string
	needs() []string
	isFront() bool
}

func (u unit) id() string { return u.name }

// inOrder puts each one after those that it needs, and the front last if possible: when the front
// answers, the others have had time to fail. It returns false if they need one another.
func inOrder[T orderly](all []T) ([]T, bool) {
	left := slices.Clone(all)
	slices.SortStableFunc(left, func(a, b T) int {
		switch {
		case a.isFront() == b.isFront():
			return 0
		case a.isFront():
			return 1
		}
		return -1
	})
	var sorted []T
	for len(left) > 0 {
		waits := func(name string) bool { return slices.ContainsFunc(left, func(one T) bool { return one.id() == name }) }
		i := slices.IndexFunc(left, func(one T) bool { return !slices.ContainsFunc(one.needs(), waits) })
		if i < 0 {
			return nil, false
		}
		sorted = append(sorted, left[i])
		left = slices.Delete(left, i, i+1)
	}
	return sorted, true
}
