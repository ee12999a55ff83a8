package ecr

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsecr "github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

func TestImagesAreShown(t *testing.T) {
	b := newBench(t)
	c := b.create("shop")
	first := b.image()
	a, pushed := b.push("shop:one", first), b.clock()
	b.passes(time.Hour)
	b.push("shop:two", first)
	old := b.push("shop:moved", nil)
	newer := b.push("shop:moved", nil)

	out, err := c.DescribeImages(t.Context(), &awsecr.DescribeImagesInput{RepositoryName: aws.String("shop"), ImageIds: []types.ImageIdentifier{{ImageTag: aws.String("two")}}})
	if err != nil || len(out.ImageDetails) != 1 {
		t.Fatalf("got %+v, %v", out, err)
	}
	d := out.ImageDetails[0]
	if *d.ImageDigest != a || !slices.Equal(d.ImageTags, []string{"one", "two"}) || *d.ImageSizeInBytes < 2000 || !strings.Contains(*d.ImageManifestMediaType, "manifest") || *d.RegistryId != account {
		t.Errorf("described %+v", d)
	}
	if got := d.ImagePushedAt.Sub(pushed).Abs(); got > time.Second {
		t.Errorf("a second push moved the push date by %v", got)
	}
	list := func(status types.TagStatus) (ids []string) {
		out, err := c.ListImages(t.Context(), &awsecr.ListImagesInput{RepositoryName: aws.String("shop"), Filter: &types.ListImagesFilter{TagStatus: status}})
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range out.ImageIds {
			ids = append(ids, aws.ToString(id.ImageTag)+"@"+*id.ImageDigest)
		}
		slices.Sort(ids)
		return ids
	}
	tagged := []string{"moved@" + newer, "one@" + a, "two@" + a}
	if got := list(types.TagStatusTagged); !slices.Equal(got, tagged) {
		t.Errorf("tagged: %v, want %v", got, tagged)
	}
	if got := list(types.TagStatusUntagged); !slices.Equal(got, []string{"@" + old}) {
		t.Errorf("untagged: %v, want %s", got, old)
	}
	if got := list(""); len(got) != 4 {
		t.Errorf("all: %v", got)
	}
	pages, n := awsecr.NewListImagesPaginator(c, &awsecr.ListImagesInput{RepositoryName: aws.String("shop"), MaxResults: aws.Int32(1)}), 0
	for ; pages.HasMorePages(); n++ {
		if _, err := pages.NextPage(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n != 4 {
		t.Errorf("%d pages of one, want 4", n)
	}
	_, err = c.DescribeImages(t.Context(), &awsecr.DescribeImagesInput{RepositoryName: aws.String("shop"), ImageIds: []types.ImageIdentifier{{ImageTag: aws.String("gone")}}})
	b.wantCode(err, "ImageNotFoundException", "The image with imageId {imageDigest:'null', imageTag:'gone'} does not exist within the repository with name 'shop' in the registry with id '"+account+"'")
}

func TestAListHasTheSizeOfItsLargestImage(t *testing.T) {
	b := newBench(t)
	c := b.create("shop")
	b.index("shop:list")
	out, err := c.DescribeImages(t.Context(), &awsecr.DescribeImagesInput{RepositoryName: aws.String("shop")})
	if err != nil {
		t.Fatal(err)
	}
	var list, largest int64
	for _, d := range out.ImageDetails {
		if d.ImageTags != nil {
			list = *d.ImageSizeInBytes
		} else {
			largest = max(largest, *d.ImageSizeInBytes)
		}
	}
	if list != largest || list == 0 {
		t.Errorf("list has %d bytes, its largest image %d", list, largest)
	}
}

func TestBatchGetImage(t *testing.T) {
	b := newBench(t)
	c := b.create("shop")
	img := b.image()
	digest := b.push("shop:a", img)
	other := b.push("shop:b", nil)
	raw, err := img.RawManifest()
	if err != nil {
		t.Fatal(err)
	}
	wrong := "sha256:" + strings.Repeat("0", 64)
	out, err := c.BatchGetImage(t.Context(), &awsecr.BatchGetImageInput{RepositoryName: aws.String("shop"), ImageIds: []types.ImageIdentifier{
		{ImageTag: aws.String("a")}, {ImageDigest: &digest}, {ImageDigest: &digest, ImageTag: aws.String("a")},
		{ImageTag: aws.String("gone")}, {}, {ImageDigest: aws.String("../../etc/passwd")}, {ImageDigest: &wrong}, {ImageDigest: &other, ImageTag: aws.String("a")},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Images) != 3 {
		t.Errorf("%d images, want 3", len(out.Images))
	}
	for _, i := range out.Images {
		if *i.ImageManifest != string(raw) || *i.ImageId.ImageDigest != digest {
			t.Errorf("got %+v", i)
		}
	}
	var codes []string
	for _, f := range out.Failures {
		codes = append(codes, string(f.FailureCode))
	}
	if want := []string{"ImageNotFound", "MissingDigestAndTag", "InvalidImageDigest", "ImageNotFound", "ImageTagDoesNotMatchDigest"}; !slices.Equal(codes, want) {
		t.Errorf("failures %v, want %v", codes, want)
	}
}

func TestBatchDeleteImage(t *testing.T) {
	b := newBench(t)
	c := b.create("shop")
	img := b.image()
	two := b.push("shop:a", img)
	b.push("shop:b", img)
	one := b.push("shop:c", nil)
	pushed := b.index("shop:list")
	child := pushed.children[0]
	deletes := func(ids ...types.ImageIdentifier) (gone []string) {
		t.Helper()
		out, err := c.BatchDeleteImage(t.Context(), &awsecr.BatchDeleteImageInput{RepositoryName: aws.String("shop"), ImageIds: ids})
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range out.ImageIds {
			gone = append(gone, aws.ToString(id.ImageTag)+"@"+*id.ImageDigest)
		}
		for _, f := range out.Failures {
			gone = append(gone, string(f.FailureCode))
		}
		return gone
	}
	tag := func(s string) types.ImageIdentifier { return types.ImageIdentifier{ImageTag: &s} }
	digest := func(s string) types.ImageIdentifier { return types.ImageIdentifier{ImageDigest: &s} }
	for _, tt := range []struct {
		name string
		ids  []types.ImageIdentifier
		want []string
		kept string // digest of an image that must exist, or after "!" must not
	}{
		{"a tag of two", []types.ImageIdentifier{tag("a")}, []string{"a@" + two}, two},
		{"the last tag takes the image, a failure hinders nothing", []types.ImageIdentifier{tag("a"), tag("b")}, []string{"b@" + two, "ImageNotFound"}, "!" + two},
		{"a digest takes its tags", []types.ImageIdentifier{digest(one)}, []string{"c@" + one}, "!" + one},
		{"an image of a list stays", []types.ImageIdentifier{digest(child)}, []string{"ImageReferencedByManifestList"}, child},
		{"list first, then image", []types.ImageIdentifier{tag("list"), digest(child)}, []string{"list@" + pushed.digest, "@" + child}, "!" + child},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := deletes(tt.ids...); !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
			ref, gone := strings.CutPrefix(tt.kept, "!")
			if _, err := remote.Head(b.ref("shop@"+ref), b.login("us-east-1")); (err != nil) != gone {
				t.Errorf("pull of %s: %v", tt.kept, err)
			}
		})
	}
}

func TestPutImage(t *testing.T) {
	b := newBench(t)
	c := b.create("shop")
	img := b.image()
	digest := b.push("shop:a", img)
	raw, err := img.RawManifest()
	if err != nil {
		t.Fatal(err)
	}
	strange, err := b.image().RawManifest()
	if err != nil {
		t.Fatal(err)
	}
	put := func(manifest []byte, tag string) error {
		_, err := c.PutImage(t.Context(), &awsecr.PutImageInput{RepositoryName: aws.String("shop"), ImageManifest: aws.String(string(manifest)), ImageTag: &tag})
		return err
	}
	if err := put(raw, "live-shop-web-0123"); err != nil {
		t.Fatal(err)
	}
	if err := b.pulls("shop:live-shop-web-0123", b.login("us-east-1")); err != nil {
		t.Error(err)
	}
	b.wantCode(put(raw, "a"), "ImageAlreadyExistsException", "Image with digest '"+digest+"' and tag 'a' already exists in the repository with name 'shop'")
	b.wantCode(put(strange, "b"), "LayersNotFoundException", "required for pushing image into repository with name 'shop'")
	b.wantCode(put([]byte("{"), "b"), "InvalidParameterException", "imageManifest")
	b.wantCode(put(raw, "a b"), "InvalidParameterException", "imageTag")
	_, err = c.PutImage(t.Context(), &awsecr.PutImageInput{RepositoryName: aws.String("shop"), ImageManifest: aws.String(string(raw)),
		ImageDigest: aws.String("sha256:" + strings.Repeat("0", 64))})
	b.wantCode(err, "ImageDigestDoesNotMatchException", digest)
	_, err = c.PutImageTagMutability(t.Context(), &awsecr.PutImageTagMutabilityInput{RepositoryName: aws.String("shop"), ImageTagMutability: types.ImageTagMutabilityImmutable})
	if err != nil {
		t.Fatal(err)
	}
	b.push("shop:c", nil)
	b.wantCode(put(raw, "c"), "ImageTagAlreadyExistsException", "The image tag 'c' already exists in the 'shop' repository and cannot be overwritten because the tag is immutable.")
	if err := put(raw, "d"); err != nil {
		t.Errorf("a new tag in an immutable repository: %v", err)
	}
}

func TestLifecyclePolicyIsStoredAndApplied(t *testing.T) {
	b := newBench(t)
	c := b.create("shop")
	text := lifecyclePolicy(countRule(1, patterns("live-*"), 99999), ageRule(2, patterns("b-*"), 1))
	if _, err := c.PutLifecyclePolicy(t.Context(), &awsecr.PutLifecyclePolicyInput{RepositoryName: aws.String("shop"), LifecyclePolicyText: &text}); err != nil {
		t.Fatal(err)
	}
	got, err := c.GetLifecyclePolicy(t.Context(), &awsecr.GetLifecyclePolicyInput{RepositoryName: aws.String("shop")})
	if err != nil || *got.LifecyclePolicyText != text {
		t.Errorf("got %+v, %v", got, err)
	}
	live := b.image()
	b.push("shop:b-1", live)
	b.push("shop:live-x", live)
	b.push("shop:b-2", nil)
	b.passes(25 * time.Hour)
	b.push("shop:b-3", nil)
	out, err := c.DescribeImages(t.Context(), &awsecr.DescribeImagesInput{RepositoryName: aws.String("shop")})
	if err != nil {
		t.Fatal(err)
	}
	var tags []string
	for _, d := range out.ImageDetails {
		tags = append(tags, d.ImageTags...)
	}
	if slices.Sort(tags); !slices.Equal(tags, []string{"b-1", "b-3", "live-x"}) {
		t.Errorf("left %v", tags)
	}
	b.passes(25 * time.Hour)
	if err := b.pulls("shop:live-x", b.login("us-east-1")); err != nil {
		t.Errorf("what carries a live tag: %v", err)
	}
	b.wantRefusal(b.pulls("shop:b-3", b.login("us-east-1")), 404, "MANIFEST_UNKNOWN", "Requested image not found")
	deleted, err := c.DeleteLifecyclePolicy(t.Context(), &awsecr.DeleteLifecyclePolicyInput{RepositoryName: aws.String("shop")})
	if err != nil || *deleted.LifecyclePolicyText != text || deleted.LastEvaluatedAt == nil {
		t.Errorf("deleted %+v, %v", deleted, err)
	}
	_, err = c.GetLifecyclePolicy(t.Context(), &awsecr.GetLifecyclePolicyInput{RepositoryName: aws.String("shop")})
	b.wantCode(err, "LifecyclePolicyNotFoundException", "Lifecycle policy does not exist for the repository with name 'shop' in the registry with id '"+account+"'")
}

func TestLifecyclePolicyRefusals(t *testing.T) {
	b := newBench(t)
	c := b.create("shop")
	put := func(repository, text string) error {
		_, err := c.PutLifecyclePolicy(t.Context(), &awsecr.PutLifecyclePolicyInput{RepositoryName: &repository, LifecyclePolicyText: &text})
		return err
	}
	b.wantCode(put("shop", `{"rules":[]}`), "InvalidParameterException", "lifecyclePolicyText")
	b.wantCode(put("shop", lifecyclePolicy(ageRule(1, anyImage, 1))+strings.Repeat(" ", 30720)), "InvalidParameterException", "lifecyclePolicyText")
	b.wantCode(put("shop", lifecyclePolicy(ageRule(1, anyImage, 0))), "InvalidParameterException",
		"Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: 'Lifecycle policy validation failure: /rules/0/selection/countNumber")
	b.wantCode(put("gone", lifecyclePolicy(ageRule(1, anyImage, 1))), "RepositoryNotFoundException", "'gone'")
}
