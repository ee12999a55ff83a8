# Reads the tags of every environment, as cleaners do that keep their dates in tags. Prints how many calls that took.
import os
import boto3

client = boto3.client("elasticbeanstalk", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
calls, due, token = 0, 0, {}
environments = []
while True:
    page = client.describe_environments(ApplicationName="shop", MaxRecords=1000, **token)
    calls += 1
    environments += page["Environments"]
    if not page.get("NextToken"):
        break
    token = {"NextToken": page["NextToken"]}
for environment in environments:
    tags = client.list_tags_for_resource(ResourceArn=environment["EnvironmentArn"])["ResourceTags"]
    calls += 1
    due += any(tag["Key"] == "beansprout:created" for tag in tags)
print(calls)
