package s3

import (
	"cmp"
	"net/http"
	"strings"
)

// ActionOf returns the name of r's action in S3's API reference, such as GetObject or ListObjectsV2.
func ActionOf(r *http.Request) string {
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	query := r.URL.Query()
	var name string
	switch {
	case query.Has("uploadId"):
		name = byMethod(r, "ListParts", "UploadPart", "AbortMultipartUpload", "CompleteMultipartUpload", "")
	case query.Has("uploads"):
		name = byMethod(r, "ListMultipartUploads", "", "", "CreateMultipartUpload", "")
	case bucket == "":
		name = byMethod(r, "ListBuckets", "", "", "", "")
	case key == "":
		name = byMethod(r, reading(r), "CreateBucket", "DeleteBucket", "DeleteObjects", "HeadBucket")
	case r.Header.Get("X-Amz-Copy-Source") != "":
		name = byMethod(r, "", "CopyObject", "", "", "")
	default:
		name = byMethod(r, "GetObject", "PutObject", "DeleteObject", "", "HeadObject")
	}
	return cmp.Or(name, r.Method)
}

func byMethod(r *http.Request, get, put, del, post, head string) string {
	return map[string]string{"GET": get, "PUT": put, "DELETE": del, "POST": post, "HEAD": head}[r.Method]
}

// reading returns the name of the action of a GET of a bucket.
func reading(r *http.Request) string {
	query := r.URL.Query()
	switch {
	case query.Has("location"):
		return "GetBucketLocation"
	case query.Has("versioning"):
		return "GetBucketVersioning"
	case query.Get("list-type") == "2":
		return "ListObjectsV2"
	}
	return "ListObjects"
}
