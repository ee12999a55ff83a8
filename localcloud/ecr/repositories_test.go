package ecr

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsecr "github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
)

func TestRepositories(t *testing.T) {
	b := newBench(t)
	c := b.client("eu-west-1")
	made, err := c.CreateRepository(t.Context(), &awsecr.CreateRepositoryInput{
		RepositoryName:             aws.String("team/shop"),
		ImageTagMutability:         types.ImageTagMutabilityImmutable,
		ImageScanningConfiguration: &types.ImageScanningConfiguration{ScanOnPush: true},
		Tags:                       []types.Tag{{Key: aws.String("team"), Value: aws.String("")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	r := made.Repository
	want := "arn:aws:ecr:eu-west-1:" + account + ":repository/team/shop " + account + " team/shop " + b.host + "/team/shop IMMUTABLE true AES256"
	if got := strings.Join([]string{*r.RepositoryArn, *r.RegistryId, *r.RepositoryName, *r.RepositoryUri, string(r.ImageTagMutability),
		fmt.Sprint(r.ImageScanningConfiguration.ScanOnPush), string(r.EncryptionConfiguration.EncryptionType)}, " "); got != want {
		t.Errorf("created %s\nwant %s", got, want)
	}
	if age := time.Since(*r.CreatedAt); age < 0 || age > time.Minute {
		t.Errorf("created %v ago", age)
	}
	out, err := c.DescribeRepositories(t.Context(), &awsecr.DescribeRepositoriesInput{RepositoryNames: []string{"team/shop"}})
	if err != nil || len(out.Repositories) != 1 || *out.Repositories[0].RepositoryUri != *r.RepositoryUri {
		t.Errorf("described %+v, %v", out, err)
	}
	other, err := b.client("us-east-1").DescribeRepositories(t.Context(), &awsecr.DescribeRepositoriesInput{})
	if err != nil || len(other.Repositories) != 0 {
		t.Errorf("another region shows %+v, %v", other, err)
	}
}

func TestRepositoryRefusals(t *testing.T) {
	b := newBench(t)
	c := b.create("shop")
	b.push("shop:a", nil)
	create := func(in awsecr.CreateRepositoryInput) error {
		_, err := c.CreateRepository(t.Context(), &in)
		return err
	}
	_, noSuch := c.DescribeRepositories(t.Context(), &awsecr.DescribeRepositoriesInput{RepositoryNames: []string{"shop", "gone"}})
	_, foreign := c.ListImages(t.Context(), &awsecr.ListImagesInput{RepositoryName: aws.String("shop"), RegistryId: aws.String("999999999999")})
	_, full := c.DeleteRepository(t.Context(), &awsecr.DeleteRepositoryInput{RepositoryName: aws.String("shop")})
	_, gone := c.DeleteRepository(t.Context(), &awsecr.DeleteRepositoryInput{RepositoryName: aws.String("gone"), Force: true})
	_, token := c.DescribeRepositories(t.Context(), &awsecr.DescribeRepositoriesInput{NextToken: aws.String("%")})
	_, mode := c.PutImageTagMutability(t.Context(), &awsecr.PutImageTagMutabilityInput{RepositoryName: aws.String("shop"), ImageTagMutability: "SOMETIMES"})
	labels := make([]types.Tag, 51)
	for i := range labels {
		labels[i] = types.Tag{Key: aws.String(fmt.Sprint(i)), Value: aws.String("")}
	}
	for _, tt := range []struct {
		name       string
		err        error
		code, part string
	}{
		{"again", create(awsecr.CreateRepositoryInput{RepositoryName: aws.String("shop")}), "RepositoryAlreadyExistsException",
			"The repository with name 'shop' already exists in the registry with id '" + account + "'"},
		{"upper case", create(awsecr.CreateRepositoryInput{RepositoryName: aws.String("Shop")}), "InvalidParameterException", "repositoryName"},
		{"one letter", create(awsecr.CreateRepositoryInput{RepositoryName: aws.String("s")}), "InvalidParameterException", "repositoryName"},
		{"with a key", create(awsecr.CreateRepositoryInput{RepositoryName: aws.String("kms"),
			EncryptionConfiguration: &types.EncryptionConfiguration{EncryptionType: types.EncryptionTypeKms}}), "InvalidParameterException", "encryptionType"},
		{"51 tags", create(awsecr.CreateRepositoryInput{RepositoryName: aws.String("tags"), Tags: labels}), "TooManyTagsException", ""},
		{"reserved tag", create(awsecr.CreateRepositoryInput{RepositoryName: aws.String("tags"),
			Tags: []types.Tag{{Key: aws.String("AWS:x"), Value: aws.String("")}}}), "InvalidTagParameterException", ""},
		{"one of two missing", noSuch, "RepositoryNotFoundException",
			"The repository with name 'gone' does not exist in the registry with id '" + account + "'"},
		{"another account", foreign, "AccessDeniedException", "999999999999"},
		{"delete with images", full, "RepositoryNotEmptyException", "cannot be deleted because it still contains images"},
		{"delete what is gone", gone, "RepositoryNotFoundException", "'gone'"},
		{"made-up page", token, "InvalidParameterException", "nextToken"},
		{"unknown mutability", mode, "InvalidParameterException", "imageTagMutability"},
	} {
		t.Run(tt.name, func(t *testing.T) { (&bench{T: t}).wantCode(tt.err, tt.code, tt.part) })
	}
	if _, err := c.DeleteRepository(t.Context(), &awsecr.DeleteRepositoryInput{RepositoryName: aws.String("shop"), Force: true}); err != nil {
		t.Errorf("delete by force: %v", err)
	}
	left, err := c.DescribeRepositories(t.Context(), &awsecr.DescribeRepositoriesInput{})
	if err != nil || len(left.Repositories) != 0 {
		t.Errorf("left %+v, %v", left, err)
	}
}

func TestRepositoriesInPages(t *testing.T) {
	b := newBench(t)
	var want, got []string
	for i := range 7 {
		want = append(want, fmt.Sprintf("shop%d", i))
		b.create(want[i])
	}
	pages := awsecr.NewDescribeRepositoriesPaginator(b.client("us-east-1"), &awsecr.DescribeRepositoriesInput{MaxResults: aws.Int32(3)})
	for pages.HasMorePages() {
		p, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Repositories) > 3 {
			t.Errorf("a page of %d", len(p.Repositories))
		}
		for _, r := range p.Repositories {
			got = append(got, *r.RepositoryName)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestRepositoryTags(t *testing.T) {
	b := newBench(t)
	c := b.create("shop")
	shop := aws.String("arn:aws:ecr:us-east-1:" + account + ":repository/shop")
	_, err := c.TagResource(t.Context(), &awsecr.TagResourceInput{ResourceArn: shop, Tags: []types.Tag{
		{Key: aws.String("b"), Value: aws.String("2")}, {Key: aws.String("a"), Value: aws.String("")}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.UntagResource(t.Context(), &awsecr.UntagResourceInput{ResourceArn: shop, TagKeys: []string{"b", "zz"}}); err != nil {
		t.Fatal(err)
	}
	out, err := c.ListTagsForResource(t.Context(), &awsecr.ListTagsForResourceInput{ResourceArn: shop})
	if err != nil || len(out.Tags) != 1 || *out.Tags[0].Key != "a" || *out.Tags[0].Value != "" {
		t.Errorf("got %+v, %v", out, err)
	}
	for arn, code := range map[string]string{
		"arn:aws:ecr:us-east-1:" + account + ":repository/gone": "RepositoryNotFoundException",
		"arn:aws:ecr:eu-west-1:" + account + ":repository/shop": "InvalidParameterException",
		"shop": "InvalidParameterException",
	} {
		_, err := c.ListTagsForResource(t.Context(), &awsecr.ListTagsForResourceInput{ResourceArn: &arn})
		b.wantCode(err, code, "")
	}
}
