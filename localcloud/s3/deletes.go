package s3

import (
	"encoding/xml"
	"net/http"

	"beansprout/localcloud/wire"
)

// maxKeys is how many objects one request can delete.
const maxKeys = 1000

// doomed is an object that DeleteObjects must delete.
type doomed struct {
	Key, ETag              string
	VersionID              string `xml:"VersionId"`
	LastModifiedTime, Size *string
}

type deletion struct {
	Key string
}

type undeleted struct {
	Key, Code, Message string
}

// deleteAll performs DeleteObjects, for which gofakes3 would ignore the ETags.
func (g guard) deleteAll(w http.ResponseWriter, r *http.Request, document []byte) *wire.Error {
	var in struct {
		XMLName xml.Name `xml:"Delete"`
		Objects []doomed `xml:"Object"`
		Quiet   bool
	}
	if err := xml.Unmarshal(document, &in); err != nil || len(in.Objects) == 0 || len(in.Objects) > maxKeys {
		return malformed()
	}
	bucket, _ := place(r)
	if exists, err := g.backend.BucketExists(bucket); err != nil || !exists {
		return &wire.Error{Code: "NoSuchBucket", Message: message("NoSuchBucket"), Status: http.StatusNotFound}
	}
	var out struct {
		XMLName xml.Name    `xml:"http://s3.amazonaws.com/doc/2006-03-01/ DeleteResult"`
		Deleted []deletion  `xml:",omitempty"`
		Error   []undeleted `xml:",omitempty"`
	}
	for _, d := range in.Objects {
		e := g.delete(bucket, d)
		switch {
		case e != nil:
			out.Error = append(out.Error, undeleted{d.Key, e.Code, e.Message})
		case !in.Quiet:
			out.Deleted = append(out.Deleted, deletion{d.Key})
		}
	}
	write(w, r, out)
	return nil
}

// delete deletes one object if it meets the conditions.
func (g guard) delete(bucket string, d doomed) *wire.Error {
	if d.VersionID != "" || d.LastModifiedTime != nil || d.Size != nil {
		return notImplemented("VersionId, LastModifiedTime and Size of an object to delete")
	}
	if d.ETag != "" {
		if e := g.backend.unmet(bucket, d.Key, conditions{match: d.ETag}); e != nil {
			return e
		}
	}
	_, err := g.backend.DeleteObject(bucket, d.Key)
	return refusalOf(err)
}
