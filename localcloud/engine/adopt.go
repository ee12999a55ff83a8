package engine

import (
	"context"
	"strconv"

	"github.com/docker/docker/api/types/container"
)

// found is a generation as the labels of its containers describe it.
type found struct {
	front
	id, key    string
	missing    int      // how many of its containers do not exist
	essentials []string // the ids of the essential containers
	down       []string // the names, in the document, of containers that must run and do not
}

// adopt looks for the generations of an earlier process. It puts the wanted generation behind the
// URL if that runs and answers, and returns true. Any other generation that runs and answers serves
// while its successor starts. All others are removed.
func (e *Engine) adopt(ctx context.Context, s *site, id, key string) (bool, error) {
	list, err := e.docker.ContainerList(ctx, container.ListOptions{All: true, Filters: e.mine(labelEnvironment, id)})
	if err != nil {
		return false, err
	}
	generations := group(list)
	adopted := e.adoptOne(ctx, s, id, generations, func(f found) bool { return f.key == key })
	if _, serving := s.current(); !serving {
		e.adoptOne(ctx, s, id, generations, func(found) bool { return true })
	}
	return adopted, e.clear(ctx, s, id)
}

func (e *Engine) adoptOne(ctx context.Context, s *site, id string, all map[string]found, fits func(found) bool) bool {
	for _, f := range all {
		now, _ := s.current()
		draining := f.id != now && !s.leftover(f.id)
		if draining || !fits(f) || !f.whole() || f.ask(ctx) != nil || e.settle(ctx, f.essentials) != nil {
			continue
		}
		if f.id != now {
			s.mark(f.id, true)
			e.switchTo(ctx, s, id, newProxy(ctx, f.id, f.port))
			e.Log.Info("generation adopted", "environment", id, "generation", f.id)
		}
		return true
	}
	return false
}

func (f found) whole() bool { return len(f.down) == 0 && f.missing == 0 }

// group groups containers by generation.
func group(list []container.Summary) map[string]found {
	all := map[string]found{}
	for _, c := range list {
		id := c.Labels[labelGeneration]
		f, known := all[id]
		if !known {
			f.id, f.key = id, c.Labels[labelKey]
			f.missing, _ = strconv.Atoi(c.Labels[labelCount])
		}
		all[id] = f.with(c)
	}
	return all
}

func (f found) with(c container.Summary) found {
	f.missing--
	port, isFront := c.Labels[labelFront]
	if isFront {
		f.port, _ = strconv.Atoi(port)
		f.host, f.path = c.Labels[labelHost], c.Labels[labelHealth]
	}
	isEssential := c.Labels[labelEssential] == "true"
	if isEssential {
		f.essentials = append(f.essentials, c.ID)
	}
	if c.State != container.StateRunning && (isEssential || isFront) {
		f.down = append(f.down, c.Labels[labelContainer])
	}
	return f
}
