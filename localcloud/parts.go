package localcloud

import (
	"cmp"
	"context"
	"net/http"
	"path/filepath"
	"time"

	"beansprout/localcloud/beanstalk"
	"beansprout/localcloud/ecr"
	"beansprout/localcloud/engine"
	"beansprout/localcloud/s3"
	"beansprout/localcloud/sigv4"
)

// The files of the parts in the cloud's directory.
const (
	objectsFile   = "s3.db"
	registryDir   = "ecr"
	engineDir     = "engine"
	beanstalkFile = "beanstalk.db"
	rolesFile     = "iam.db"
	instancesFile = "instances.db"
	ec2File       = "ec2.db"
	scalingFile   = "autoscaling.db"
	balancersFile = "elb.db"
)

// runner runs environments and answers their URLs.
type runner interface {
	beanstalk.Runner
	Router(lookup func(prefix string) (environment string, ok bool)) http.Handler
	Close(ctx context.Context) error
}

func (c *Cloud) openObjects(context.Context) (err error) {
	c.objects, err = s3.Open(s3.Config{File: filepath.Join(c.cfg.Dir, objectsFile), Now: c.cfg.Now, Sign: c.presign})
	if err != nil {
		return err
	}
	c.onClose(func(context.Context) error { return c.objects.Close() })
	c.services["s3"] = speaksS3(c.objects.Handler())
	return nil
}

// presign returns a URL that is signed for any region: buckets are the same in all regions here.
func (c *Cloud) presign(bucket, key string, life time.Duration) string {
	scope := sigv4.Scope{Key: c.id.Key, Region: "us-east-1", Service: "s3"}
	return sigv4.PresignGet(c.endpoint(), bucket, key, scope, c.id.Secret, c.cfg.Now(), life)
}

func (c *Cloud) openRegistry(context.Context) (err error) {
	c.registry, err = ecr.New(ecr.Config{Dir: filepath.Join(c.cfg.Dir, registryDir), Account: c.id.Account, Host: c.host, Now: c.cfg.Now, Log: c.cfg.Log})
	if err != nil {
		return err
	}
	c.onClose(func(context.Context) error { return c.registry.Close() })
	c.services["ecr"] = speaksJSON(c.registry.Control())
	return nil
}

func (c *Cloud) openRunner(ctx context.Context) (err error) {
	if !c.cfg.Docker {
		c.runner = cmp.Or(c.cfg.Pretend, &engine.Pretend{})
		return nil
	}
	c.runner, err = engine.New(ctx, engine.Config{
		Deadline: c.cfg.StartTime,
		Host:     c.cfg.Host, Cloud: c.id.ID, Registry: c.host(), Token: c.registry.Token, Dir: filepath.Join(c.cfg.Dir, engineDir), Log: c.cfg.Log, Gap: c.cfg.Gap, ComposeGap: c.cfg.ComposeGap,
	})
	if err != nil {
		return err
	}
	c.onClose(c.runner.Close)
	return c.id.remember(c.cfg.Dir, c.host())
}

func (c *Cloud) openBeanstalk(ctx context.Context) (err error) {
	c.beanstalk, err = beanstalk.New(ctx, beanstalk.Config{
		Dir: c.cfg.Dir, Account: c.id.Account, Objects: c.objects, Runner: c.runner, URLPort: c.URLPort(),
		CreateTime: c.cfg.CreateTime, UpdateTime: c.cfg.UpdateTime, TerminateTime: c.cfg.TerminateTime, Quotas: c.cfg.Quotas, Roles: c.iam, Hidden: c.iam.Lacks(describesEnvironments),
		SeparateUpdates: c.cfg.SeparateUpdates, ListDelay: c.cfg.ListDelay,
		Now: c.cfg.Now, Sleep: c.clock.Sleep, Log: c.cfg.Log,
	})
	if err != nil {
		return err
	}
	c.onClose(c.beanstalk.Close)
	c.services["elasticbeanstalk"] = speaksQuery(beanstalkNamespace, c.beanstalk.Handler())
	return nil
}
