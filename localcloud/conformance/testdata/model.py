"""Compares what a cloud answered with botocore's model of the service."""

import datetime
import email.utils
import json
import re
import xml.etree.ElementTree as ElementTree

# Where AWS itself answers something else than its model says (aws-facts, sections 2 and 11).
STATUSES = {"Aborting", "Launching", "LinkingFrom", "LinkingTo", "Ready", "Terminated", "Terminating", "Updating"}
ENUMS = {
    ("ApplicationVersionDescription", "Status"): {"PROCESSED", "UNPROCESSED", "FAILED", "PROCESSING", "BUILDING"},
    ("DescribeEnvironmentHealthResult", "Status"): STATUSES,
    ("EnvironmentDescription", "HealthStatus"): {"No Data", "Unknown", "Pending", "Ok", "Info", "Warning", "Degraded", "Severe", "Suspended"},
}
UNMODELLED = {("ConfigurationSettingsDescription", "Tier")}

# What botocore turns into something else than its model says, and what this cloud leaves different.
LEFT = {
    "ListRolesResponse.Roles[].AssumeRolePolicyDocument",  # botocore decodes the JSON
    "GetRoleResponse.Role.AssumeRolePolicyDocument",
    "CreateRoleResponse.Role.AssumeRolePolicyDocument",
    "GetRolePolicyResponse.PolicyDocument",
    "GetPolicyVersionResponse.PolicyVersion.Document",
    "GetInstanceProfileResponse.InstanceProfile.Roles[].AssumeRolePolicyDocument",
    "ListInstanceProfilesResponse.InstanceProfiles[].Roles[].AssumeRolePolicyDocument",
    "GetBucketLocationOutput.LocationConstraint",  # always empty: buckets are the same in all regions here
    "GetBucketVersioningOutput.Status",  # empty where AWS has none: gofakes3
    "GetBucketVersioningOutput.MFADelete",
}

# Codes that every operation may answer, and that no model lists.
COMMON = {
    "elasticbeanstalk": {"InvalidParameterValue", "InvalidParameterCombination", "MissingRequiredParameter", "ValidationError", "MalformedInput",
                         "InvalidAction", "ConfigurationValidationException", "OperationInProgressFailure", "TooManyTagsException"},
    "ecr": {"InvalidParameterException", "SerializationException", "UnknownOperationException", "AccessDeniedException"},
    "sts": {"InvalidAction"},
    "iam": {"InvalidAction", "ValidationError", "MalformedInput"},
    "service-quotas": {"ValidationException", "SerializationException", "UnknownOperationException"},
    "autoscaling": {"ValidationError", "MalformedInput", "InvalidAction"},
    "elbv2": {"ValidationError", "MalformedInput", "InvalidAction"},
    "ec2": {"MissingParameter", "UnknownParameter", "InvalidParameterValue", "InvalidParameterCombination", "InvalidAction", "InvalidNextToken", "InvalidID",
            "InvalidInstanceID.NotFound", "InvalidInstanceID.Malformed", "InvalidSubnetID.NotFound", "InvalidVpcID.NotFound", "InvalidLaunchTemplateId.NotFound",
            "InvalidLaunchTemplateName.NotFoundException", "InvalidLaunchTemplateName.AlreadyExistsException", "IdempotentParameterMismatch",
            "InvalidUserData.Malformed", "InvalidGroup.NotFound", "TagLimitExceeded"},
}

TYPES = {"string": str, "integer": int, "long": int, "boolean": bool, "double": float, "float": float, "timestamp": datetime.datetime,
         "list": list, "structure": dict, "map": dict}


def faults(operation, http, parsed):
    """What is wrong with an answer; nothing if it is all that the model asks for."""
    service = operation.service_model
    found = list(header_faults(service.service_name, http, parsed))
    if http.status_code >= 300:
        return found + list(error_faults(operation, http, parsed))
    shape = operation.output_shape
    if shape is None:
        if service.metadata["protocol"] == "query" and len(ElementTree.fromstring(http.content)) != 1:
            found.append("a result where the model has none")
        return found
    found += shape_faults(shape, {k: v for k, v in parsed.items() if k in shape.members}, shape.name)
    if not operation.has_streaming_output:
        found += unmodelled(service.metadata["protocol"], shape, http.content)
    return found


def header_faults(service, http, parsed):
    if http.headers.get("Date") is None or email.utils.parsedate_to_datetime(http.headers["Date"]) is None:
        yield "no Date"
    name = "x-amz-request-id" if service == "s3" else "x-amzn-RequestId"
    if not http.headers.get(name):
        yield "no " + name
    elif service not in ("s3", "ecr") and parsed["ResponseMetadata"]["RequestId"] != http.headers[name]:
        yield "two request ids"


