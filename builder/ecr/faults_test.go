package ecr_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
)

// before calls do before the first request for the operation goes out.
type before struct {
	operation string
	do        func()
}

func (b *before) Do(r *http.Request) (*http.Response, error) {
	if b.do != nil && strings.HasSuffix(r.Header.Get("X-Amz-Target"), "."+b.operation) {
		do := b.do
		b.do = nil
		do()
	}
	return http.DefaultClient.Do(r)
}

// refusing answers the operation with a refusal instead of passing it on.
type refusing struct{ operation, code string }

func (r refusing) Do(request *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(request.Header.Get("X-Amz-Target"), "."+r.operation) {
		return http.DefaultClient.Do(request)
	}
	body := fmt.Sprintf(`{"__type":%q,"message":"no"}`, r.code)
	return &http.Response{StatusCode: http.StatusBadRequest, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: request}, nil
}
