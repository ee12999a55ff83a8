"""Generates wrong input for every parameter of an operation from botocore's model, and
right input at its limits, which must not be refused for that."""

import json
import re
from contextlib import contextmanager

from botocore.exceptions import ClientError

import cloud

# What stands for a required member that is not the one under test.
SAMPLES = {
    "EnvironmentName": "shop-env", "CNAMEPrefix": "shop-env", "InfoType": "tail", "SourceType": "Zip", "SourceRepository": "S3", "SourceLocation": "a/b",
    "repositoryName": "shop", "imageIds": [{"imageTag": "v1"}], "imageTagMutability": "MUTABLE", "encryptionType": "AES256", "filterType": "WILDCARD",
    "lifecyclePolicyText": "x" * 100, "tags": [], "tagKeys": [],
}
BY_TYPE = {"string": "abcd", "integer": 1, "long": 1, "double": 1.0, "boolean": True, "list": [], "structure": {}, "timestamp": "2026-01-01T00:00:00Z"}

CODES = {"query": ("ValidationError", "MalformedInput"), "json": ("InvalidParameterException", "SerializationException")}
OWN_CODES = {"service-quotas": ("ValidationException", "SerializationException")}

# What AWS takes and this cloud refuses: it has neither KMS nor exclusions from mutability, and load balancers for HTTP and instances only.
UNSERVED = {"ReplaceRootVolume", "IMMUTABLE_WITH_EXCLUSION", "MUTABLE_WITH_EXCLUSION", "KMS", "KMS_DSSE",
            "HTTPS", "TCP", "TLS", "UDP", "TCP_UDP", "GENEVE", "QUIC", "TCP_QUIC", "ip", "lambda", "alb", "network", "gateway", "ipv6", "dualstack",
            "dualstack-without-public-ipv4", "redirect", "authenticate-oidc", "authenticate-cognito", "jwt-validation"}


# What IAM, Service Quotas, Auto Scaling and Elastic Load Balancing take and this cloud refuses.
ACTIONS = {"AuthenticateOidcConfig", "AuthenticateCognitoConfig", "RedirectConfig", "JwtValidationConfig"}
UNREAD_OF_GROUPS = {
    "MixedInstancesPolicy", "AvailabilityZoneIds", "PlacementGroup", "CapacityRebalance", "DeletionProtection", "ServiceLinkedRoleARN", "MaxInstanceLifetime", "Context",
    "DesiredCapacityType", "InstanceMaintenancePolicy", "AvailabilityZoneDistribution", "AvailabilityZoneImpairmentPolicy", "SkipZonalShiftValidation",
    "CapacityReservationSpecification", "InstanceLifecyclePolicy",
}
UNREAD = {
    "CreateListener": ACTIONS | {"Certificates", "AlpnPolicy", "MutualAuthentication"},
    "CreateLoadBalancer": {"SubnetMappings", "CustomerOwnedIpv4Pool", "EnablePrefixForIpv6SourceNat", "IpamPools"},
    "CreateRule": ACTIONS | {"RegexValues", "HttpHeaderConfig", "HttpRequestMethodConfig", "QueryStringConfig", "SourceIpConfig", "Transforms"},
    "CreateTargetGroup": {"TargetControlPort"}, "DescribeTargetHealth": {"Include"}, "DeregisterTargets": {"QuicServerId"}, "RegisterTargets": {"QuicServerId"},
    "CreateRole": {"PermissionsBoundary"}, "GetServiceQuota": {"ContextId"}, "ListServiceQuotas": {"QuotaCode", "QuotaAppliedAtLevel"},
    "CreateAutoScalingGroup": UNREAD_OF_GROUPS | {"LaunchConfigurationName", "InstanceId", "LoadBalancerNames", "LifecycleHookSpecificationList", "TrafficSources"},
    "UpdateAutoScalingGroup": UNREAD_OF_GROUPS | {"LaunchConfigurationName", "VPCZoneIdentifier", "AvailabilityZones"},
    "DescribeScalingActivities": {"Filters"}, "PutScalingPolicy": {"Metrics", "MinAdjustmentStep", "PredictiveScalingConfiguration"},
    "StartInstanceRefresh": {"DesiredConfiguration", "Preferences"},
    "SimulatePrincipalPolicy": {"PolicyInputList", "PermissionsBoundaryPolicyInputList", "ResourcePolicy", "ResourceOwner", "CallerArn", "ResourceHandlingOption"},
}