def error_faults(operation, http, parsed):
    service, code = operation.service_model.service_name, parsed["Error"].get("Code")
    if http.status_code >= 500 and code != "NotImplemented":
        yield "a fault of the cloud's own: %s" % parsed["Error"]
    modelled = {s.metadata.get("error", {}).get("code", s.name): s.metadata.get("error", {}).get("httpStatusCode", 400) for s in operation.error_shapes}
    if service in COMMON and code not in COMMON[service] and code not in modelled:
        yield "%s is not a code of %s" % (code, operation.name)
    if code in modelled and modelled[code] != http.status_code:
        yield "status %d with %s, whose status is %d" % (http.status_code, code, modelled[code])
    if operation.http.get("method") != "HEAD" and not parsed["Error"].get("Message"):
        yield "%s without a message" % code
    if operation.service_model.metadata["protocol"] == "query" and parsed["Error"].get("Type") != "Sender":
        yield "the blame is %s" % parsed["Error"].get("Type")


def shape_faults(shape, value, path, owner=None):
    if path in LEFT:
        return []
    if not isinstance(value, TYPES.get(shape.type_name, object)):
        return ["%s is a %s, not a %s" % (path, type(value).__name__, shape.type_name)]
    found = []
    if shape.type_name == "structure":
        found += ["%s has no %s" % (path, m) for m in shape.required_members if m not in value]
        for name, v in value.items():
            found += shape_faults(shape.members[name], v, path + "." + name, (shape.name, name))
    elif shape.type_name == "list":
        for v in value:
            found += shape_faults(shape.member, v, path + "[]")
    elif shape.type_name == "string":
        found += text_faults(shape, value, path, owner)
    return found


def text_faults(shape, value, path, owner):
    allowed = ENUMS.get(owner, shape.enum)
    if allowed and value not in allowed:
        yield "%s is %r, which is not in %s" % (path, value, sorted(allowed))
    low, high = shape.metadata.get("min", 0), shape.metadata.get("max", 1 << 30)
    if not low <= len(value) <= high:
        yield "%s has %d characters, not %d to %d" % (path, len(value), low, high)
    if "pattern" in shape.metadata and not re.fullmatch(ascii_pattern(shape), value):
        yield "%s is %r, which is no %s" % (path, value, shape.metadata["pattern"])


def ascii_pattern(shape):
    pattern = shape.metadata["pattern"].replace(r"\uD800\uDC00-\uDBFF\uDFFF", r"\U00010000-\U0010FFFF")  # pairs of Java's characters
    return re.sub(r"\\p\{\w\}", r"\\w\\s", pattern).strip("^$")


def unmodelled(protocol, shape, body):
    """Members that an answer has and the model does not know: a client never sees them."""
    if protocol == "json":
        return unmodelled_json(shape, json.loads(body), shape.name)
    root = ElementTree.fromstring(body) if body else None
    if protocol == "ec2":  # botocore takes it out of the answer
        root.remove(next(e for e in root if local(e) == "requestId"))
    shape = shape.members.get(shape.serialization.get("payload"), shape)
    if protocol == "query":
        root = next((e for e in root if local(e) == shape.serialization.get("resultWrapper")), None)
        if root is None:
            return ["no result in " + shape.name]
    return [] if root is None else unmodelled_xml(shape, root, shape.name)


def unmodelled_json(shape, value, path):
    found = []
    if shape.type_name == "structure":
        for name, v in value.items():
            if name not in shape.members:
                found.append("%s.%s is not in the model" % (path, name))
            else:
                found += unmodelled_json(shape.members[name], v, path + "." + name)
    elif shape.type_name == "list":
        for v in value:
            found += unmodelled_json(shape.member, v, path + "[]")
    return found


def unmodelled_xml(shape, element, path):
    found = []
    if shape.type_name == "structure":
        named = {xml_name(n, m): (n, m) for n, m in shape.members.items()}
        for child in element:
            name, member = named.get(local(child), (local(child), None))
            if member is not None:
                found += unmodelled_xml(member, child, path + "." + name)
            elif (shape.name, name) not in UNMODELLED:
                found.append("%s.%s is not in the model" % (path, name))
    elif shape.type_name == "list" and shape.serialization.get("flattened"):
        found += unmodelled_xml(shape.member, element, path + "[]")
    elif shape.type_name == "list":
        for child in element:
            found += unmodelled_xml(shape.member, child, path + "[]")
    return found


def xml_name(name, shape):
    if shape.type_name == "list" and shape.serialization.get("flattened"):
        return shape.member.serialization.get("name", shape.serialization.get("name", name))
    return shape.serialization.get("name", name)


def local(element):
    return element.tag.rpartition("}")[2]
