package localcloud

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

const (
	runningFile = "cloud.json"
	healthPath  = "/_beansprout/health"
)

// ErrStopped says that no local cloud runs in a directory.
var ErrStopped = errors.New("the local cloud is not running")

// Running is what others need to know of a running cloud; it stands in Dir/cloud.json.
type Running struct {
	PID      int       `json:"pid"`
	Port     int       `json:"port"`
	URLPort  int       `json:"urlPort"`
	Endpoint string    `json:"endpoint"`
	Key      string    `json:"key"`
	Secret   string    `json:"secret"`
	Account  string    `json:"account"`
	Started  time.Time `json:"started"`
}

// health is the answer to whoever asks which cloud this is.
type health struct {
	PID     int    `json:"pid"`
	Account string `json:"account"`
}

// publish tells other processes that the cloud answers.
func (c *Cloud) publish(context.Context) error {
	path := filepath.Join(c.cfg.Dir, runningFile)
	c.onClose(func(context.Context) error { return removed(path) })
	return writeJSON(path, Running{
		PID: os.Getpid(), Port: port(c.api), URLPort: port(c.urls), Endpoint: c.Endpoint(),
		Key: c.id.Key, Secret: c.id.Secret, Account: c.id.Account, Started: c.cfg.Now().UTC(),
	})
}

// Status says what runs in dir, or ErrStopped. It asks: a file that a killed cloud left,
// or another cloud on that port, is not a running cloud.
func Status(dir string) (Running, error) {
	var r Running
	raw, err := os.ReadFile(filepath.Join(dir, runningFile))
	if errors.Is(err, fs.ErrNotExist) {
		return r, ErrStopped
	}
	if err == nil {
		err = json.Unmarshal(raw, &r)
	}
	if err != nil {
		return r, fmt.Errorf("read the local cloud's status: %w", err)
	}
	if h, err := ask(r.Endpoint); err != nil || h != (health{r.PID, r.Account}) {
		return Running{}, ErrStopped
	}
	return r, nil
}

func ask(endpoint string) (health, error) {
	var h health
	client := &http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}} // and no proxy
	resp, err := client.Get(endpoint + healthPath)
	if err != nil {
		return h, err
	}
	defer resp.Body.Close()
	return h, json.NewDecoder(resp.Body).Decode(&h)
}

func (c *Cloud) health(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(health{os.Getpid(), c.id.Account}) // a client that left is no error of ours
}
