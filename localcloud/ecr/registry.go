package ecr

import (
	"encoding/json"
	"errors"
	"net/http"
	"regexp"

	"beansprout/localcloud/wire"
)

// place is what a request to the registry is about.
type place struct {
	region string // of the token; "" = all, only for pulls
	name   string // of the repository
	ref    string // digest, tag or upload
}

type route struct {
	method string
	path   *regexp.Regexp // groups: repository, reference
	answer func(http.ResponseWriter, *http.Request, place) error
}

// Registry returns the handler of docker push and docker pull under /v2/, for the user AWS with a
// token. As on AWS only the control API deletes.
func (s *Service) Registry() http.Handler {
	hello := regexp.MustCompile(`^/v2()()/?$`)
	uploads := regexp.MustCompile(`^/v2/(.+)/blobs/uploads()/?$`)
	upload := regexp.MustCompile(`^/v2/(.+)/blobs/uploads/([0-9a-z]+)$`)
	blob := regexp.MustCompile(`^/v2/(.+)/blobs/(sha256:[0-9a-f]{64})$`)
	manifest := regexp.MustCompile(`^/v2/(.+)/manifests/([^/]+)$`)
	tags := regexp.MustCompile(`^/v2/(.+)/tags/list()$`)
	routes := []route{
		{"GET", hello, s.hello}, {"HEAD", hello, s.hello},
		{"POST", uploads, s.beginUpload}, {"PATCH", upload, s.extendUpload}, {"PUT", upload, s.commitUpload},
		{"GET", blob, s.pullBlob}, {"HEAD", blob, s.pullBlob},
		{"GET", manifest, s.pullManifest}, {"HEAD", manifest, s.pullManifest}, {"PUT", manifest, s.pushManifest},
		{"GET", tags, s.listTags},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Docker-Distribution-Api-Version", "registry/2.0")
		if err := s.route(w, r, routes); err != nil {
			s.refuse(w, r, err)
		}
	})
}

func (s *Service) route(w http.ResponseWriter, r *http.Request, routes []route) error {
	region, err := s.authorize(w, r)
	if err != nil {
		return err
	}
	if region == "" && r.Method != http.MethodGet && r.Method != http.MethodHead {
		return &refusal{http.StatusForbidden, "DENIED", "This authorization token may only pull."}
	}
	for _, route := range routes {
		if m := route.path.FindStringSubmatch(r.URL.Path); m != nil && r.Method == route.method {
			return route.answer(w, r, place{region, m[1], m[2]})
		}
	}
	return &refusal{http.StatusMethodNotAllowed, "UNSUPPORTED", "The operation is unsupported."}
}

// authorize returns the region that the request's token opens. As ECR does, it answers a missing or
// foreign token with a challenge, and an expired one with 403 and no challenge
// (github.com/flipt-io/flipt/issues/3043).
func (s *Service) authorize(w http.ResponseWriter, r *http.Request) (region string, err error) {
	user, password, ok := r.BasicAuth()
	region, err = s.verify(password)
	switch {
	case !ok || user != "AWS" || errors.Is(err, errForged):
		w.Header().Set("WWW-Authenticate", `Basic realm="http://`+s.Host()+`/",service="ecr.amazonaws.com"`)
		return "", &refusal{http.StatusUnauthorized, "UNAUTHORIZED", "Not Authorized"}
	case err != nil:
		return "", &refusal{http.StatusForbidden, "DENIED", "Your authorization token has expired. Reauthenticate and try again."}
	}
	return region, nil
}

func (s *Service) hello(w http.ResponseWriter, _ *http.Request, _ place) error {
	writeJSON(w, http.StatusOK, struct{}{})
	return nil
}

// refusal is an error of the registry protocol.
type refusal struct {
	status  int
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (e *refusal) Error() string { return e.Code + ": " + e.Message }

// spoken returns the registry's words for a refusal of the control API.
func spoken(err error) *refusal {
	if e, ok := errors.AsType[*refusal](err); ok {
		return e
	}
	e, ok := errors.AsType[*wire.Error](err)
	if !ok {
		return &refusal{wire.StatusOf(err), "UNKNOWN", err.Error()}
	}
	switch e.Code {
	case "RepositoryNotFoundException":
		return &refusal{http.StatusNotFound, "NAME_UNKNOWN", e.Message}
	case "ImageTagAlreadyExistsException":
		return &refusal{http.StatusBadRequest, "TAG_INVALID", e.Message}
	case "LayersNotFoundException", "ReferencedImagesNotFoundException":
		return &refusal{http.StatusNotFound, "MANIFEST_BLOB_UNKNOWN", e.Message}
	}
	return &refusal{http.StatusBadRequest, "MANIFEST_INVALID", e.Message}
}

func (s *Service) refuse(w http.ResponseWriter, r *http.Request, err error) {
	e := spoken(err)
	if e.status >= http.StatusInternalServerError {
		s.Log.Error("registry", "method", r.Method, "path", r.URL.Path, "error", err)
	}
	writeJSON(w, e.status, map[string][]*refusal{"errors": {e}})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client may have left
}
