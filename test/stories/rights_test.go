package stories

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"beansprout/localcloud"
)

// madeCalls are the operations that the program called in the stories, by the verb that called them.
type madeCalls struct {
	mu     sync.Mutex
	byVerb map[string]map[string]bool // elasticbeanstalk:DescribeEnvironments
}

var made = madeCalls{byVerb: map[string]map[string]bool{}}

// read adds what the request log of a local cloud says of the program's calls.
func (m *madeCalls) read(dir string) {
	for _, name := range []string{"requests.log.1", "requests.log"} {
		f, err := os.Open(filepath.Join(dir, name))
		if err != nil {
			continue // a cloud that was not called has none
		}
		for s := bufio.NewScanner(f); s.Scan(); {
			var e localcloud.Entry
			if json.Unmarshal(s.Bytes(), &e) == nil {
				m.add(e)
			}
		}
		_ = f.Close()
	}
}

func (m *madeCalls) add(e localcloud.Entry) {
	verb, ours := strings.CutPrefix(e.Agent, "beansprout-")
	operation := e.Service + ":" + e.Action
	if e.Service == "registry" { // whose clients are builder's own and the engine, which pulls for the instances
		verb, ours, operation = "up", !strings.HasPrefix(e.Agent, "docker/"), e.Right()
	}
	if !ours || operation == "" || e.Action == "" {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.byVerb[verb] == nil {
		m.byVerb[verb] = map[string]bool{}
	}
	m.byVerb[verb][operation] = true
}
