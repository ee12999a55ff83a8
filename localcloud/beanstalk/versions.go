package beanstalk

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"beansprout/localcloud/s3"
	"beansprout/localcloud/wire"
)

// The statuses of a version. They are upper case on the wire, unlike in the model.
const (
	unprocessed = "UNPROCESSED"
	processing  = "PROCESSING"
	processed   = "PROCESSED"
	unusable    = "FAILED"
)

// maxBundle is the largest source bundle in bytes.
const maxBundle = 512 << 20

// version is a bundle with a label.
type version struct {
	Application, Label, Description string
	Region, Account                 string
	Bucket, Key                     string // "" is the sample application
	Status                          string
	Request                         string // id of the call that asked to process it
	Created, Updated                time.Time
	Tags                            map[string]string
}

type s3Location struct {
	S3Bucket string `aws:"max=255"`
	S3Key    string `aws:"max=1024"`
}

type createVersionIn struct {
	ApplicationName        string `aws:"required,min=1,max=100"`
	VersionLabel           string `aws:"required,min=1,max=100"`
	Description            string `aws:"max=200"`
	SourceBundle           *s3Location
	SourceBuildInformation *sourceBuild
	BuildConfiguration     *buildConfiguration
	AutoCreateApplication  bool
	Process                bool
	Tags                   []tag
}

// sourceBuild and buildConfiguration are for CodeBuild, which does not exist here.
type sourceBuild struct {
	SourceType       string `aws:"required,enum=Git|Zip"`
	SourceRepository string `aws:"required,enum=CodeCommit|S3"`
	SourceLocation   string `aws:"required,min=3,max=255,pattern=.+/.+"`
}

type buildConfiguration struct {
	ArtifactName         string
	CodeBuildServiceRole string `aws:"required,pattern=.*\\S.*"`
	ComputeType          string `aws:"enum=BUILD_GENERAL1_SMALL|BUILD_GENERAL1_MEDIUM|BUILD_GENERAL1_LARGE"`
	Image                string `aws:"required,pattern=.*\\S.*"`
	TimeoutInMinutes     int
}

type versionOut struct{ ApplicationVersion versionDescription }

type versionDescription struct {
	ApplicationVersionArn, ApplicationName, Description, VersionLabel string
	SourceBundle                                                      *s3Location
	DateCreated, DateUpdated                                          time.Time
	Status                                                            string
}

func createApplicationVersion(st *state, in createVersionIn) (versionOut, error) {
	v, err := st.newVersion(in)
	if err != nil {
		return versionOut{}, err
	}
	versions.put(st, v, v.Application, v.Label)
	if in.Process {
		st.after = append(st.after, func() error {
			st.wait.Go(func() { st.process(v) })
			return nil
		})
	}
	return versionOut{v.describe()}, nil
}

func (st *state) newVersion(in createVersionIn) (version, error) {
	v := version{
		Application: in.ApplicationName, Label: in.VersionLabel, Description: in.Description, Region: st.Region, Account: st.Account,
		Status: unprocessed, Request: st.ID, Created: round(st.Now), Updated: round(st.Now),
	}
	if in.Process {
		v.Status = processing
	}
	if err := st.versionApplication(in); err != nil {
		return v, err
	}
	if err := checkPlain("VersionLabel", in.VersionLabel); err != nil {
		return v, err
	}
	if _, taken := versions.get(st, v.Application, v.Label); taken {
		return v, exists("Application Version", v.Label)
	}
	if versions.count(st) >= st.Quotas.Versions {
		return v, tooMany("ApplicationVersions", "Application Versions", st.Quotas.Versions)
	}
	if in.SourceBuildInformation != nil || in.BuildConfiguration != nil {
		return v, wire.Errorf("CodeBuildNotInServiceRegionException", "AWS CodeBuild is not available in the region %s.", st.Region)
	}
	if b := in.SourceBundle; b != nil {
		v.Bucket, v.Key = b.S3Bucket, b.S3Key
		if err := st.checkBundle(v); err != nil {
			return v, err
		}
	}
	var err error
	v.Tags, err = addTags(nil, in.Tags)
	return v, err
}

func (st *state) versionApplication(in createVersionIn) error {
	_, err := st.application(in.ApplicationName)
	if err != nil && in.AutoCreateApplication {
		return st.addApplication(in.ApplicationName, "", nil)
	}
	return err
}

