package s3

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"beansprout/localcloud/wire"
)

// conditions are the conditions of a request on an object (RFC 9110, section 13).
type conditions struct {
	match, noneMatch     string
	modified, unmodified time.Time
}

// conditionsOf reads the conditions from the headers that begin with prefix. It ignores an invalid
// date, as the RFC demands.
func conditionsOf(h http.Header, prefix string) conditions {
	date := func(name string) time.Time {
		t, _ := http.ParseTime(h.Get(prefix + name))
		return t
	}
	return conditions{h.Get(prefix + "If-Match"), h.Get(prefix + "If-None-Match"), date("If-Modified-Since"), date("If-Unmodified-Since")}
}

// verdict is the result of the conditions on an object that exists.
type verdict int

const (
	met verdict = iota
	failed
	unmodified
)

// judge evaluates the conditions as S3 does: those on the ETag take precedence over those on the date.
func (c conditions) judge(etag string, changed time.Time) verdict {
	switch {
	case c.match != "" && !matches(c.match, etag), c.match == "" && !c.unmodified.IsZero() && changed.After(c.unmodified):
		return failed
	case c.noneMatch != "" && matches(c.noneMatch, etag), c.noneMatch == "" && !c.modified.IsZero() && !changed.After(c.modified):
		return unmodified
	}
	return met
}

// matches reports whether an ETag is one of those in wanted, or wanted is *.
func matches(wanted, etag string) bool {
	return slices.ContainsFunc(strings.Split(wanted, ","), func(w string) bool {
		w = strings.TrimSpace(w)
		return w == "*" || strings.Trim(w, `"`) == strings.Trim(etag, `"`)
	})
}

// refusedCondition refuses conditions that S3 does not accept for a write.
func refusedCondition(h http.Header, action string) *wire.Error {
	switch action {
	case "PutObject", "CopyObject", "CompleteMultipartUpload":
		if none := h.Get("If-None-Match"); none != "" && none != "*" {
			return notImplemented("If-None-Match with an ETag")
		}
		if h.Get("If-Match") == "*" {
			return notImplemented("If-Match without an ETag")
		}
	}
	return nil
}

// unmet evaluates the conditions of a write on the object that it would change. The answer evaluates
// those of a read.
func (g guard) unmet(r *http.Request, action string) *wire.Error {
	c := conditionsOf(r.Header, "")
	if !writes(action) || c == (conditions{}) {
		return nil
	}
	bucket, key := place(r)
	return g.backend.unmet(bucket, key, c)
}

// unmet returns a refusal if the object under a key does not meet the conditions.
func (o *objects) unmet(bucket, key string, c conditions) *wire.Error {
	object, err := o.HeadObject(bucket, key)
	e := refusalOf(err)
	switch {
	case e != nil && e.Code == "NoSuchKey" && c.match == "":
		return nil
	case e != nil:
		return e
	case c.judge(etagOf(object), time.Time{}) != met:
		return preconditionFailed()
	}
	return nil
}

func preconditionFailed() *wire.Error {
	return &wire.Error{Code: "PreconditionFailed", Message: message("PreconditionFailed"), Status: http.StatusPreconditionFailed}
}
