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
	return answer(request, http.StatusBadRequest, fmt.Sprintf(`{"__type":%q,"message":"no"}`, r.code)), nil
}

// answering answers the operation with this body instead of passing it on.
type answering struct{ operation, body string }

func (a answering) Do(request *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(request.Header.Get("X-Amz-Target"), "."+a.operation) {
		return http.DefaultClient.Do(request)
	}
	return answer(request, http.StatusOK, a.body), nil
}

// recording answers nothing and keeps the host that was called.
type recording struct{ host string }

func (r *recording) Do(request *http.Request) (*http.Response, error) {
	r.host = request.URL.Host
	return answer(request, http.StatusBadRequest, `{"__type":"AccessDeniedException"}`), nil
}

func answer(request *http.Request, status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: request}
}
