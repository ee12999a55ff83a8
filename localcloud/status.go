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

// ErrStopped is reported if no local cloud runs in a directory.
var ErrStopped = errors.New("the local cloud is not running")

// Running is what other processes must know of a running cloud. Dir/cloud.json holds it.
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

// health is the answer that tells which cloud this is.
type health struct {
	PID     int    `json:"pid"`
	Account string `json:"account"`
}

// publish writes cloud.json, so that other processes find the cloud.
func (c *Cloud) publish(context.Context) error {
	path := filepath.Join(c.cfg.Dir, runningFile)
	c.onClose(func(context.Context) error { return removed(path) })
	return writeJSON(path, Running{
		PID: os.Getpid(), Port: port(c.api), URLPort: port(c.urls), Endpoint: c.Endpoint(),
		Key: c.id.Key, Secret: c.id.Secret, Account: c.id.Account, Started: c.cfg.Now().UTC(),
	})
}

// Status returns the cloud that runs in dir, or ErrStopped. It asks the cloud, because a killed
// cloud leaves its file and another cloud may have its port.
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
	client := &http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}} // without a proxy
	resp, err := client.Get(endpoint + healthPath)
	if err != nil {
		return h, err
	}
	defer resp.Body.Close()
	return h, json.NewDecoder(resp.Body).Decode(&h)
}

func (c *Cloud) health(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(health{os.Getpid(), c.id.Account}) // the client may have left
}
