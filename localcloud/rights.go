package localcloud

import (
	"fmt"
	"net/http"
	"strings"

	"beansprout/localcloud/iam"
	"beansprout/localcloud/wire"
)

// otherRights are IAM's actions for the calls whose name is another (S3's user guide, "Required
// permissions for Amazon S3 API operations"; Service Authorization Reference, Elastic Beanstalk).
var otherRights = map[string]string{
	"elasticbeanstalk:UpdateTagsForResource": "elasticbeanstalk:AddTags",
	"s3:AbortMultipartUpload":                "s3:AbortMultipartUpload",
	"s3:CompleteMultipartUpload":             "s3:PutObject",
	"s3:CopyObject":                          "s3:PutObject",
	"s3:CreateMultipartUpload":               "s3:PutObject",
	"s3:DeleteObjects":                       "s3:DeleteObject",
	"s3:HeadBucket":                          "s3:ListBucket",
	"s3:HeadObject":                          "s3:GetObject",
	"s3:ListBuckets":                         "s3:ListAllMyBuckets",
	"s3:ListMultipartUploads":                "s3:ListBucketMultipartUploads",
	"s3:ListObjects":                         "s3:ListBucket",
	"s3:ListObjectsV2":                       "s3:ListBucket",
	"s3:ListParts":                           "s3:ListMultipartUploadParts",
	"s3:UploadPart":                          "s3:PutObject",
}

// Right returns the action that a policy has to allow for the call, and "" if it needs none.
func (e Entry) Right() string {
	switch {
	case e.Service == "registry":
		return registryRight(e.Action)
	case e.Action == "" || e.Service == "beansprout" || e.Service == "sts" && e.Action == "GetCallerIdentity":
		return ""
	}
	name := e.Service + ":" + e.Action
	if right, ok := otherRights[name]; ok {
		return right
	}
	return name
}

// registryRight returns ECR's action for a request of the registry's protocol (ECR's user guide,
// "Image push" and "Image pull").
func registryRight(action string) string {
	method, path, _ := strings.Cut(action, " ")
	manifest, list := strings.Contains(path, "/manifests/"), strings.HasSuffix(path, "/tags/list")
	switch {
	case strings.Trim(path, "/") == "v2":
		return "" // asks for the token
	case list:
		return "ecr:ListImages"
	case manifest && method == http.MethodPut:
		return "ecr:PutImage"
	case manifest && method == http.MethodDelete:
		return "ecr:BatchDeleteImage"
	case manifest:
		return "ecr:BatchGetImage"
	case method == http.MethodHead:
		return "ecr:BatchCheckLayerAvailability"
	case method == http.MethodGet:
		return "ecr:GetDownloadUrlForLayer"
	case method == http.MethodPost:
		return "ecr:InitiateLayerUpload"
	case method == http.MethodPut:
		return "ecr:CompleteLayerUpload"
	}
	return "ecr:UploadLayerPart"
}

// refuseDenied refuses a call for which the configuration denies the right. A list of environments
// is empty instead.
func (c *Cloud) refuseDenied(e *Entry) error {
	right := e.Right()
	if len(c.cfg.Denied) == 0 || right == "" || right == describesEnvironments || !c.iam.Lacks(right) {
		return nil
	}
	code, status := "AccessDenied", http.StatusForbidden
	if e.Service == "ecr" || e.Service == "servicequotas" {
		code, status = "AccessDeniedException", http.StatusBadRequest
	}
	return &wire.Error{Code: code, Status: status, Message: fmt.Sprintf(
		"User: %s is not authorized to perform: %s because no identity-based policy allows the %s action",
		iam.UserARN(e.Region, c.id.Account), right, right)}
}

const describesEnvironments = "elasticbeanstalk:DescribeEnvironments"
