package autoscaling

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	bolt "go.etcd.io/bbolt"
)

// groups returns all groups.
func (s *scene) groups() (all []group, err error) {
	err = s.scaling.db.View(func(tx *bolt.Tx) error {
		all, err = groups.All(tx)
		return err
	})
	return all, err
}

// counts writes how many members are in each state.
func (g group) counts() string {
	of := map[string]int{}
	for _, m := range g.Instances {
		of[m.State]++
	}
	var texts []string
	for _, state := range slices.Sorted(maps.Keys(of)) {
		texts = append(texts, fmt.Sprint(of[state], " ", state))
	}
	return strings.Join(texts, ", ")
}
