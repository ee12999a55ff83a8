package board

import (
	"net/http"
	"slices"
	"strings"

	"beansprout/envs"
	"beansprout/envs/envjson"
)

// serveAPI serves the environments as list --json prints them, filtered as a page is.
func (b *Board) serveAPI(w http.ResponseWriter, r *http.Request) {
	f, complaints := parseFilter(r.URL.Query())
	if len(complaints) > 0 {
		http.Error(w, complaints[0], http.StatusBadRequest)
		return
	}
	s := b.hub.recent(r.Context())
	var all []envs.Environment
	for _, l := range s.lines {
		if l.State != stateRemoved && f.passes(l) {
			all = append(all, s.subjects[l.Key].environment)
		}
	}
	slices.SortStableFunc(all, func(a, b envs.Environment) int { return strings.Compare(a.Name, b.Name) })
	text, err := envjson.List(all)
	if err != nil {
		b.log.Error("board", "page", "api", "error", err.Error())
		http.Error(w, "The list could not be written. The daemon's log says why.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Cache-Control", "private, no-cache") // a client may ask whether what it has is still right
	answer(w, r, http.StatusOK, "application/json", text)
}
