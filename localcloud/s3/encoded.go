package s3

import (
	"encoding/xml"
	"net/http"
	"net/url"
	"strings"

	"beansprout/pattern"
)

// listedName matches an element of a list with a name that encoding-type=url encodes.
var listedName = pattern.New(`<(Key|Prefix|Delimiter|Marker|NextMarker|StartAfter|KeyMarker|NextKeyMarker)>([^<]*)</`)

// listEnd matches the end of the document of a list.
var listEnd = pattern.New(`</List[A-Za-z]+Result>`)

// encodes reports whether the names of a list must be URL-encoded, which gofakes3 does not do.
func encodes(r *http.Request, action string) bool {
	return strings.HasPrefix(action, "List") && r.URL.Query().Get("encoding-type") == "url"
}

// encoded returns a list with its names URL-encoded.
func encoded(list []byte) []byte {
	list = listedName.ReplaceAllFunc(list, func(element []byte) []byte {
		m := listedName.FindSubmatch(element)
		var name string
		_ = xml.Unmarshal([]byte("<n>"+string(m[2])+"</n>"), &name) // the encoder has written valid XML
		name = strings.ReplaceAll(url.QueryEscape(name), "%2F", "/")
		return []byte("<" + string(m[1]) + ">" + name + "</")
	})
	return listEnd.ReplaceAllFunc(list, func(end []byte) []byte {
		return append([]byte("<EncodingType>url</EncodingType>"), end...)
	})
}
