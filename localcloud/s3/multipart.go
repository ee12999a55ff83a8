package s3

import (
	"encoding/xml"
	"net/http"
	"strconv"
	"strings"

	"github.com/johannesboyne/gofakes3"

	"beansprout/localcloud/wire"
)

// maxParts is how many parts an upload can have.
const maxParts = 10_000

// refusedPart refuses the number of a part that no upload has.
func refusedPart(r *http.Request) *wire.Error {
	given := r.URL.Query()
	if !given.Has("partNumber") {
		return nil
	}
	if n, err := strconv.Atoi(given.Get("partNumber")); err != nil || n < 1 || n > maxParts {
		return wire.Errorf("InvalidArgument", "Part number must be an integer between 1 and %d, inclusive", maxParts)
	}
	return nil
}

// refusedCompletion refuses lists of parts that gofakes3 would put together as they come.
func refusedCompletion(document []byte) *wire.Error {
	var list struct {
		Parts []struct{ PartNumber int } `xml:"Part"`
	}
	if err := xml.Unmarshal(document, &list); err != nil || len(list.Parts) == 0 {
		return malformed()
	}
	for i, p := range list.Parts[1:] {
		if p.PartNumber <= list.Parts[i].PartNumber {
			return wire.Errorf("InvalidPartOrder", "The list of parts was not in ascending order. Parts must be ordered by part number.")
		}
	}
	return nil
}

// listNone lists the uploads of a bucket that has had none yet, which gofakes3 refuses.
func (a *answer) listNone(r *http.Request) {
	bucket, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	body, _ := xml.Marshal(gofakes3.ListMultipartUploadsResult{Bucket: bucket, Prefix: r.URL.Query().Get("prefix"), MaxUploads: gofakes3.DefaultMaxUploads}) // strings cannot fail
	a.dress()
	a.Header().Set("Content-Type", "application/xml")
	_, _ = a.ResponseWriter.Write(append([]byte(xml.Header), body...)) // a client that left is no error of ours
}
