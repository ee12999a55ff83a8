package sigv4

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// PresignGet returns the URL with which anybody may GET an S3 object until life is over,
// which is at least a second and at most a week. scope names key, region and service; its
// date is now's.
func PresignGet(endpoint *url.URL, bucket, object string, scope Scope, secret string, now time.Time, life time.Duration) string {
	now = now.UTC()
	scope.Date = now.Format("20060102")
	seconds := int(max(time.Second, min(life, maxLife)) / time.Second)
	c := claim{scope: scope, signed: []string{"host"}, at: now, query: url.Values{
		"X-Amz-Algorithm":     {algorithm},
		"X-Amz-Credential":    {scope.Key + "/" + scope.String()},
		"X-Amz-Date":          {now.Format(stamp)},
		"X-Amz-Expires":       {strconv.Itoa(seconds)},
		"X-Amz-SignedHeaders": {"host"},
	}}
	path := "/" + escape(bucket) + "/" + escape(object)
	signature := c.sign(&http.Request{Method: http.MethodGet, Host: endpoint.Host, RequestURI: path}, unsigned, secret)
	return fmt.Sprintf("%s://%s%s?%s&X-Amz-Signature=%s", endpoint.Scheme, endpoint.Host, path, c.query.Encode(), signature)
}

// escape is AWS's: everything but unreserved characters and slashes.
func escape(key string) string {
	return strings.NewReplacer("+", "%20", "%2F", "/").Replace(url.QueryEscape(key))
}
