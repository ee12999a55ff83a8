package ecr

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"time"
)

func (s *Service) pullBlob(w http.ResponseWriter, r *http.Request, p place) error {
	if _, err := s.candidates(p); err != nil {
		return err
	}
	if !s.blobs.reserve(p.ref) {
		return &refusal{http.StatusNotFound, "BLOB_UNKNOWN", "The blob is unknown."}
	}
	f, err := os.Open(s.blobs.path(p.ref))
	if err != nil {
		return fmt.Errorf("read blob: %w", err)
	}
	defer f.Close()
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Docker-Content-Digest", p.ref)
	http.ServeContent(w, r, "", time.Time{}, f)
	return nil
}

func (s *Service) pullManifest(w http.ResponseWriter, _ *http.Request, p place) error {
	img, err := s.locate(p)
	if err != nil {
		return err
	}
	body, err := os.ReadFile(s.blobs.path(img.Digest))
	if err != nil {
		return fmt.Errorf("read manifest: %w", err)
	}
	w.Header().Set("Content-Type", img.MediaType)
	w.Header().Set("Docker-Content-Digest", img.Digest)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body) // net/http drops it for HEAD; the client may have left
	return nil
}

func (s *Service) listTags(w http.ResponseWriter, _ *http.Request, p place) error {
	rs, err := s.candidates(p)
	if err != nil {
		return err
	}
	all := map[string]string{}
	for _, r := range rs {
		maps.Copy(all, r.Tags)
	}
	tags := append([]string{}, slices.Sorted(maps.Keys(all))...)
	writeJSON(w, http.StatusOK, map[string]any{"name": p.name, "tags": tags})
	return nil
}

// locate finds the image of a tag or digest. If a token for all regions finds several, it returns
// the one that was pushed last.
func (s *Service) locate(p place) (found image, err error) {
	rs, err := s.candidates(p)
	for _, r := range rs {
		img, ok := r.Images[cmp.Or(r.Tags[p.ref], p.ref)]
		if ok && !img.Pushed.Before(found.Pushed) {
			found = img
		}
	}
	if err == nil && found.Digest == "" {
		err = &refusal{http.StatusNotFound, "MANIFEST_UNKNOWN", "Requested image not found"}
	}
	return found, err
}

// candidates returns the repositories of that name that the token opens, at least one.
func (s *Service) candidates(p place) ([]*repository, error) {
	rs, err := s.store.all(func(r *repository) bool {
		return r.Name == p.name && (p.region == "" || p.region == r.Region)
	})
	if err == nil && len(rs) == 0 {
		err = noRepository(s.Account, p.name)
	}
	for i := range rs {
		if err == nil {
			rs[i], err = s.settled(rs[i].Region, p.name, s.Now())
		}
	}
	return rs, err
}
