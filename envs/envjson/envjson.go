// Package envjson writes environments as JSON, whose keys are a contract: new ones may come, none is renamed.
package envjson

import (
	"bytes"
	"encoding/json"
	"time"

	"beansprout/envs"
	"beansprout/visible"
)

// Environment is an environment as --json and the board's API show it.
type Environment struct {
	Name         string     `json:"name"`
	Feature      string     `json:"feature"`
	URL          string     `json:"url"`
	Status       string     `json:"status"`
	Health       string     `json:"health"`
	Version      string     `json:"version"`
	Commit       string     `json:"commit"`
	Owner        string     `json:"owner"`
	Created      *time.Time `json:"created"`
	Expires      *time.Time `json:"expires"`
	Keep         *bool      `json:"keep"` // null if it is not known
	ID           string     `json:"id"`
	Application  string     `json:"application"`
	HealthStatus string     `json:"healthStatus"`
	Reason       string     `json:"reason,omitempty"` // why it is never changed although it was created as one of ours
}

// New returns what is shown of an environment.
func New(e envs.Environment) Environment {
	v := Environment{
		Name: e.Name, Feature: e.Feature, URL: e.URL(), Status: string(e.State), Health: e.Health,
		Version: e.Version, Commit: e.Commit, Owner: e.Owner,
		Created: Instant(e.Created), Expires: Instant(e.Expires),
		ID: e.ID, Application: e.Application, HealthStatus: e.Status,
		Reason: e.Moved,
	}
	if protected := e.Protected(); e.ProtectionKnown() {
		v.Keep = &protected
	}
	return v
}

// List returns the JSON of a list of environments: indented, and without characters that control a terminal.
func List(all []envs.Environment) ([]byte, error) {
	views := make([]Environment, 0, len(all))
	for _, e := range all {
		views = append(views, New(e))
	}
	return Text(views)
}

// Text returns a value as indented JSON without characters that control a terminal or mislead a reader.
func Text(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return []byte(visible.JSON(b.String())), nil
}

// Instant returns t for JSON: nil, which is null, if t is not known or JSON cannot express it.
func Instant(t time.Time) *time.Time {
	if t = t.UTC(); t.IsZero() || t.Year() > 9999 {
		return nil
	}
	return &t
}