// checkBundle refuses bundles that do not exist, are too large, or are in another region.
func (st *state) checkBundle(v version) error {
	if v.Bucket == "" || v.Key == "" {
		return conflicting("Both S3 bucket and key must be specified.")
	}
	if v.Bucket != storage(st.Region, st.Account) && strings.HasPrefix(v.Bucket, "elasticbeanstalk-") && strings.HasSuffix(v.Bucket, "-"+st.Account) {
		return wire.Errorf("S3LocationNotInServiceRegionException", "The S3 bucket %s is not in the region %s.", v.Bucket, st.Region)
	}
	body, size, err := st.Objects.Get(v.Bucket, v.Key)
	if errors.Is(err, s3.ErrNotFound) {
		return conflicting("Unable to download from S3 location (Bucket: %s  Key: %s). Reason: Not Found", v.Bucket, v.Key)
	}
	if err != nil {
		return err
	}
	defer body.Close()
	if size > maxBundle {
		return conflicting("Source bundle is too large: it has %d bytes, at most %d are allowed.", size, maxBundle)
	}
	return nil
}

func (v version) describe() versionDescription {
	d := versionDescription{
		ApplicationVersionArn: arn(v.Region, v.Account, "applicationversion", v.Application, v.Label),
		ApplicationName:       v.Application, Description: v.Description, VersionLabel: v.Label,
		DateCreated: v.Created, DateUpdated: v.Updated, Status: v.Status,
	}
	if v.Key != "" {
		d.SourceBundle = &s3Location{v.Bucket, v.Key}
	}
	return d
}

// process processes a version, which succeeds if the bundle can be read. AWS checks env.yaml and
// .ebextensions, too.
func (s *Service) process(v version) {
	if s.ctx.Err() != nil { // the next start continues it
		return
	}
	v.Status = processed
	outcome := info("Finished processing application version %s. Status: PROCESSED.", v.Label)
	if _, err := s.bundle(setup{Bucket: v.Bucket, Key: v.Key}); err != nil {
		v.Status = unusable
		outcome = failed("Finished processing application version %s: %v. Status: FAILED.", v.Label, err)
	}
	call := wire.Call{ID: v.Request, Region: v.Region, Account: v.Account, Now: s.Now()}
	recorded := s.within(call, s.db.Update, func(st *state) error {
		if now, ok := versions.get(st, v.Application, v.Label); !ok || now.Status != processing {
			return nil
		}
		v.Updated = round(st.Now)
		versions.put(st, v, v.Application, v.Label)
		st.tell(event{Application: v.Application, Version: v.Label, Request: st.ID}, outcome)
		return nil
	})
	if recorded != nil {
		s.Log.Error("record version", "application", v.Application, "version", v.Label, "error", recorded)
	}
}

type describeVersionsIn struct {
	ApplicationName string   `aws:"min=1,max=100"`
	VersionLabels   []string `aws:"each,min=1,max=100"`
	MaxRecords      int      `aws:"min=1,max=1000"`
	NextToken       string
}

type describeVersionsOut struct {
	ApplicationVersions []versionDescription
	NextToken           string
}

// describeApplicationVersions returns the newest versions first.
func describeApplicationVersions(st *state, in describeVersionsIn) (out describeVersionsOut, err error) {
	var path []string
	if in.ApplicationName != "" {
		path = append(path, in.ApplicationName)
	}
	for v := range versions.all(st, path...) {
		if listed(in.VersionLabels, v.Label) {
			out.ApplicationVersions = append(out.ApplicationVersions, v.describe())
		}
	}
	age := func(v versionDescription) string {
		return fmt.Sprintf("%d/%s/%s", farFuture-v.DateCreated.UnixMilli(), v.ApplicationName, v.VersionLabel)
	}
	slices.SortFunc(out.ApplicationVersions, func(a, b versionDescription) int { return strings.Compare(age(a), age(b)) })
	out.ApplicationVersions, out.NextToken, err = page(out.ApplicationVersions, in.MaxRecords, in.NextToken, age)
	return out, err
}

// farFuture is in milliseconds. Its distance to any date in use has as many digits as it has.
const farFuture = 99_000_000_000_000

type deleteVersionIn struct {
	ApplicationName    string `aws:"required,min=1,max=100"`
	VersionLabel       string `aws:"required,min=1,max=100"`
	DeleteSourceBundle bool
}

// deleteApplicationVersion deletes a version even if environments run it. AWS does so, too, unlike in
// its model. The environments still run it until they are rebuilt.
func deleteApplicationVersion(st *state, in deleteVersionIn) (none, error) {
	v, ok := versions.get(st, in.ApplicationName, in.VersionLabel)
	if !ok {
		return none{}, unknown("Application Version", in.VersionLabel)
	}
	for e := range environments.all(st) {
		if e.Application == v.Application && e.Work != nil && e.Work.Wanted.Version == v.Label && e.Work.Verb != terminate {
			return none{}, busy("Unable to delete application version: %s.", v.Label)
		}
	}
	versions.delete(st, v.Application, v.Label)
	if in.DeleteSourceBundle && v.Key != "" {
		st.after = append(st.after, func() error {
			if err := st.Objects.Delete(v.Bucket, v.Key); err != nil {
				return wire.Errorf("SourceBundleDeletionFailure", "Unable to delete source bundle: %v", err)
			}
			return nil
		})
	}
	return none{}, nil
}
