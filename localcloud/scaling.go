package localcloud

import (
	"context"
	"net/http"
	"path/filepath"

	"beansprout/localcloud/autoscaling"
	"beansprout/localcloud/ec2"
	"beansprout/localcloud/instance"
	"beansprout/localcloud/wire"
)

// openInstances adds the instances, and EC2, which describes them.
func (c *Cloud) openInstances(ctx context.Context) (err error) {
	pretended := instance.NewPretended(c.cfg.Now)
	c.onClose(func(context.Context) error { return pretended.Close() })
	c.fleet, err = instance.Open(ctx, instance.Config{File: filepath.Join(c.cfg.Dir, instancesFile), Runner: pretended, Now: c.cfg.Now, Log: c.cfg.Log})
	if err != nil {
		return err
	}
	c.onClose(func(context.Context) error { return c.fleet.Close() })
	c.ec2, err = ec2.Open(ec2.Config{File: filepath.Join(c.cfg.Dir, ec2File), Fleet: c.fleet, Addresses: c.beanstalk.Addresses, Now: c.cfg.Now})
	if err != nil {
		return err
	}
	c.onClose(func(context.Context) error { return c.ec2.Close() })
	c.services["ec2"] = speaksEC2(c.ec2.Handler())
	return nil
}

// openScaling adds Auto Scaling.
func (c *Cloud) openScaling(ctx context.Context) (err error) {
	c.scaling, err = autoscaling.Open(ctx, autoscaling.Config{
		File: filepath.Join(c.cfg.Dir, scalingFile), Fleet: c.fleet, Templates: c.ec2, Targets: c.balancers, Now: c.cfg.Now, Sleep: c.clock.Sleep, Log: c.cfg.Log,
	})
	if err != nil {
		return err
	}
	c.onClose(func(context.Context) error { return c.scaling.Close() })
	c.services["autoscaling"] = speaksQuery(autoscaling.Namespace, c.scaling.Handler())
	return nil
}

func speaksEC2(h http.Handler) service {
	return service{h, wire.ActionOf, func(w http.ResponseWriter, r *http.Request, reason error) {
		e := reworded(reason, func(w wording) *wire.Error { return w.query })
		if code, ok := ec2Codes[e.Code]; ok {
			e = &wire.Error{Code: code, Message: e.Message, Status: e.Status}
		}
		wire.EC2Error(w, wire.CallOf(r), e)
	}}
}

// ec2Codes are EC2's own codes for what the other query services call by another name.
var ec2Codes = map[string]string{
	"Throttling": "RequestLimitExceeded", "InvalidClientTokenId": "AuthFailure", "SignatureDoesNotMatch": "AuthFailure",
	"AccessDenied": "UnauthorizedOperation", "InternalFailure": "InternalError",
}
