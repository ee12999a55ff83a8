package awsconfig

import (
	"context"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// teller is a provider of credentials that tells their secrets.
type teller struct {
	aws.CredentialsProvider
	tell func(secrets ...string)
	told atomic.Pointer[aws.Credentials]
}

// Tell has the secrets of the credentials told, each time that they are new: a program, a file or AWS
// itself may have given them.
func Tell(cfg *aws.Config, tell func(secrets ...string)) {
	if cfg.Credentials != nil {
		cfg.Credentials = &teller{CredentialsProvider: cfg.Credentials, tell: tell}
	}
}

// Retrieve implements aws.CredentialsProvider.
func (t *teller) Retrieve(ctx context.Context) (aws.Credentials, error) {
	c, err := t.CredentialsProvider.Retrieve(ctx)
	if last := t.told.Load(); err == nil && (last == nil || last.SecretAccessKey != c.SecretAccessKey || last.SessionToken != c.SessionToken) {
		t.tell(c.SecretAccessKey, c.SessionToken)
		t.told.Store(&c)
	}
	return c, err
}
