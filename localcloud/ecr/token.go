package ecr

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"time"

	"beansprout/localcloud/wire"
)

// tokenLife is that of ECR's tokens.
const tokenLife = 12 * time.Hour

var (
	errForged  = errors.New("authorization token was not made by this registry")
	errExpired = errors.New("authorization token has expired")
)

// Token returns a password for the user AWS that is valid for 12 hours. It may pull from the
// repositories of all regions and push to none.
func (s *Service) Token() string { return s.sign("", s.Now().Add(tokenLife)) }

func (s *Service) sign(region string, expires time.Time) string {
	claim := region + "|" + strconv.FormatInt(expires.Unix(), 10)
	return encode64([]byte(claim)) + "." + encode64(s.mac(claim))
}

// verify returns the region that a token opens, and "" for a token of [Service.Token].
func (s *Service) verify(token string) (region string, err error) {
	head, tail, _ := strings.Cut(token, ".")
	claim, err1 := base64.RawURLEncoding.DecodeString(head)
	mac, err2 := base64.RawURLEncoding.DecodeString(tail)
	if err1 != nil || err2 != nil || !hmac.Equal(mac, s.mac(string(claim))) {
		return "", errForged
	}
	region, until, _ := strings.Cut(string(claim), "|")
	if seconds, err := strconv.ParseInt(until, 10, 64); err != nil || s.Now().Unix() >= seconds {
		return "", errExpired
	}
	return region, nil
}

func (s *Service) mac(claim string) []byte {
	h := hmac.New(sha256.New, s.secret)
	_, _ = h.Write([]byte(claim)) // cannot fail
	return h.Sum(nil)
}

func encode64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// getAuthorizationToken returns one token: an account has one registry, and registryIds is
// deprecated.
func (s *Service) getAuthorizationToken(_ context.Context, c wire.Call, in struct {
	RegistryIDs []string `json:"registryIds" aws:"min=1,max=10,each,pattern=[0-9]{12}"`
}) (out struct {
	AuthorizationData []authorization `json:"authorizationData"`
}, err error) {
	for _, id := range in.RegistryIDs {
		if err := (registry{id}).foreign(s.Account); err != nil {
			return out, err
		}
	}
	expires := s.Now().Add(tokenLife)
	out.AuthorizationData = []authorization{{
		AuthorizationToken: base64.StdEncoding.EncodeToString([]byte("AWS:" + s.sign(c.Region, expires))),
		ExpiresAt:          expires,
		ProxyEndpoint:      "http://" + s.Host(),
	}}
	return out, nil
}

type authorization struct {
	AuthorizationToken string    `json:"authorizationToken"`
	ExpiresAt          time.Time `json:"expiresAt"`
	ProxyEndpoint      string    `json:"proxyEndpoint"`
}
