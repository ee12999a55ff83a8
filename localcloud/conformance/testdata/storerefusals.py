"""What ECR and S3 refuse because of a state, a name or another parameter, and whom the
cloud does not let in."""

import hashlib

from botocore import UNSIGNED

from cloud import *

ecr, s3 = client("ecr"), client("s3")
ACCOUNT = CLOUDS["quick"]["account"]
BUCKET = client("elasticbeanstalk").create_storage_location()["S3Bucket"]


def repositories():
    ecr.create_repository(repositoryName="shop")
    nobody = {"repositoryName": "nobody"}
    rule = {"rulePriority": 1, "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 9}, "action": {"type": "expire"}}
    good = json.dumps({"rules": [rule]})
    some = [{"imageTag": "t"}]
    calls = (("delete", ecr.delete_repository, {}), ("images", ecr.describe_images, {}), ("list", ecr.list_images, {}),
             ("get", ecr.batch_get_image, {"imageIds": some}), ("remove", ecr.batch_delete_image, {"imageIds": some}), ("put", ecr.put_image, {"imageManifest": image()}),
             ("policy", ecr.get_lifecycle_policy, {}), ("no policy", ecr.delete_lifecycle_policy, {}),
             ("new policy", ecr.put_lifecycle_policy, {"lifecyclePolicyText": good}), ("mutability", ecr.put_image_tag_mutability, {"imageTagMutability": "MUTABLE"}))
    for name, call, more in calls:
        refused("unknown repository: " + name, call, "RepositoryNotFoundException", "'nobody' does not exist in the registry with id '%s'" % ACCOUNT, **nobody, **more)
        refused("another's registry: " + name, call, "AccessDeniedException", "", registryId="000000000000", **nobody, **more)
    refused("describe an unknown repository", ecr.describe_repositories, "RepositoryNotFoundException", "nobody", repositoryNames=["nobody"])
    refused("repository exists", ecr.create_repository, "RepositoryAlreadyExistsException", "", repositoryName="shop")
    for bad in ("Shop", "shop/", "-shop", "a..b", "a//b", "shop:tag"):
        refused("repository named " + bad, ecr.create_repository, "InvalidParameterException", "repositoryName", repositoryName=bad)
    refused("no policy to get", ecr.get_lifecycle_policy, "LifecyclePolicyNotFoundException", "", repositoryName="shop")
    refused("no policy to delete", ecr.delete_lifecycle_policy, "LifecyclePolicyNotFoundException", "", repositoryName="shop")
    refused("a key without KMS", ecr.create_repository, "InvalidParameterException", "", repositoryName="new",
            encryptionConfiguration={"encryptionType": "AES256", "kmsKey": "k"})
    refused("exclusions without a mutability", ecr.create_repository, "InvalidParameterException", "", repositoryName="new",
            imageTagMutabilityExclusionFilters=[{"filterType": "WILDCARD", "filter": "a*"}])
    arn = ecr.describe_repositories(repositoryNames=["shop"])["repositories"][0]["repositoryArn"]
    refused("AWS's own tag", ecr.tag_resource, "InvalidTagParameterException", "", resourceArn=arn, tags=[{"Key": "aws:k", "Value": "v"}])
    refused("51 tags", ecr.tag_resource, "TooManyTagsException", "", resourceArn=arn, tags=[{"Key": "k%d" % n, "Value": "v"} for n in range(51)])
    for call, more in ((ecr.tag_resource, {"tags": []}), (ecr.untag_resource, {"tagKeys": []}), (ecr.list_tags_for_resource, {})):
        refused(call.__name__ + " of no ARN", call, "InvalidParameterException", "ARN", resourceArn="nonsense", **more)
        refused(call.__name__ + " of nobody", call, "RepositoryNotFoundException", "", resourceArn=arn.replace("/shop", "/nobody"), **more)
    for call, more in ((ecr.describe_repositories, {}), (ecr.list_images, {"repositoryName": "shop"}), (ecr.describe_images, {"repositoryName": "shop"})):
        refused(call.__name__ + " with a foreign token", call, "InvalidParameterException", "nextToken", nextToken="?", **more)
    policies(rule)


def policies(rule):
    def choice(**more):
        return {**rule, "selection": {**rule["selection"], **more}}

    tagged = {"tagStatus": "tagged", "tagPrefixList": ["a"]}
    for name, rules in (
            ("no rules", []), ("priority 0", [{**rule, "rulePriority": 0}]), ("no action", [{**rule, "action": {"type": "keep"}}]),
            ("unknown member", [{**rule, "extra": 1}]), ("unknown status", [choice(tagStatus="some")]), ("tagged without a list", [choice(tagStatus="tagged")]),
            ("tagged with both lists", [choice(**tagged, tagPatternList=["a*"])]), ("a list with any", [choice(tagPrefixList=["a"])]),
            ("five stars", [choice(tagStatus="tagged", tagPatternList=["*a*b*c*d*"])]), ("unknown count", [choice(countType="some")]),
            ("count 0", [choice(countNumber=0)]), ("a unit with a number", [choice(countUnit="days")]), ("an age without a unit", [choice(countType="sinceImagePushed")]),
            ("hours", [choice(countType="sinceImagePushed", countUnit="hours")]), ("one priority twice", [choice(**tagged), choice(**tagged)]),
            ("any before others", [rule, {**choice(**tagged), "rulePriority": 2}]),
            ("untagged twice", [choice(tagStatus="untagged"), {**choice(tagStatus="untagged"), "rulePriority": 2}])):
        refused("lifecycle policy: " + name, ecr.put_lifecycle_policy, "InvalidParameterException", "Lifecycle policy validation failure", repositoryName="shop",
                lifecyclePolicyText=json.dumps({"rules": rules}).ljust(100))
    refused("lifecycle policy: no JSON", ecr.put_lifecycle_policy, "InvalidParameterException", "Lifecycle policy validation failure", repositoryName="shop",
            lifecyclePolicyText="x" * 100)


def image(**more):
    config = {"mediaType": "application/vnd.docker.container.image.v1+json", "size": 2, "digest": "sha256:" + hashlib.sha256(b"{}").hexdigest()}
    return json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json", "config": config, "layers": [], **more})


def listing(*manifests):
    return json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.list.v2+json", "manifests": list(manifests)})


def images():
    shop, tag = {"repositoryName": "shop"}, {"imageTag": "v1"}
    refused("image without its layers", ecr.put_image, "LayersNotFoundException", "", imageManifest=image(), **shop)
    child = {"mediaType": "application/vnd.docker.distribution.manifest.v2+json", "size": 2, "digest": "sha256:" + "0" * 64, "platform": {"architecture": "amd64", "os": "linux"}}
    refused("list without its images", ecr.put_image, "ReferencedImagesNotFoundException", "", imageManifest=listing(child), **shop)
    refused("manifest that is none", ecr.put_image, "InvalidParameterException", "imageManifest", imageManifest="{}", **shop)
    refused("another digest", ecr.put_image, "ImageDigestDoesNotMatchException", "", imageManifest=listing(), imageDigest="sha256:" + "0" * 64, **shop)
    refused("tag that is none", ecr.put_image, "InvalidParameterException", "imageTag", imageManifest=listing(), imageTag="a b", **shop)
    with case("image for the next ones"):
        digest = ecr.put_image(imageManifest=listing(), **tag, **shop)["image"]["imageId"]["imageDigest"]
    refused("image exists", ecr.put_image, "ImageAlreadyExistsException", "", imageManifest=listing(), **tag, **shop)
    refused("repository is not empty", ecr.delete_repository, "RepositoryNotEmptyException", "", **shop)
    ecr.put_image_tag_mutability(imageTagMutability="IMMUTABLE", **shop)
    refused("tag is immutable", ecr.put_image, "ImageTagAlreadyExistsException", "", imageManifest=listing() + " ", **tag, **shop)
    refused("describe an unknown image", ecr.describe_images, "ImageNotFoundException", "", imageIds=[{"imageTag": "v9"}], **shop)
    refused("describe nothing", ecr.describe_images, "InvalidParameterException", "", imageIds=[{}], **shop)
    bad = ({"imageTag": "v9"}, {"imageDigest": "nonsense"}, {"imageDigest": "sha256:" + "0" * 64}, {"imageTag": "v1", "imageDigest": "sha256:" + "0" * 64}, {})
    codes = ["ImageNotFound", "InvalidImageDigest", "ImageNotFound", "ImageNotFound", "MissingDigestAndTag"]
    for call in (ecr.batch_get_image, ecr.batch_delete_image):
        with case(call.__name__ + " names what it cannot find"):
            want([f["failureCode"] for f in call(imageIds=list(bad), **shop)["failures"]], codes)
    with case("nothing was taken away"):
        want(ecr.list_images(**shop)["imageIds"], [{"imageTag": "v1", "imageDigest": digest}])


def objects():
    s3.put_object(Bucket=BUCKET, Key="other", Body=b"x")
    refused("bucket exists", s3.create_bucket, "BucketAlreadyOwnedByYou", "", Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    for name, call, more in (("get", s3.get_object, {"Key": "k"}), ("put", s3.put_object, {"Key": "k"}), ("list", s3.list_objects, {}), ("list 2", s3.list_objects_v2, {}),
                             ("delete", s3.delete_bucket, {}), ("begin", s3.create_multipart_upload, {"Key": "k"}), ("location", s3.get_bucket_location, {})):
        refused("no bucket: " + name, call, "NoSuchBucket", "", Bucket="nobody", **more)
    at = {"Bucket": BUCKET, "Key": "k"}
    refused("no object", s3.get_object, "NoSuchKey", "", **at)
    refused("head of no object", s3.head_object, "404", "", **at)
    refused("head of no bucket", s3.head_bucket, "404", "", Bucket="nobody")
    refused("bucket is not empty", s3.delete_bucket, "BucketNotEmpty", "", Bucket=BUCKET)
    for bad in ("aa", "UPPER", "under_score", "a" * 64, "-a-", "1.2.3.4"):
        refused("bucket named " + bad, s3.create_bucket, "InvalidBucketName", "", Bucket=bad, CreateBucketConfiguration={"LocationConstraint": REGION})
    refused("key of 1,025 bytes", s3.put_object, "KeyTooLongError", "", Bucket=BUCKET, Key="k" * 1025)
    refused("copy of nothing", s3.copy_object, "NoSuchKey", "", CopySource={"Bucket": BUCKET, "Key": "none"}, **at)
    refused("If-Match where nothing is", s3.put_object, "NoSuchKey", "", IfMatch='"x"', **at)
    with case("object for the next ones"):
        tag = s3.put_object(Body=b"0123456789", **at)["ETag"]
    refused("If-None-Match", s3.put_object, "PreconditionFailed", "", IfNoneMatch="*", **at)
    refused("If-Match of another", s3.put_object, "PreconditionFailed", "", IfMatch='"x"', **at)
    refused("get with If-Match of another", s3.get_object, "PreconditionFailed", "", IfMatch='"x"', **at)
    refused("get what is known", s3.get_object, "304", "", IfNoneMatch=tag, **at)
    refused("range behind the end", s3.get_object, "InvalidRange", "", Range="bytes=99-", **at)
    refused("wrong MD5", s3.put_object, "BadDigest", "", Body=b"x", ContentMD5="1B2M2Y8AsgTpgAmY7PhCfg==", **at)
    refused("MD5 that is none", s3.put_object, "InvalidDigest", "", Body=b"x", ContentMD5="x", **at)
    refused("deletion of what doesn't match", s3.delete_object, "PreconditionFailed", "", IfMatch='"x"', **at)
    past, future, foreign = "2020-01-01T00:00:00Z", "2037-01-01T00:00:00Z", "999999999999"
    refused("get of what has changed", s3.get_object, "PreconditionFailed", "", IfUnmodifiedSince=past, **at)
    refused("head of what has changed", s3.head_object, "412", "", IfUnmodifiedSince=past, **at)
    refused("head of what has not changed", s3.head_object, "304", "", IfModifiedSince=future, **at)
    source = {"CopySource": {"Bucket": BUCKET, "Key": "k"}, "Bucket": BUCKET, "Key": "copy"}
    for name, condition in (("match", {"CopySourceIfMatch": '"x"'}), ("none match", {"CopySourceIfNoneMatch": tag}),
                            ("modified", {"CopySourceIfModifiedSince": future}), ("unmodified", {"CopySourceIfUnmodifiedSince": past})):
        refused("copy if " + name, s3.copy_object, "PreconditionFailed", "", **condition, **source)
    refused("deletion of nothing that matches", s3.delete_object, "NoSuchKey", "", Bucket=BUCKET, Key="none", IfMatch="*")
    for name, call, more in (("get", s3.get_object, {}), ("put", s3.put_object, {"Body": b"x"}), ("delete", s3.delete_object, {}), ("begin", s3.create_multipart_upload, {})):
        refused(name + " in a foreign bucket", call, "AccessDenied", "", ExpectedBucketOwner=foreign, **more, **at)
    for member, value in (("Tagging", "a=b"), ("ACL", "private"), ("StorageClass", "STANDARD"), ("ServerSideEncryption", "AES256"), ("SSEKMSKeyId", "k"),
                          ("ObjectLockMode", "GOVERNANCE"), ("ObjectLockLegalHoldStatus", "ON"), ("WebsiteRedirectLocation", "/x"), ("GrantRead", "id=x")):
        refused("put with " + member, s3.put_object, "NotImplemented", "", Body=b"x", **{member: value}, **at)
        refused("begin with " + member, s3.create_multipart_upload, "NotImplemented", "", **{member: value}, **at)
    refused("put with a wrong checksum", s3.put_object, "BadDigest", "", Body=b"x", ChecksumSHA256="ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=", **at)
    with case("refused, and nothing was written"):
        want(s3.get_object(**at)["Body"].read(), b"0123456789")
    parts(at)


def parts(at):
    for name, call, more in (("part", s3.upload_part, {"PartNumber": 1, "Body": b"x"}), ("parts", s3.list_parts, {}), ("abort", s3.abort_multipart_upload, {}),
                             ("end", s3.complete_multipart_upload, {"MultipartUpload": {"Parts": [{"ETag": "x", "PartNumber": 1}]}})):
        refused("no upload: " + name, call, "NoSuchUpload", "", UploadId="nonsense", **at, **more)
    with case("upload for the next ones"):
        upload = {"UploadId": s3.create_multipart_upload(**at)["UploadId"], **at}
        tags = [s3.upload_part(PartNumber=n, Body=b"x" * n, **upload)["ETag"] for n in (1, 2)]
    for number in (0, 10001):
        refused("part %d" % number, s3.upload_part, "InvalidArgument", "", PartNumber=number, Body=b"x", **upload)
    for name, code, chosen in (("another tag", "InvalidPart", [("x", 1)]), ("no such part", "InvalidPart", [(tags[0], 7)]),
                               ("wrong order", "InvalidPartOrder", [(tags[1], 2), (tags[0], 1)]), ("no parts", "MalformedXML", [])):
        refused("end with " + name, s3.complete_multipart_upload, code, "", MultipartUpload={"Parts": [{"ETag": t, "PartNumber": n} for t, n in chosen]}, **upload)


def callers():
    """Whoever is not the cloud's own user."""
    codes = {"elasticbeanstalk": ("InvalidClientTokenId", "SignatureDoesNotMatch", "MissingAuthenticationToken"),
             "sts": ("InvalidClientTokenId", "SignatureDoesNotMatch", "MissingAuthenticationToken"),
             "ecr": ("UnrecognizedClientException", "InvalidSignatureException", "MissingAuthenticationTokenException"),
             "s3": ("InvalidAccessKeyId", "SignatureDoesNotMatch", "AccessDenied")}
    calls = {"elasticbeanstalk": "describe_environments", "sts": "get_caller_identity", "ecr": "describe_repositories", "s3": "list_buckets"}
    model.COMMON.update({s: model.COMMON.get(s, set()) | set(c) for s, c in codes.items()})
    CLOUDS["foreign key"] = {**CLOUDS["quick"], "key": "AKIAFOREIGNFOREIGN00"}
    CLOUDS["wrong secret"] = {**CLOUDS["quick"], "secret": "wrong"}
    for service, (foreign, wrong, unsigned) in codes.items():
        for name, code, made in (("foreign key", foreign, client(service, "foreign key")), ("wrong secret", wrong, client(service, "wrong secret")),
                                 ("unsigned", unsigned, client(service, signature=UNSIGNED))):
            refused("%s: %s" % (service, name), getattr(made, calls[service]), code)


for table in (repositories, images, objects, callers):
    with case("table of " + table.__name__):
        table()
finish()
