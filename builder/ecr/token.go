package ecr

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
)

// Token opens the registry for pushes and pulls until it expires, twelve hours after it
// was asked for (API reference, GetAuthorizationToken).
type Token struct {
	Username, Password string
	Expires            time.Time
}

// Token fetches a new token for the region of the repository. It is good for all that the
// caller may use there, repositories of other accounts included, which is why the call's
// registry ids are deprecated (API reference, GetAuthorizationToken).
func (r *Registry) Token(ctx context.Context, repository string) (Token, error) {
	out, err := r.api.GetAuthorizationToken(ctx, &ecr.GetAuthorizationTokenInput{}, parse(repository).there)
	if err != nil {
		return Token{}, wrap(translate(err), "get the registry's token")
	}
	if len(out.AuthorizationData) == 0 {
		return Token{}, errors.New("get the registry's token: ECR sent none")
	}
	data := out.AuthorizationData[0]
	username, password, err := decode(aws.ToString(data.AuthorizationToken))
	return Token{username, password, aws.ToTime(data.ExpiresAt)}, wrap(err, "get the registry's token")
}

// decode never repeats the token in its error.
func decode(token string) (username, password string, err error) {
	plain, err := base64.StdEncoding.DecodeString(token)
	if err != nil {
		return "", "", errors.New("what ECR sent is not base64")
	}
	username, password, ok := strings.Cut(string(plain), ":")
	if !ok || password == "" {
		return "", "", errors.New("what ECR sent has no password in it")
	}
	return username, password, nil
}
