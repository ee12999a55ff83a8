package envs

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// TestLongAnswersArriveAtTheFirstAttempt asks a server that answers at once, and at length. A
// lost answer would be asked for again, in silence: the server counts.
func TestLongAnswersArriveAtTheFirstAttempt(t *testing.T) {
	const reads, long = 40, 1 << 18 // without the copies one in four is lost
	answer := fmt.Sprintf(`<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>`+
		`<Account>%s</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`, strings.Repeat("9", long))
	var requests atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		_, _ = io.WriteString(w, answer)
	}))
	defer server.Close()
	cfg := aws.Config{Region: testRegion, BaseEndpoint: &server.URL, HTTPClient: http.DefaultClient, Credentials: credentials.NewStaticCredentialsProvider("key", "secret", "")}
	for i := range reads {
		m, err := New(t.Context(), cfg, Config{})
		if err != nil {
			t.Fatal(err)
		}
		if account, err := m.Account(t.Context()); err != nil || len(account) != long {
			t.Fatalf("read %d: %d digits, %v; want %d", i+1, len(account), err, long)
		}
	}
	if n := requests.Load(); n != reads {
		t.Errorf("the server was asked %d times for %d reads: %d answers were lost", n, reads, n-reads)
	}
}
