// Package iam is IAM on this machine: the roles and instance profiles of an account, the policies
// attached to them, and the policy simulator. One user exists, who may do everything but what the
// configuration denies. One file holds the state and survives a kill at any time.
package iam

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"go.etcd.io/bbolt"

	records "beansprout/localcloud/table"
	"beansprout/localcloud/wire"
)

// The instance profile, with its role, and the service role that Beanstalk's console makes.
const (
	InstanceProfile = "aws-elasticbeanstalk-ec2-role"
	ServiceRole     = "aws-elasticbeanstalk-service-role"
)

// Config configures a Service.
type Config struct {
	File    string // of the state
	Account string // 12 digits
	Now     func() time.Time
	Bare    bool     // a new state has no roles, as a new AWS account
	Denied  []string // actions that the user lacks, such as ecr:PutImage or ecr:*
}

// Service is IAM.
type Service struct {
	Config
	db *bbolt.DB
}

// Open opens the state. A new one has the two roles that Beanstalk's console makes, unless it is
// Bare.
func Open(c Config) (*Service, error) {
	db, err := records.Open(c.File)
	if err != nil {
		return nil, err
	}
	s := &Service{Config: c, db: db}
	if err := db.Update(s.furnish); err != nil {
		return nil, errors.Join(fmt.Errorf("prepare %s: %w", c.File, err), db.Close())
	}
	return s, nil
}

// Close closes the state.
func (s *Service) Close() error { return s.db.Close() }

// HasProfile reports whether an instance profile exists.
func (s *Service) HasProfile(name string) bool { return exists(s, profiles, name) }

// HasRole reports whether a role exists.
func (s *Service) HasRole(name string) bool { return exists(s, roles, name) }

func exists[T any](s *Service, t table[T], name string) (ok bool) {
	_ = s.db.View(func(tx *bbolt.Tx) error { // without the state nothing exists
		_, ok = t.get(tx, name)
		return nil
	})
	return ok
}

// Namespace is that of the answers.
const Namespace = "https://iam.amazonaws.com/doc/2010-05-08/"

// Handler returns the handler of the query protocol. Requests must come from [wire.WithCall].
func (s *Service) Handler() http.Handler {
	return wire.Query(Namespace, "2010-05-08", map[string]wire.Operation{
		"AddRoleToInstanceProfile": changes(s, addRoleToInstanceProfile),
		"AttachRolePolicy":         changes(s, attachRolePolicy),
		"CreateInstanceProfile":    changes(s, createInstanceProfile),
		"CreateRole":               changes(s, createRole),
		"GetInstanceProfile":       reads(s, getInstanceProfile),
		"GetPolicy":                reads(s, getPolicy),
		"GetPolicyVersion":         reads(s, getPolicyVersion),
		"GetRole":                  reads(s, getRole),
		"GetRolePolicy":            reads(s, getRolePolicy),
		"ListAttachedRolePolicies": reads(s, listAttachedRolePolicies),
		"ListInstanceProfiles":     reads(s, listInstanceProfiles),
		"ListRolePolicies":         reads(s, listRolePolicies),
		"ListRoles":                reads(s, listRoles),
		"PutRolePolicy":            changes(s, putRolePolicy),
		"SimulatePrincipalPolicy":  reads(s, simulatePrincipalPolicy),
		"UpdateAssumeRolePolicy":   changes(s, updateAssumeRolePolicy),
	})
}

// state is what one call reads and changes in one transaction.
type state struct {
	wire.Call
	*Service
	tx *bbolt.Tx
}

// changes returns an operation that writes. It is undone if f fails.
func changes[In, Out any](s *Service, f func(*state, In) (Out, error)) wire.Operation {
	return records.Op(s.db.Update, s.state, f)
}

// reads returns an operation that writes nothing.
func reads[In, Out any](s *Service, f func(*state, In) (Out, error)) wire.Operation {
	return records.Op(s.db.View, s.state, f)
}

// state returns what an operation works on.
func (s *Service) state(_ context.Context, call wire.Call, tx *bbolt.Tx) *state {
	return &state{call, s, tx}
}

// table is a bucket of records of one type, kept as JSON under their names.
type table[T any] struct{ bucket string }

var (
	roles    = table[role]{"roles"}
	profiles = table[profile]{"profiles"}
)

func (t table[T]) get(tx *bbolt.Tx, name string) (rec T, ok bool) {
	raw := tx.Bucket([]byte(t.bucket)).Get([]byte(name))
	return rec, raw != nil && json.Unmarshal(raw, &rec) == nil
}

func (t table[T]) put(tx *bbolt.Tx, name string, rec T) error {
	raw, err := json.Marshal(rec)
	if err != nil {
		return fmt.Errorf("encode %s: %w", name, err)
	}
	return tx.Bucket([]byte(t.bucket)).Put([]byte(name), raw)
}

// all returns the records in the order of their names.
func (t table[T]) all(tx *bbolt.Tx) (recs []T) {
	c := tx.Bucket([]byte(t.bucket)).Cursor()
	for name, _ := c.First(); name != nil; name, _ = c.Next() {
		if rec, ok := t.get(tx, string(name)); ok {
			recs = append(recs, rec)
		}
	}
	return recs
}

// furnish prepares a new state.
func (s *Service) furnish(tx *bbolt.Tx) error {
	if tx.Bucket([]byte(roles.bucket)) != nil {
		return nil
	}
	for _, bucket := range []string{roles.bucket, profiles.bucket} {
		if _, err := tx.CreateBucket([]byte(bucket)); err != nil {
			return err
		}
	}
	if s.Bare {
		return nil
	}
	made := s.Now().UTC().Truncate(time.Second)
	for _, r := range []role{
		{Name: InstanceProfile, Trust: trust("ec2"), Attached: []string{
			"AWSElasticBeanstalkMulticontainerDocker", "AWSElasticBeanstalkWebTier", "AWSElasticBeanstalkWorkerTier", "AmazonEC2ContainerRegistryReadOnly",
		}},
		{Name: ServiceRole, Trust: trust("elasticbeanstalk"), Attached: []string{
			"service-role/AWSElasticBeanstalkEnhancedHealth", "AWSElasticBeanstalkManagedUpdatesCustomerRolePolicy",
		}},
	} {
		r.Path, r.ID, r.Created, r.Session = "/", identifier("AROA"), made, leastSession
		if err := roles.put(tx, r.Name, r); err != nil {
			return err
		}
	}
	return profiles.put(tx, InstanceProfile, profile{Path: "/", Name: InstanceProfile, ID: identifier("AIPA"), Created: made, Role: InstanceProfile})
}

// trust returns the policy with which a service may take a role on.
func trust(service string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"` + service + `.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
}
