package pullrequest

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// fakeDeployments are GitHub's deployments.
type fakeDeployments struct {
	deployments []*fakeDeployment
	forbidden   bool // the token has no right to them
}

type fakeDeployment struct {
	ID          int64           `json:"id"`
	Ref         string          `json:"ref"`
	Environment string          `json:"environment"`
	Payload     json.RawMessage `json:"payload"`
	states      []fakeStatus
}

type fakeStatus struct {
	State          string `json:"state"`
	AutoInactive   *bool  `json:"auto_inactive"`
	Description    string `json:"description"`
	EnvironmentURL string `json:"environment_url"`
	LogURL         string `json:"log_url"`
}

// routeDeployments serves deployments. It takes only what the API's description has.
func (f *fake) routeDeployments(handle func(string, func(http.ResponseWriter, *http.Request)), base string) {
	handle("POST "+base, func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			Ref, Environment string
			Payload          json.RawMessage
			AutoMerge        *bool     `json:"auto_merge"`
			RequiredContexts *[]string `json:"required_contexts"`
			Transient        bool      `json:"transient_environment"`
			Production       *bool     `json:"production_environment"`
		}
		if f.forbidden {
			say(w, http.StatusForbidden, "Resource not accessible by integration")
			return
		}
		if !f.decode(r, &in) || in.Ref == "" || in.Environment == "" || in.AutoMerge == nil || *in.AutoMerge ||
			in.RequiredContexts == nil || len(*in.RequiredContexts) != 0 || !in.Transient || in.Production == nil || *in.Production {
			f.Errorf("a deployment: %+v", in)
		}
		f.last++
		quoted, _ := json.Marshal(string(in.Payload)) // some versions give it back as text
		d := &fakeDeployment{ID: f.last, Ref: in.Ref, Environment: in.Environment, Payload: in.Payload}
		if len(f.deployments)%2 == 1 {
			d.Payload = quoted
		}
		f.deployments = append(f.deployments, d)
		answer(w, http.StatusCreated, d)
	})
	handle("GET "+base, func(w http.ResponseWriter, r *http.Request) {
		f.only(r, "environment", "per_page")
		all := []any{}
		for i := len(f.deployments) - 1; i >= 0; i-- {
			all = append(all, f.deployments[i]) // as a server that does not know the parameter
		}
		answer(w, http.StatusOK, all)
	})
	handle("GET "+base+"/{id}/statuses", func(w http.ResponseWriter, r *http.Request) {
		f.only(r, "per_page")
		states := []any{}
		if d := f.deployment(r); len(d.states) > 0 {
			states = append(states, d.states[len(d.states)-1])
		}
		answer(w, http.StatusOK, states)
	})
	handle("POST "+base+"/{id}/statuses", func(w http.ResponseWriter, r *http.Request) {
		var in fakeStatus
		if !f.decode(r, &in) || in.AutoInactive == nil || *in.AutoInactive || len(in.Description) > 140 {
			f.Errorf("a status: %+v", in)
		}
		d := f.deployment(r)
		d.states = append(d.states, in)
		answer(w, http.StatusCreated, in)
	})
}

func (f *fake) deployment(r *http.Request) *fakeDeployment {
	id, _ := strconv.ParseInt(r.PathValue("id"), 10, 64)
	for _, d := range f.deployments {
		if d.ID == id {
			return d
		}
	}
	f.Errorf("%s: there is no such deployment", r.URL)
	return &fakeDeployment{}
}

// states returns the last states of the deployments, in their order.
func (f *fake) states() (all []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, d := range f.deployments {
		state := "none"
		if len(d.states) > 0 {
			state = d.states[len(d.states)-1].State
		}
		all = append(all, state)
	}
	return all
}