class Judge:
    """Sends what clients refuse to send."""

    def __init__(self, service):
        self.client = cloud.client(service, validate=False)
        self.codes = OWN_CODES.get(service, CODES[self.client.meta.service_model.metadata["protocol"]])
        self.protocol = self.client.meta.service_model.metadata["protocol"]
        self.twist = None
        self.client.meta.events.register("before-call", lambda params, **_: self.twist and self.twist(params))

    def operation(self, name):
        """One case per parameter of the operation."""
        shape = self.client.meta.service_model.operation_model(name).input_shape
        for path, member in ([((), shape)] + list(members(shape)) if shape else []):
            if UNREAD.get(name, set()) & set(path):
                continue
            if not list(wrong(member)) and member.type_name == "string":
                continue
            with cloud.case("%s %s" % (name, ".".join(path) or "without what is required")):
                self.parameter(name, shape, path, member)

    def parameter(self, name, shape, path, member):
        refusal, malformed = self.codes
        at = next((p for p in reversed(path) if p != "[]"), "")
        at = at[:1].lower() + at[1:]
        for bad in wrong(member):
            self.refuse(name, fill(shape, path, bad), refusal, at)
        for lacking in member.required_members if member.type_name == "structure" else []:
            rest = {k: v for k, v in fill_value(member).items() if k != lacking}
            if path and not rest and self.protocol == "query":
                continue  # a structure without members cannot be sent
            self.refuse(name, fill(shape, path, rest), refusal, lacking[:1].lower() + lacking[1:])
        for good in right(member):
            self.accept(name, fill(shape, path, good), refusal, at)
        for bad in self.mistyped(member) if path else []:
            with self.twisted(path, bad):
                self.refuse(name, fill(shape, path, fill_value(member)), malformed, "")

    def refuse(self, name, params, code, text):
        cloud.refusals.append(code)
        try:
            self.client._make_api_call(name, params)
        except ClientError as e:
            got = e.response["Error"]
            if got["Code"] != code or text.lower() not in got["Message"].lower():
                cloud.noticed.append("%.300s: refused with %.300s; want %s at %s" % (params, got, code, text))
        else:
            cloud.noticed.append("%.300s %s: accepted; want %s at %s" % (params, self.twist and "twisted", code, text))

    def accept(self, name, params, code, at):
        try:
            self.client._make_api_call(name, params)
        except ClientError as e:
            got = e.response["Error"]
            if got["Code"] == code and re.search("'%s' .*Member must" % at, got["Message"]) or e.response["ResponseMetadata"]["HTTPStatusCode"] >= 500:
                cloud.noticed.append("%.300s: refused with %.300s" % (params, got))

    def mistyped(self, member):
        if self.protocol == "json":
            return {"string": [7, {}], "integer": ["x"], "boolean": ["x"], "list": ["x", {}], "structure": ["x", []]}.get(member.type_name, [])
        return {"integer": ["x", "1.5", "99999999999999999999"], "boolean": ["maybe"], "timestamp": ["yesterday"], "list": ["x"], "structure": ["x"]}.get(member.type_name, [])

    @contextmanager
    def twisted(self, path, bad):
        """Replaces a parameter on its way out, where clients would not have it."""
        self.twist = (twist_json if self.protocol == "json" else twist_query)(path, bad)
        try:
            yield
        finally:
            self.twist = None


def members(shape, path=()):
    """All members below a shape, with their paths."""
    if shape.type_name == "structure":
        below = [(path + (name,), m) for name, m in shape.members.items()]
    else:
        below = [(path + ("[]",), shape.member)] if shape.type_name == "list" else []
    for p, m in below:
        yield p, m
        yield from members(m, p)


def fill(shape, path, value):
    """The smallest input in which the value stands at the path."""
    if not path:
        return value
    if path[0] == "[]":
        return [fill(shape.member, path[1:], value)]
    return {**fill_value(shape), path[0]: fill(shape.members[path[0]], path[1:], value)}


def fill_value(shape, name=""):
    if name in SAMPLES:
        return SAMPLES[name]
    if shape.type_name == "structure":
        return {m: fill_value(shape.members[m], m) for m in shape.required_members}
    return BY_TYPE.get(shape.type_name)


def wrong(shape):
    low, high = limits(shape)
    if shape.type_name == "string":
        yield from ["a" * (low - 1)] if low else []
        yield from ["a" * (high + 1)] if high else []
        yield from ["Nonsense"] if shape.enum else []
        if "pattern" in shape.metadata:
            yield from [bad for bad in ("!!!", "   ", "€€€", "\1") if not re.fullmatch(pattern(shape), bad)][:1]
    elif shape.type_name == "integer":
        yield from [low - 1, -1] if "min" in shape.metadata else []
        yield from [high + 1] if high else []
    elif shape.type_name == "list":
        yield from [[]] if low else []
        yield from [[fill_value(shape.member)] * (high + 1)] if high else []


def limits(shape):
    """The least and the most; none that is larger than any request that the cloud reads (imageManifest)."""
    high = shape.metadata.get("max")
    return shape.metadata.get("min", 0), None if high and high >= 4 << 20 else high


def right(shape):
    low, high = limits(shape)
    if shape.type_name == "string" and shape.enum:
        yield from set(shape.enum) - UNSERVED
    elif shape.type_name == "string" and re.fullmatch(pattern(shape), "aaaa"):
        yield from ["a" * low] if low and re.fullmatch(pattern(shape), "a" * low) else []
        yield from ["a" * high, "é" * high if "pattern" not in shape.metadata else "a" * high] if high else []
    elif shape.type_name == "integer":
        yield from [n for n in (low, high) if n]


def pattern(shape):
    written = shape.metadata.get("pattern", ".*").replace(r"\uD800\uDC00-\uDBFF\uDFFF", r"\U00010000-\U0010FFFF")  # pairs of Java's characters
    written = re.sub(r"\\p\{\w\}", r"\\w\\s", written)  # Python knows no \p
    return written.strip("^$").encode().decode("unicode_escape")


def twist_query(path, bad):
    key = ".".join("member.1" if p == "[]" else p for p in path)

    def twist(params):
        body = params["body"]
        for name in [n for n in body if n.startswith(key + ".")]:
            del body[name]
        body[key] = bad
    return twist


def twist_json(path, bad):
    def twist(params):
        body = at = json.loads(params["body"])
        for p in path[:-1]:
            at = at[0 if p == "[]" else p]
        at[0 if path[-1] == "[]" else path[-1]] = bad
        params["body"] = json.dumps(body).encode()
    return twist
