package ecr

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strings"

	"beansprout/localcloud/wire"
	"beansprout/pattern"
)

// The registry protocol limits tags to fewer characters than ECR, which allows 300.
var (
	tagForm    = pattern.New(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$`)
	digestForm = pattern.New(`^sha256:[0-9a-f]{64}$`)
)

// beginUpload ignores ?mount= and ?digest=, so that the client uploads, as the protocol demands then.
func (s *Service) beginUpload(w http.ResponseWriter, _ *http.Request, p place) error {
	if _, err := s.lookup(p.region, p.name); err != nil {
		return err
	}
	id, err := s.blobs.begin(nil)
	if err != nil {
		return fmt.Errorf("begin upload: %w", err)
	}
	p.ref = id
	accept(w, p, 0)
	return nil
}

func (s *Service) extendUpload(w http.ResponseWriter, r *http.Request, p place) error {
	size, err := s.blobs.extend(p.ref, r.Body)
	if err != nil {
		return uploadError(err)
	}
	accept(w, p, size)
	return nil
}

func (s *Service) commitUpload(w http.ResponseWriter, r *http.Request, p place) error {
	digest := r.URL.Query().Get("digest")
	if !digestForm.MatchString(digest) {
		return uploadError(errDigest)
	}
	if _, err := s.blobs.extend(p.ref, r.Body); err != nil {
		return uploadError(err)
	}
	if err := s.blobs.commit(p.ref, digest); err != nil {
		return uploadError(err)
	}
	created(w, p.name, "blobs", digest)
	return nil
}

func uploadError(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &refusal{http.StatusNotFound, "BLOB_UPLOAD_UNKNOWN", "The upload is unknown."}
	case errors.Is(err, errDigest):
		return &refusal{http.StatusBadRequest, "DIGEST_INVALID", errDigest.Error()}
	}
	return fmt.Errorf("store upload: %w", err)
}

func accept(w http.ResponseWriter, p place, size int64) {
	w.Header().Set("Location", "/v2/"+p.name+"/blobs/uploads/"+p.ref)
	w.Header().Set("Docker-Upload-Uuid", p.ref)
	w.Header().Set("Range", fmt.Sprintf("0-%d", max(0, size-1)))
	w.WriteHeader(http.StatusAccepted)
}

func created(w http.ResponseWriter, name, kind, digest string) {
	w.Header().Set("Location", "/v2/"+name+"/"+kind+"/"+digest)
	w.Header().Set("Docker-Content-Digest", digest)
	w.WriteHeader(http.StatusCreated)
}

func (s *Service) pushManifest(w http.ResponseWriter, r *http.Request, p place) error {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxManifest))
	if err != nil {
		return wire.Errorf("InvalidParameterException", "read manifest: %v", err)
	}
	m, err := parseManifest(body, r.Header.Get("Content-Type"))
	if err != nil {
		return wire.Errorf("InvalidParameterException", "%v", err)
	}
	tag := p.ref
	switch isDigest := strings.Contains(p.ref, ":"); {
	case isDigest && p.ref != m.Digest:
		return uploadError(errDigest)
	case isDigest:
		tag = ""
	case !tagForm.MatchString(tag):
		return &refusal{http.StatusBadRequest, "TAG_INVALID", "The tag is invalid."}
	}
	err = s.push(p.region, p.name, tag, m, body, func(r *repository) error { return r.writable(tag) })
	if err == nil {
		created(w, p.name, "manifests", m.Digest)
	}
	return err
}

// push stores an image if all its parts exist and refuse returns nil.
func (s *Service) push(region, name, tag string, m manifest, body []byte, refuse func(*repository) error) error {
	if _, err := s.lookup(region, name); err != nil {
		return err
	}
	id, err := s.blobs.begin(body)
	if err != nil {
		return fmt.Errorf("write manifest: %w", err)
	}
	if err := s.blobs.commit(id, m.Digest); err != nil {
		return fmt.Errorf("write manifest: %w", err)
	}
	_, err = s.update(region, name, func(r *repository) error {
		if err := r.lack(m, s.blobs.reserve); err != nil {
			return err
		}
		if err := refuse(r); err != nil {
			return err
		}
		r.put(m, tag, s.Now())
		return nil
	})
	return err
}
