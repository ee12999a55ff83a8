package envs

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"beansprout/envs/beanstalk"
	"beansprout/envs/store"
)

// MissingError is reported when a feature has no environment. It wraps ErrNotFound.
type MissingError struct {
	Feature    string
	Busy       *store.LeaseOwner // who is at work on the feature, nil where that is unknown or no one is
	Restorable bool              // Restore can bring back the one that was removed last
	Similar    string            // a feature with an environment that is spelt nearly alike, "" where none is
	Err        error
}

func (e *MissingError) Error() string {
	return fmt.Sprintf("feature %q has no environment: %v", e.Feature, e.Err)
}

func (e *MissingError) Unwrap() error { return e.Err }

// ProtectedError is reported when an environment stays because it is protected.
type ProtectedError struct {
	Environment string
	Reason      string // who protects it, and by what
	Launch      bool   // its launch failed, so a deploy would have to remove it
}

func (e *ProtectedError) Error() string {
	if e.Launch {
		return "environment " + e.Environment + ": its launch failed, so it would have to be removed, but it is kept: " + e.Reason
	}
	return "environment " + e.Environment + " is kept: " + e.Reason
}

// KeptError is reported by Expire when the environment stays.
type KeptError struct {
	Environment string
	Reason      string
	Err         error // wraps ErrNotOurs, or is why what is known about it could not be read; nil otherwise
}

func (e *KeptError) Error() string { return "environment " + e.Environment + " is kept: " + e.Reason }

func (e *KeptError) Unwrap() error { return e.Err }

// SupersededError is reported by Remove when a later request has made it pointless, which is no
// failure. Deploy, Rollback and Restore return a Result with the outcome Superseded instead.
type SupersededError struct{ Reason string }

func (e *SupersededError) Error() string { return e.Reason }

// ErrReplaced is reported when the environment that was looked up no longer lives under its name, but
// another one does. Nothing was changed.
var ErrReplaced = errors.New("another environment lives under the name by now")

// ErrForever is reported when an environment that never expires is to be extended.
var ErrForever = errors.New("it never expires: nothing says how long it lives")

// GoingError is reported when AWS is removing the environment. Nothing was changed.
type GoingError struct{ Environment string }

func (e *GoingError) Error() string {
	return "environment " + e.Environment + ": it is being terminated"
}

// VersionError is reported when a version can't be deployed.
type VersionError struct {
	Label   string
	Similar []string // versions of the environment that are spelt nearly alike, the nearest first
	Err     error    // ErrNotFound, ErrNoVersion, ErrBundle, or what ecr reports about an image
}

func (e *VersionError) Error() string { return fmt.Sprintf("version %q: %v", e.Label, e.Err) }

func (e *VersionError) Unwrap() error { return e.Err }

var (
	// ErrNoVersion is reported when no version is known that ran before.
	ErrNoVersion = errors.New("no version is known that ran before")
	// ErrBundle is reported when a version's bundle is not the one that its label was made from.
	ErrBundle = errors.New("its bundle has been replaced")
)

// ErrRegistered is reported when a version of the label was registered before, and is not made from
// the bundle that is to be deployed.
var ErrRegistered = errors.New("it was registered before")

// AddressError is reported when an environment of another account has the address: all customers of a
// region share its addresses. It wraps ErrTaken.
type AddressError struct{ CNAME string }

func (e *AddressError) Error() string {
	return "the address " + e.CNAME + " is " + ErrTaken.Error() + " by an environment that is not yours"
}

// Unwrap returns ErrTaken.
func (e *AddressError) Unwrap() error { return ErrTaken }

// PlatformError is reported when the platform cannot run images. It is within a *FieldError if the
// Deployment names the platform. If a living environment has it, a deploy cannot change it.
type PlatformError struct {
	Platform string
	Compose  bool // the images are a compose file's, and not a Dockerrun's
}

func (e *PlatformError) Error() string {
	if e.Compose {
		return fmt.Sprintf("the platform %q can't run a compose file", e.Platform)
	}
	return fmt.Sprintf("the platform %q can't run images from a Dockerrun v2", e.Platform)
}

// FieldError is reported when AWS shows that a field of a Deployment can't be right.
type FieldError struct {
	Field string // as in Go: "Base.Platform"
	Err   error
}

func (e *FieldError) Error() string { return e.Err.Error() }

func (e *FieldError) Unwrap() error { return e.Err }

// ArchitectureError is reported when a deploy would change the architecture of a living environment's
// instances, which could not run the present images.
type ArchitectureError struct {
	Environment string
	Have, Want  string // the architecture and the instance types
}

func (e *ArchitectureError) Error() string {
	return fmt.Sprintf("environment %s: its instances are %s, and what runs on them can't run on %s", e.Environment, e.Have, e.Want)
}

// CheckError is reported when AWS calls an environment ready but its URL does not pass the
// HealthCheck.
type CheckError struct{ Err error }

func (e *CheckError) Error() string { return "the check failed: " + e.Err.Error() }

func (e *CheckError) Unwrap() error { return e.Err }

// LongError is reported when an environment would live for more than a year from now.
type LongError struct {
	Environment string
	Until       time.Time
}

func (e *LongError) Error() string {
	return fmt.Sprintf("environment %s: it would live until %s, more than a year from now", e.Environment, e.Until.Format(time.DateOnly))
}

// errorOf names the environment that an error is about.
func errorOf(e beanstalk.Env, err error) error {
	return fmt.Errorf("environment %s: %w", nameOf(e), err)
}

func nameOf(e beanstalk.Env) string { return strings.TrimSpace(e.Name + " " + e.ID) }

var (
	// ErrNotOurs is reported when an environment wasn't made by Beansprout for the feature in
	// question, or can't be proved to be. It must be left alone.
	ErrNotOurs = errors.New("not ours")
	// ErrMoved is reported, within ErrNotOurs, when an environment that was made by Beansprout has
	// another address by now, or none: it may carry production. It is left alone for good.
	ErrMoved = errors.New("it has lost its address")
)
