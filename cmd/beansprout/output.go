package main

import (
	"time"

	"beansprout/envs"
)

// view is an environment as --json shows it. Keys are a contract: new ones may come, none is renamed.
type view struct {
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

func newView(e envs.Environment) view {
	v := view{
		Name: e.Name, Feature: e.Feature, URL: e.URL(), Status: string(e.State), Health: e.Health,
		Version: e.Version, Commit: e.Commit, Owner: e.Owner,
		Created: instant(e.Created), Expires: instant(e.Expires),
		ID: e.ID, Application: e.Application, HealthStatus: e.Status,
		Reason: e.Moved,
	}
	if protected := e.Protected(); e.ProtectionKnown() {
		v.Keep = &protected
	}
	return v
}

// instant returns t for JSON: nil, which is null, if t is not known or JSON cannot express it.
func instant(t time.Time) *time.Time {
	if t = t.UTC(); t.IsZero() || t.Year() > 9999 {
		return nil
	}
	return &t
}

// past returns word followed by how long ago t was, or "" if t is not known.
func past(t *time.Time, now time.Time, word string) string {
	if t == nil {
		return ""
	}
	return word + envs.Ago(*t, now)
}

// short returns the first digits of a commit, as people write it.
func short(commit string) string { return envs.ShortCommit(commit, 12) }
