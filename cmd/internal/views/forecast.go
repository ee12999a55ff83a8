package views

import (
	"beansprout/builder"
	"beansprout/dockerrun"
	"beansprout/envs"
	"beansprout/mask"
)

// Forecast is what a deploy would do.
type Forecast struct {
	Name    string `json:"name"`
	Feature string `json:"feature"`
	URL     string `json:"url"`
	Action  string `json:"action"`
	Outcome string `json:"outcome"` // create, deploy or unchanged
	// DependsOnPrepare is true if a prepare command can change the outcome: the forecast is made
	// from the files as they are now.
	DependsOnPrepare bool               `json:"dependsOnPrepare"`
	Images           []ImageForecast    `json:"images"`
	Settings         []SettingChange    `json:"settings"` // null while AWS changes the environment
	Document         dockerrun.Document `json:"document"` // Dockerrun.aws.json, or docker-compose.yml as text; null for an artifact
}

// ImageForecast is what a deploy would do about one image.
type ImageForecast struct {
	Name        string `json:"name"`
	State       string `json:"state"`     // "in the registry" or "to be built"
	Reference   string `json:"reference"` // "" if it is to be built
	Digest      string `json:"digest"`
	Platform    string `json:"platform"`
	Fingerprint string `json:"fingerprint"`
}

// SettingChange is a setting that a deploy would change.
type SettingChange struct {
	Namespace string  `json:"namespace"`
	Name      string  `json:"name"`
	Old       *string `json:"old"` // null if it is not set
	New       *string `json:"new"` // null if it is removed
}

// NewForecast returns what a deploy of these images would do.
func NewForecast(would envs.Forecast, images []builder.Image) Forecast {
	outcomes := map[string]string{envs.Created: "create", envs.Deployed: "deploy", envs.Unchanged: "unchanged"}
	f := Forecast{
		Name: would.Environment.Name, Feature: would.Environment.Feature, URL: would.URL, Action: would.Action,
		Outcome: outcomes[would.Outcome], Images: []ImageForecast{},
	}
	for _, i := range images {
		image := ImageForecast{Name: i.Name, State: "to be built", Platform: i.Platform, Fingerprint: i.Fingerprint}
		if i.Cached {
			image.State, image.Reference, image.Digest = "in the registry", i.Reference, i.Digest
		}
		f.Images = append(f.Images, image)
	}
	if would.Settings != nil {
		f.Settings = []SettingChange{}
	}
	for _, s := range would.Settings {
		f.Settings = append(f.Settings, SettingChange{s.Namespace, s.Name, masked(s.Name, s.Old), masked(s.Name, s.New)})
	}
	return f
}

// masked returns the value as it may be shown. It hides a value whose name marks it as secret.
func masked(name string, value *string) *string {
	if value == nil {
		return nil
	}
	shown := mask.Mask{}.With(1, mask.Variable(name, *value)...).Hide(*value)
	return &shown
}
