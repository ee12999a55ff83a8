package s3

import (
	"encoding/xml"
	"net/http"
	"strconv"

	"github.com/johannesboyne/gofakes3"

	"beansprout/localcloud/wire"
)

// maxParts is how many parts an upload can have.
const maxParts = 10_000

// refusedPart refuses an invalid part number.
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

// partList is the list of parts with which an upload is completed.
type partList struct {
	Parts []struct {
		PartNumber                                                                     int
		ChecksumCRC32, ChecksumCRC32C, ChecksumCRC64NVME, ChecksumSHA1, ChecksumSHA256 string
	} `xml:"Part"`
}

// checksum returns the checksum of a part in the list.
func (l partList) checksum(i int, name string) string {
	p := l.Parts[i]
	return map[string]string{"CRC32": p.ChecksumCRC32, "CRC32C": p.ChecksumCRC32C, usualChecksum: p.ChecksumCRC64NVME,
		"SHA1": p.ChecksumSHA1, "SHA256": p.ChecksumSHA256}[name]
}

// refusedCompletion refuses lists of parts that gofakes3 would accept in any order.
func refusedCompletion(document []byte) *wire.Error {
	var list partList
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

// completion is an upload that gofakes3 is about to turn into an object.
type completion struct {
	sizes map[int]int
	list  partList
	total string // bytes that the client expects; "" = any number
}

// complete tells the backend the parts of the object that gofakes3 is about to make.
func (o *objects) complete(r *http.Request, document []byte) {
	c := &completion{sizes: o.uploads[r.URL.Query().Get("uploadId")], total: r.Header.Get("X-Amz-Mp-Object-Size")}
	_ = xml.Unmarshal(document, &c.list) // refusedCompletion has checked it
	o.completing = c
}

// follow records the sizes of the parts of an upload, which gofakes3 does not keep.
func (o *objects) follow(r *http.Request, action string, size int) {
	query := r.URL.Query()
	id := query.Get("uploadId")
	switch action {
	case "UploadPart":
		if o.uploads[id] == nil {
			o.uploads[id] = map[int]int{}
		}
		n, _ := strconv.Atoi(query.Get("partNumber")) // refusedPart has checked it
		o.uploads[id][n] = size
	case "CompleteMultipartUpload", "AbortMultipartUpload":
		delete(o.uploads, id)
	}
}

// parts cuts an object into the parts in which it was put, and checks what the client states about
// them.
func (c *completion) parts(sum checksum, body []byte) ([][]byte, error) {
	if c.total != "" && c.total != strconv.Itoa(len(body)) {
		return nil, gofakes3.ErrorMessagef(gofakes3.ErrInvalidArgument, "The provided 'x-amz-mp-object-size' header does not match what was computed.")
	}
	var parts [][]byte
	for i, p := range c.list.Parts {
		part := body[:min(c.sizes[p.PartNumber], len(body))]
		body = body[len(part):]
		if given := c.list.checksum(i, sum.name); given != "" && given != sum.of(part) {
			return nil, gofakes3.ErrorMessagef(gofakes3.ErrInvalidPart, "The checksum of part %d does not match.", p.PartNumber)
		}
		parts = append(parts, part)
	}
	return parts, nil
}

// listNone answers the list of uploads of a bucket that never had one, which gofakes3 refuses.
func (a *answer) listNone(r *http.Request) {
	bucket, _ := place(r)
	write(a.ResponseWriter, r, gofakes3.ListMultipartUploadsResult{Bucket: bucket, Prefix: r.URL.Query().Get("prefix"), MaxUploads: gofakes3.DefaultMaxUploads})
}
