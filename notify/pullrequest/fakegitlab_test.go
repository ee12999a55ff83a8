package pullrequest

import (
	"fmt"
	"net/http"
	"strconv"
)

// routesOfGitLab are what the real GitLab has of what is asked.
func routesOfGitLab(f *fake) http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, h func(w http.ResponseWriter, r *http.Request)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			f.want(r, map[string]string{"Private-Token": testToken, "Authorization": ""})
			if project := r.PathValue("project"); project != "" && project != "7" && project != "acme/shop" {
				say(w, http.StatusNotFound, "404 Project Not Found")
				return
			}
			f.mu.Lock()
			defer f.mu.Unlock()
			h(w, r)
		})
	}
	json := func(n *note) any {
		return map[string]any{"id": n.id, "body": n.body, "system": false, "author": map[string]any{"username": n.author}}
	}
	const changes = "/api/v4/projects/{project}/merge_requests"
	handle("GET /api/v4/user", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string]any{"username": f.self})
	})
	handle("GET "+changes, func(w http.ResponseWriter, r *http.Request) {
		f.only(r, "state", "source_branch", "per_page")
		all := []any{}
		if r.FormValue("source_branch") == "login" && r.FormValue("state") == "opened" {
			change := func(number, source int) any {
				return map[string]any{"iid": number, "source_branch": "login", "source_project_id": source, "target_project_id": 7}
			}
			all = []any{change(9, 8), change(12, 7)}
		}
		answer(w, http.StatusOK, all)
	})
	handle("GET "+changes+"/{number}/notes", func(w http.ResponseWriter, r *http.Request) {
		f.only(r, "sort", "order_by", "page", "per_page")
		all, more := f.page(r)
		page, _ := strconv.Atoi(r.FormValue("page"))
		if more {
			w.Header().Set("X-Next-Page", fmt.Sprint(page+1))
		} else {
			w.Header().Set("X-Next-Page", "")
		}
		out := []any{map[string]any{"id": 1_000_000, "system": true, "body": "<!-- beansprout:", "author": map[string]any{"username": f.self}}}
		for _, n := range all {
			out = append(out, json(n))
		}
		answer(w, http.StatusOK, out)
	})
	handle("POST "+changes+"/{number}/notes", func(w http.ResponseWriter, r *http.Request) { answer(w, http.StatusCreated, json(f.create(r))) })
	const one = changes + "/{number}/notes/{id}"
	handle("GET "+one, func(w http.ResponseWriter, r *http.Request) { f.answerOne(w, f.find(r), json) })
	handle("PUT "+one, func(w http.ResponseWriter, r *http.Request) { f.answerOne(w, f.edit(r), json) })
	handle("DELETE "+one, func(w http.ResponseWriter, r *http.Request) { f.drop(w, r) })
	mux.HandleFunc("/", f.unknown)
	return mux
}
