package ecr

import (
	"errors"
	"time"

	"go.etcd.io/bbolt"
)

// keepTidy calls tidy every hour. AWS promises to do the same work "within 24 hours".
func (s *Service) keepTidy() {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		select {
		case <-s.stop:
			return
		case <-tick.C:
			s.tidy()
		}
	}
}

// tidy applies the lifecycle policies, then frees the blobs that no image names.
func (s *Service) tidy() {
	expired, err := s.expireAll()
	// The files have the machine's time, which differs from the cloud's if its clock was moved.
	freed, sweepErr := s.sweep(time.Now().Add(-grace))
	if err := errors.Join(err, sweepErr); err != nil {
		s.Log.Error("tidy ECR", "error", err)
	}
	if expired+freed > 0 {
		s.Log.Info("tidy ECR", "images_expired", expired, "files_removed", freed)
	}
}

func (s *Service) expireAll() (expired int, err error) {
	rs, err := s.store.all(func(r *repository) bool { return r.Policy != "" })
	for _, r := range rs {
		_, updateErr := s.update(r.Region, r.Name, func(r *repository) error {
			expired += r.settle(s.Now())
			return nil
		})
		err = errors.Join(err, updateErr)
	}
	return expired, err
}

// sweep frees the blobs that no image names. It holds the store's only write transaction, so that no
// image is put while its blobs are removed.
func (s *Service) sweep(before time.Time) (freed int, err error) {
	err = s.store.db.Update(func(tx *bbolt.Tx) error {
		live := map[string]bool{}
		for r, err := range repositories(tx) {
			if err != nil {
				return err
			}
			for digest, i := range r.Images {
				for _, d := range append(i.Blobs, digest) {
					live[d] = true
				}
			}
		}
		freed, err = s.blobs.sweep(live, before)
		return err
	})
	return freed, err
}
