package engine

import (
	"context"
	"maps"
	"slices"
	"strconv"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
)

// found is a generation as the labels of its containers describe it.
type found struct {
	front
	id, key    string
	missing    int      // how many of its containers do not exist
	essentials []string // the ids of the essential containers
	down       []string // the names, in the document, of containers that must run and do not
}

// adopt returns true if the wanted generation is the one behind the URL, and runs and answers. After a
// start of this process, the newest generation that runs and answers is put behind the URL: it
// serves while its successor starts. Older ones may have lost containers to it. All others are
// removed.
func (e *Engine) adopt(ctx context.Context, s *site, id, key string) (bool, error) {
	generations, err := e.find(ctx, id)
	if err != nil {
		return false, err
	}
	now, serving := s.current()
	candidates := []string{now}
	if !serving {
		candidates = slices.Sorted(maps.Keys(generations))
	}
	adopted := false
	for _, one := range slices.Backward(candidates) {
		f := generations[one]
		if !f.whole() || f.ask(ctx) != nil || e.settle(ctx, f.essentials) != nil {
			continue
		}
		if !serving {
			s.mark(f.id, true)
			e.switchTo(ctx, s, id, newProxy(ctx, f.id, f.port))
			e.Log.Info("generation adopted", "environment", id, "generation", f.id)
		}
		adopted = f.key == key
		break
	}
	return adopted, e.clear(ctx, s, id)
}

func (f found) whole() bool { return f.key != "" && len(f.down) == 0 && f.missing == 0 }

// find returns the generations of an environment. Their networks tell what they consist of.
func (e *Engine) find(ctx context.Context, id string) (map[string]found, error) {
	networks, err := e.docker.NetworkList(ctx, network.ListOptions{Filters: e.mine(labelEnvironment, id)})
	if err != nil {
		return nil, err
	}
	list, err := e.docker.ContainerList(ctx, container.ListOptions{All: true, Filters: e.mine(labelEnvironment, id)})
	if err != nil {
		return nil, err
	}
	all := map[string]found{}
	for _, n := range networks {
		count, _ := strconv.Atoi(n.Labels[labelCount])
		all[n.Labels[labelGeneration]] = found{id: n.Labels[labelGeneration], key: n.Labels[labelKey], missing: count}
	}
	for _, c := range list {
		for _, g := range e.generations(c) {
			all[g] = all[g].with(c)
		}
	}
	return all, nil
}

func (f found) with(c container.Summary) found {
	f.missing--
	port := c.Labels[labelFront]
	isFront := port != ""
	if isFront {
		f.port, _ = strconv.Atoi(port)
		f.host, f.path = c.Labels[labelHost], c.Labels[labelHealth]
	}
	must := must(c.Labels[labelEssential])
	if must == essential {
		f.essentials = append(f.essentials, c.ID)
	}
	if c.State != container.StateRunning && (must == essential || must == mustRun || isFront) {
		f.down = append(f.down, c.Labels[labelContainer])
	}
	return f
}
