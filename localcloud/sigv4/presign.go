package sigv4

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// PresignGet returns a URL that allows its holder to GET an S3 object for life, which it limits to
// between a second and a week. scope gives key, region and service; the date is that of now.
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

// escape escapes a key as AWS does: all but unreserved characters and slashes.
func escape(key string) string {
	return strings.NewReplacer("+", "%20", "%2F", "/").Replace(url.QueryEscape(key))
}
