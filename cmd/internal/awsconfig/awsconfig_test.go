package awsconfig

import (
	"errors"
	"io"
	"testing"
	"time"

	"github.com/aws/smithy-go"
)

func TestTheRetryerIsPatientWithThrottlesAlone(t *testing.T) {
	r := retryer(time.Second)
	throttled, broken := &smithy.GenericAPIError{Code: "ThrottlingException"}, io.ErrUnexpectedEOF
	if d, err := r.RetryDelay(50, throttled); err != nil || d > time.Second {
		t.Errorf("after 50 throttles: %s, %v", d, err)
	}
	if _, err := r.RetryDelay(9, broken); err != nil {
		t.Errorf("after 9 broken answers: %v", err)
	}
	if _, err := r.RetryDelay(10, broken); !errors.Is(err, broken) {
		t.Errorf("after 10 broken answers: %v", err)
	}
}
