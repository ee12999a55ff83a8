#!/bin/sh
# What a team writes that has docker and the aws command: build and push the image, register
# a version, create or update the environment, wait, print the URL.
#
#   deploy.sh ENVIRONMENT COMMIT
set -eu
environment=$1 commit=$2 application=hello
label=$environment-$commit

uri=$(aws ecr describe-repositories --repository-names $application --query 'repositories[0].repositoryUri' --output text 2>/dev/null ||
	aws ecr create-repository --repository-name $application --query repository.repositoryUri --output text)
aws ecr get-login-password | docker login --username AWS --password-stdin "${uri%%/*}" >/dev/null 2>&1
docker build --quiet --tag "$uri:$label" web >/dev/null
docker push --quiet "$uri:$label" >/dev/null

# The same commit is not registered twice.
known=$(aws elasticbeanstalk describe-application-versions --application-name $application --version-labels "$label" --query 'length(ApplicationVersions)' --output text)
if [ "$known" = 0 ]; then
	bucket=$(aws elasticbeanstalk create-storage-location --query S3Bucket --output text)
	bundle=$(mktemp)
	cat >"$bundle" <<-END
		{"AWSEBDockerrunVersion": 2, "containerDefinitions": [{"name": "web", "image": "$uri:$label", "memory": 64,
		 "portMappings": [{"hostPort": 80, "containerPort": 8080}]}]}
	END
	aws s3 cp --quiet "$bundle" "s3://$bucket/$application/$label.json"
	rm "$bundle"
	aws elasticbeanstalk create-application-version --application-name $application --version-label "$label" \
		--auto-create-application --source-bundle "S3Bucket=$bucket,S3Key=$application/$label.json" >/dev/null
fi

status=$(aws elasticbeanstalk describe-environments --environment-names "$environment" --no-include-deleted --query 'Environments[0].Status' --output text)
if [ "$status" = None ]; then
	aws elasticbeanstalk create-environment --application-name $application --environment-name "$environment" --cname-prefix "$environment" \
		--version-label "$label" --platform-arn "$PLATFORM" --option-settings \
		Namespace=aws:autoscaling:launchconfiguration,OptionName=IamInstanceProfile,Value=aws-elasticbeanstalk-ec2-role \
		Namespace=aws:elasticbeanstalk:environment,OptionName=EnvironmentType,Value=SingleInstance >/dev/null
	aws elasticbeanstalk wait environment-exists --environment-names "$environment"
else
	aws elasticbeanstalk update-environment --environment-name "$environment" --version-label "$label" >/dev/null
	aws elasticbeanstalk wait environment-updated --environment-names "$environment"
fi
aws elasticbeanstalk describe-environments --environment-names "$environment" --no-include-deleted \
	--query "Environments[?VersionLabel=='$label'].CNAME | [0]" --output text
