package localcloud

import (
	"context"
	"path/filepath"

	"beansprout/localcloud/iam"
	"beansprout/localcloud/wire"
)

// openGlobals adds IAM, and STS, which has no state.
func (c *Cloud) openGlobals(context.Context) (err error) {
	c.iam, err = iam.Open(iam.Config{
		File: filepath.Join(c.cfg.Dir, rolesFile), Account: c.id.Account, Now: c.cfg.Now,
		Bare: c.cfg.NoRoles, Denied: c.cfg.Denied,
	})
	if err != nil {
		return err
	}
	c.onClose(func(context.Context) error { return c.iam.Close() })
	c.services["iam"] = speaksQuery(iam.Namespace, c.iam.Handler())
	const sts = "https://sts.amazonaws.com/doc/2011-06-15/"
	c.services["sts"] = speaksQuery(sts, wire.Query(sts, "2011-06-15", map[string]wire.Operation{
		"GetCallerIdentity": wire.Op(c.getCallerIdentity),
	}))
	return nil
}

type caller struct{ Arn, UserId, Account string }

func (c *Cloud) getCallerIdentity(_ context.Context, call wire.Call, _ struct{}) (caller, error) {
	return caller{Arn: iam.UserARN(call.Region, c.id.Account), UserId: "AIDALOCALLOCALLOCALLO", Account: c.id.Account}, nil
}
