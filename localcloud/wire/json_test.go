package wire

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

type imagesIn struct {
	RepositoryName string    `json:"repositoryName" aws:"required,min=2"`
	Max            *int      `json:"maxResults" aws:"min=1"`
	Since          time.Time `json:"since"`
	Tags           []string  `json:"tags"`
	Force          bool      `json:"force"`
}

type imageOut struct {
	Name     string     `json:"repositoryName"`
	Tags     []string   `json:"imageTags,omitempty"`
	PushedAt time.Time  `json:"imagePushedAt"`
	Size     int        `json:"imageSizeInBytes"`
	Scan     *bool      `json:"scan"`
	Failures []setting  `json:"failures"`
	Gone     *time.Time `json:"gone"`
}

func TestJSON(t *testing.T) {
	var seen imagesIn
	ops := operations(new(note))
	ops["Describe"] = Op(func(_ context.Context, _ Call, in imagesIn) (imageOut, error) {
		seen = in
		return imageOut{Name: in.RepositoryName, PushedAt: in.Since}, nil
	})
	for _, tt := range []struct {
		name, target, body string
		status             int
		want               string
	}{
		{"in and out", "T.Describe", `{"repositoryName":"한\"<","since":1700000000.123,"maxResults":5,"tags":["a"],"force":true,"other":null}`, 200,
			`{"repositoryName":"한\"\u003c","imagePushedAt":1700000000.123,"imageSizeInBytes":0,"failures":[]}`},
		{"null is absent", "T.Describe", `{"repositoryName":"ab","maxResults":null}`, 200, `{"repositoryName":"ab","imageSizeInBytes":0,"failures":[]}`},
		{"what nothing reads", "T.Describe", `{"repositoryName":"a","other":{}}`, 400,
			`{"__type":"InvalidParameterException","message":"Invalid parameter at 'other' failed to satisfy constraint: 'Member must be one that the local cloud honours'"}`},
		{"nothing in, nothing out", "T.Nothing", ``, 200, `{}`},
		{"unknown operation", "T.Dance", `{}`, 400, `{"__type":"UnknownOperationException","message":""}`},
		{"other target", "U.Nothing", `{}`, 400, `{"__type":"UnknownOperationException","message":""}`},
		{"fault of ours", "T.Fail", `{}`, 500, `{"__type":"ServerException","message":"disk full"}`},
		{"missing", "T.Describe", `{}`, 400,
			`{"__type":"InvalidParameterException","message":"Invalid parameter at 'repositoryName' failed to satisfy constraint: 'Member must not be null'"}`},
		{"short", "T.Describe", `{"repositoryName":"a"}`, 400,
			`{"__type":"InvalidParameterException","message":"Invalid parameter at 'repositoryName' failed to satisfy constraint: 'Member must have length greater than or equal to 2'"}`},
		{"string for a number", "T.Describe", `{"repositoryName":"ab","maxResults":"5"}`, 400, `{"__type":"SerializationException","message":"maxResults: wrong type"}`},
		{"number for a string", "T.Describe", `{"repositoryName":7}`, 400, `{"__type":"SerializationException","message":"repositoryName: wrong type"}`},
		{"year without end", "T.Describe", `{"repositoryName":"ab","since":1e300}`, 400, `{"__type":"SerializationException","message":"since: wrong type"}`},
		{"no object", "T.Describe", `[]`, 400, `{"__type":"SerializationException","message":"parameters: wrong type"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest("POST", "/", strings.NewReader(tt.body))
			r.Header.Set("X-Amz-Target", tt.target)
			w := send(JSON("T", ops), r)
			got := strings.ReplaceAll(w.Body.String(), `\u0026`, "&")
			if w.Code != tt.status || got != tt.want {
				t.Errorf("%d %s\nwant %d %s", w.Code, got, tt.status, tt.want)
			}
		})
	}
	if want := (imagesIn{RepositoryName: "ab"}); seen.RepositoryName != want.RepositoryName || seen.Max != nil || seen.Tags != nil {
		t.Errorf("null was read as a value: %+v", seen)
	}
}
