package s3

import (
	"bytes"
	"encoding/hex"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3bolt"
)

// objects is the backend with a lock, so that no object changes between the condition of a
// delete and the delete. The conditions of puts it keeps by itself.
type objects struct {
	*s3bolt.Backend
	mu sync.Mutex
}

// PutObject implements gofakes3.Backend.
func (o *objects) PutObject(bucket, key string, meta map[string]string, input io.Reader, size int64, conditions *gofakes3.PutConditions) (gofakes3.PutObjectResult, error) {
	body, err := gofakes3.ReadAll(input, size)
	if err != nil {
		return gofakes3.PutObjectResult{}, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.Backend.PutObject(bucket, key, meta, bytes.NewReader(body), size, conditions)
}

// deleteIf lets next delete the object of r if its ETag is the one that r wants, or if there
// is none, and says whether it has.
func (o *objects) deleteIf(w http.ResponseWriter, r *http.Request, next http.Handler) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	want := strings.Trim(r.Header.Get("If-Match"), `"`)
	if object, err := o.HeadObject(bucket, key); err == nil && want != "*" && want != hex.EncodeToString(object.Hash) {
		return false
	}
	next.ServeHTTP(w, r)
	return true
}
