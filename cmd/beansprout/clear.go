package main

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"beansprout/envs/beanstalk"
	"beansprout/envs/ledger"
)

// clearVersions makes room where the quota of versions is used up: those of environments that
// are gone for good go, with their bundles. cause is returned when none can.
func (d *deployment) clearVersions(ctx context.Context, cause error) error {
	unneeded, err := d.unneededVersions(ctx)
	if err != nil {
		return errors.Join(cause, err)
	}
	if len(unneeded) == 0 {
		return fmt.Errorf("%w; no version of an environment that is gone is left to take away", cause)
	}
	d.talk.say("the quota of versions is used up: taking away the %d that were made for environments that are gone", len(unneeded))
	for _, v := range unneeded {
		if err := d.beanstalk.DeleteVersion(ctx, v.Application, v.Label); err != nil {
			return err
		}
		if v.Bucket != d.ledger.Bucket() {
			continue
		}
		if err := d.ledger.DeleteBundle(ctx, ledger.BundleKey(v.Label, kindOf(v.Key))); err != nil {
			d.talk.say("warning: %v", err)
		}
	}
	return nil
}

// kindOf is what a bundle's key ends with behind the label.
func kindOf(key string) string {
	_, kind, _ := strings.Cut(path.Base(key), ".")
	return kind
}

func (d *deployment) unneededVersions(ctx context.Context) ([]beanstalk.Version, error) {
	restore := time.Duration(d.cfg.Expire.RestoreFor)
	living, now, err := d.beanstalk.Environments(ctx, d.cfg.Application)
	if err != nil {
		return nil, err
	}
	terminated, err := d.beanstalk.Terminated(ctx, d.cfg.Application, now.Add(-restore))
	if err != nil {
		return nil, err
	}
	versions, err := d.beanstalk.AllVersions(ctx, d.cfg.Application)
	return beanstalk.Unneeded(versions, living, terminated, restore, now), err
}
