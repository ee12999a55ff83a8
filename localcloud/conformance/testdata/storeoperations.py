"""Drives the operations of ECR, with its registry, and of S3."""

import base64
import hashlib
import io
import json
import urllib.error
import urllib.request

from cloud import *

ecr, s3 = client("ecr"), client("s3")
ACCOUNT = CLOUDS["quick"]["account"]


def keys(bucket, prefix=""):
    return [o["Key"] for o in s3.list_objects(Bucket=bucket, Prefix=prefix).get("Contents", [])]


def paged(call, list_name, member, **params):
    """What all pages hold together; no page may hold more than was asked for."""
    seen, token = [], {}
    while True:
        page = call(**params, **token)
        rows = page[list_name]
        limit = params.get("MaxRecords", params.get("maxResults"))
        if len(rows) > limit:
            raise AssertionError("%d rows on a page of %d" % (len(rows), limit))
        seen += [r[member] for r in rows]
        name = "nextToken" if "nextToken" in page else "NextToken"
        if not page.get(name):
            return seen
        token = {name: page[name]}


def repositories():
    made = ecr.create_repository(repositoryName="team/web", imageTagMutability="IMMUTABLE", imageScanningConfiguration={"scanOnPush": True},
                                 encryptionConfiguration={"encryptionType": "AES256"}, tags=[{"Key": "k", "Value": ""}])["repository"]
    want((made["registryId"], made["repositoryArn"]), (ACCOUNT, "arn:aws:ecr:%s:%s:repository/team/web" % (REGION, ACCOUNT)))
    ecr.create_repository(repositoryName="api", registryId=ACCOUNT)
    want(paged(ecr.describe_repositories, "repositories", "repositoryName", maxResults=1), ["api", "team/web"])
    want([r["repositoryName"] for r in ecr.describe_repositories(repositoryNames=["team/web"])["repositories"]], ["team/web"])
    want(ecr.put_image_tag_mutability(repositoryName="team/web", imageTagMutability="MUTABLE")["imageTagMutability"], "MUTABLE")
    arn = made["repositoryArn"]
    ecr.tag_resource(resourceArn=arn, tags=[{"Key": "a", "Value": "b"}])
    ecr.untag_resource(resourceArn=arn, tagKeys=["k", "absent"])
    want(ecr.list_tags_for_resource(resourceArn=arn)["tags"], [{"Key": "a", "Value": "b"}])
    rule = {"rulePriority": 1, "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 9}, "action": {"type": "expire"}}
    text = json.dumps({"rules": [rule]})
    want(ecr.put_lifecycle_policy(repositoryName="api", lifecyclePolicyText=text)["lifecyclePolicyText"], text)
    want(ecr.get_lifecycle_policy(repositoryName="api")["lifecyclePolicyText"], text)
    ecr.delete_lifecycle_policy(repositoryName="api")
    want(ecr.delete_repository(repositoryName="api")["repository"]["repositoryName"], "api")


def images():
    token = ecr.get_authorization_token()["authorizationData"][0]
    manifests = [json.dumps(manifest(token, b"layer %d" % n)) for n in range(3)]
    digests = []
    for n, text in enumerate(manifests):
        image = ecr.put_image(repositoryName="team/web", imageManifest=text, imageTag="v%d" % n)["image"]
        want((image["imageId"]["imageTag"], image["imageManifest"]), ("v%d" % n, text))
        digests.append(image["imageId"]["imageDigest"])
    ecr.put_image(repositoryName="team/web", imageManifest=manifests[0], imageTag="latest")
    want(digests, ["sha256:" + hashlib.sha256(m.encode()).hexdigest() for m in manifests])
    want(sorted(paged(ecr.list_images, "imageIds", "imageTag", repositoryName="team/web", maxResults=2)), ["latest", "v0", "v1", "v2"])
    want(len(paged(ecr.describe_images, "imageDetails", "imageDigest", repositoryName="team/web", maxResults=2)), 3)
    one = ecr.describe_images(repositoryName="team/web", imageIds=[{"imageTag": "v0"}], filter={"tagStatus": "TAGGED"})["imageDetails"][0]
    want((one["imageTags"], one["imageDigest"]), (["latest", "v0"], digests[0]))
    got = ecr.batch_get_image(repositoryName="team/web", imageIds=[{"imageDigest": digests[1]}, {"imageTag": "none"}])
    want(([i["imageManifest"] for i in got["images"]], [f["failureCode"] for f in got["failures"]]), ([manifests[1]], ["ImageNotFound"]))
    gone = ecr.batch_delete_image(repositoryName="team/web", imageIds=[{"imageTag": "v0"}, {"imageDigest": digests[2]}, {"imageTag": "none"}])
    want(([i["imageTag"] for i in gone["imageIds"]], len(gone["failures"])), (["v0", "v2"], 1))
    ecr.delete_repository(repositoryName="team/web", force=True)


def manifest(token, layer):
    config = b"{}"
    return {"schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
            "config": {"mediaType": "application/vnd.docker.container.image.v1+json", "size": len(config), "digest": pushed(token, config)},
            "layers": [{"mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip", "size": len(layer), "digest": pushed(token, layer)}]}


def pushed(token, blob):
    """Uploads a blob as docker does, in two requests."""
    digest = "sha256:" + hashlib.sha256(blob).hexdigest()
    auth = {"Authorization": "Basic " + token["authorizationToken"]}
    begun = fetch("POST", token["proxyEndpoint"] + "/v2/team/web/blobs/uploads/", b"", auth)
    place = urllib.request.urljoin(token["proxyEndpoint"], begun.headers["Location"])
    fetch("PUT", place + ("&" if "?" in place else "?") + "digest=" + digest, blob, {**auth, "Content-Type": "application/octet-stream"})
    return digest


def fetch(method, url, body=None, headers={}):
    try:
        return urllib.request.urlopen(urllib.request.Request(url, method=method, data=body, headers=headers))
    except urllib.error.HTTPError as e:
        return e


def objects():
    s3.create_bucket(Bucket="things", CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.head_bucket(Bucket="things")
    want("things" in [b["Name"] for b in s3.list_buckets()["Buckets"]], True)
    s3.get_bucket_location(Bucket="things")
    s3.get_bucket_versioning(Bucket="things")
    for key in ("a b+c/ü", "x//y", "p%2Fq", "plain"):
        s3.put_object(Bucket="things", Key=key, Body=key.encode(), ContentType="text/plain", Metadata={"who": "me"})
        got = s3.get_object(Bucket="things", Key=key)
        want((got["Body"].read().decode(), got["ContentType"], got["Metadata"]), (key, "text/plain", {"who": "me"}))
    want(s3.get_object(Bucket="things", Key="plain", Range="bytes=1-3")["Body"].read(), b"lai")
    want(s3.head_object(Bucket="things", Key="plain")["ContentLength"], 5)
    s3.copy_object(Bucket="things", Key="copy", CopySource={"Bucket": "things", "Key": "plain"})
    every = ["a b+c/ü", "copy", "p%2Fq", "plain", "x//y"]
    want(keys("things"), every)
    want([o["Key"] for page in s3.get_paginator("list_objects_v2").paginate(Bucket="things", MaxKeys=2) for o in page["Contents"]], every)
    want([o["Key"] for page in s3.get_paginator("list_objects").paginate(Bucket="things", MaxKeys=2) for o in page["Contents"]], every)
    want([p["Prefix"] for p in s3.list_objects_v2(Bucket="things", Delimiter="/")["CommonPrefixes"]], ["a b+c/", "x/"])
    s3.delete_object(Bucket="things", Key="copy")
    gone = s3.delete_objects(Bucket="things", Delete={"Objects": [{"Key": k} for k in every]})["Deleted"]
    want(sorted(d["Key"] for d in gone), every)
    s3.delete_bucket(Bucket="things")


def parts():
    s3.create_bucket(Bucket="large", CreateBucketConfiguration={"LocationConstraint": REGION})
    body = bytes(range(256)) * (17 << 12)  # 17 MiB: three parts of boto3's 8 MiB, sent side by side
    s3.upload_fileobj(io.BytesIO(body), "large", "whole")
    back = io.BytesIO()
    s3.download_fileobj("large", "whole", back)
    want(back.getvalue() == body, True)
    begun = s3.create_multipart_upload(Bucket="large", Key="k")["UploadId"]
    sizes = (5 << 20, 100)
    tags = [s3.upload_part(Bucket="large", Key="k", UploadId=begun, PartNumber=n + 1, Body=body[:size])["ETag"] for n, size in enumerate(sizes)]
    want([p["Size"] for p in s3.list_parts(Bucket="large", Key="k", UploadId=begun)["Parts"]], list(sizes))
    want([u["UploadId"] for u in s3.list_multipart_uploads(Bucket="large")["Uploads"]], [begun])
    done = {"Parts": [{"ETag": t, "PartNumber": n + 1} for n, t in enumerate(tags)]}
    s3.complete_multipart_upload(Bucket="large", Key="k", UploadId=begun, MultipartUpload=done)
    want(s3.head_object(Bucket="large", Key="k")["ContentLength"], sum(sizes))
    begun = s3.create_multipart_upload(Bucket="large", Key="gone")["UploadId"]
    s3.abort_multipart_upload(Bucket="large", Key="gone", UploadId=begun)
    want(keys("large"), ["k", "whole"])


def conditions():
    at = {"Bucket": "large", "Key": "lease"}
    first = s3.put_object(Body=b"1", IfNoneMatch="*", **at)["ETag"]
    second = s3.put_object(Body=b"2", IfMatch=first, **at)["ETag"]
    want(s3.get_object(IfMatch=second, **at)["Body"].read(), b"2")
    want(s3.head_object(IfNoneMatch=first, **at)["ETag"], second)
    past, future = "2020-01-01T00:00:00Z", "2037-01-01T00:00:00Z"
    want(s3.get_object(IfMatch=second, IfUnmodifiedSince=past, IfModifiedSince=past, **at)["Body"].read(), b"2")
    want(s3.head_object(IfNoneMatch=first, IfModifiedSince=future, IfUnmodifiedSince=future, **at)["ETag"], second)
    source = {"CopySource": {"Bucket": "large", "Key": "lease"}, "Bucket": "large", "Key": "copy"}
    third = s3.copy_object(CopySourceIfMatch=second, CopySourceIfUnmodifiedSince=past, CopySourceIfModifiedSince=past, **source)["CopyObjectResult"]["ETag"]
    want(third, second)
    begun = s3.create_multipart_upload(ChecksumAlgorithm="SHA256", **at)["UploadId"]
    part = s3.upload_part(UploadId=begun, PartNumber=1, Body=b"3", ChecksumAlgorithm="SHA256", **at)
    done = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"], "ChecksumSHA256": part["ChecksumSHA256"]}]}
    whole = s3.complete_multipart_upload(UploadId=begun, MultipartUpload=done, IfMatch=second, **at)["ETag"]
    want(whole.strip('"')[-2:], "-1")
    head = s3.head_object(IfMatch=whole, ChecksumMode="ENABLED", **at)
    want((head["ChecksumType"], head["ChecksumSHA256"][-2:]), ("COMPOSITE", "-1"))
    keys = [{"Key": "lease", "ETag": whole}, {"Key": "copy", "ETag": '"x"'}, {"Key": "none", "ETag": "*"}]
    deleted = s3.delete_objects(Bucket="large", Delete={"Objects": keys})
    want([d["Key"] for d in deleted["Deleted"]], ["lease"])
    want([(e["Key"], e["Code"]) for e in deleted["Errors"]], [("copy", "PreconditionFailed"), ("none", "NoSuchKey")])
    s3.delete_object(Bucket="large", Key="copy", IfMatch=third)
    want([k for k in ("lease", "copy") if k in keys_of_large()], [])


def keys_of_large():
    return [o["Key"] for o in s3.list_objects_v2(Bucket="large").get("Contents", [])]


def descriptions():
    at = {"Bucket": "large", "Key": "described"}
    sum256 = base64.b64encode(hashlib.sha256(b"1").digest()).decode()
    s3.put_object(Body=b"1", CacheControl="max-age=1", ContentLanguage="ko", Expires="Thu, 01 Jan 2037 00:00:00 GMT", ContentEncoding="gzip",
                  Metadata={"a": "b"}, ChecksumAlgorithm="SHA256", ExpectedBucketOwner=ACCOUNT, **at)
    head = s3.head_object(ChecksumMode="ENABLED", **at)
    want([head[k] for k in ("CacheControl", "ContentLanguage", "ExpiresString", "ContentEncoding", "Metadata", "ChecksumSHA256", "ChecksumType")],
         ["max-age=1", "ko", "Thu, 01 Jan 2037 00:00:00 GMT", "gzip", {"a": "b"}, sum256, "FULL_OBJECT"])
    s3.put_object(Body=b"2", **at)
    head = s3.head_object(**at)
    want(([k for k in ("CacheControl", "ContentLanguage", "ExpiresString", "ContentEncoding") if k in head], head["Metadata"]), ([], {}))
    s3.delete_object(**at)


def presigned():
    v4 = client("s3", signature="s3v4")  # by itself boto3 presigns with version 2 in this region
    put = v4.generate_presigned_url("put_object", {"Bucket": "large", "Key": "mine"})
    put = fetch("PUT", put, b"hello")
    want((put.status, put.read()), (200, b""))
    for signer in (s3, v4):
        get = signer.generate_presigned_url("get_object", {"Bucket": "large", "Key": "mine"}, ExpiresIn=60)
        want(fetch("GET", get).read(), b"hello")
        want([fetch("GET", u).status for u in (get.replace("/mine", "/k"), get.replace("ignature=", "ignature=x"), get.split("?")[0])], [403] * 3)
