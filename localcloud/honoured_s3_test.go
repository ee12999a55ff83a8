package localcloud

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

const described = " CacheControl ContentDisposition ContentEncoding ContentLanguage ContentType Expires Metadata"
const summed = " ChecksumAlgorithm ChecksumCRC32 ChecksumCRC32C ChecksumCRC64NVME ChecksumSHA1 ChecksumSHA256"
const reading = " ChecksumMode IfMatch IfNoneMatch IfModifiedSince IfUnmodifiedSince Range ResponseCacheControl ResponseContentDisposition" +
	" ResponseContentEncoding ResponseContentLanguage ResponseContentType ResponseExpires"

// honouredByS3 lists the members that S3's operations read. RequestPayer is accepted, too, because
// no bucket here makes the requester pay. ExpectedBucketOwner is honoured by its refusal.
var honouredByS3 = map[string]string{
	"AbortMultipartUpload":    "Bucket Key UploadId",
	"CompleteMultipartUpload": "Bucket Key UploadId MultipartUpload IfMatch IfNoneMatch MpuObjectSize",
	"CopyObject": "Bucket Key CopySource CopySourceIfMatch CopySourceIfNoneMatch CopySourceIfModifiedSince CopySourceIfUnmodifiedSince" +
		" IfMatch IfNoneMatch MetadataDirective ChecksumAlgorithm" + described,
	"CreateBucket":          "Bucket CreateBucketConfiguration",
	"CreateMultipartUpload": "Bucket Key ChecksumAlgorithm ChecksumType" + described,
	"DeleteBucket":          "Bucket",
	"DeleteObject":          "Bucket Key IfMatch",
	"DeleteObjects":         "Bucket Delete ChecksumAlgorithm",
	"GetBucketLocation":     "Bucket",
	"GetBucketVersioning":   "Bucket",
	"GetObject":             "Bucket Key" + reading,
	"HeadBucket":            "Bucket",
	"HeadObject":            "Bucket Key" + reading,
	"ListBuckets":           "",
	"ListMultipartUploads":  "Bucket Delimiter EncodingType KeyMarker MaxUploads Prefix UploadIdMarker",
	"ListObjects":           "Bucket Delimiter EncodingType Marker MaxKeys Prefix",
	"ListObjectsV2":         "Bucket ContinuationToken Delimiter EncodingType FetchOwner MaxKeys Prefix StartAfter",
	"ListParts":             "Bucket Key UploadId MaxParts PartNumberMarker",
	"PutObject":             "Bucket Key Body ContentLength ContentMD5 IfMatch IfNoneMatch" + described + summed,
	"UploadPart":            "Bucket Key UploadId PartNumber Body ContentLength ContentMD5" + summed,
}

// sample returns a value for a member of an input, and false if the SDK does not send that type.
func sample(t reflect.Type) (reflect.Value, bool) {
	switch {
	case t == reflect.TypeFor[*time.Time]():
		return reflect.ValueOf(aws.Time(time.Now().Add(-time.Hour))), true
	case t.Kind() == reflect.String:
		return reflect.ValueOf("x").Convert(t), true
	case t.Kind() == reflect.Pointer && t.Elem().Kind() != reflect.Struct:
		v, ok := sample(t.Elem())
		p := reflect.New(t.Elem())
		if ok {
			p.Elem().Set(v)
		}
		return p, ok
	case t.Kind() == reflect.Bool:
		return reflect.ValueOf(true), true
	case t.Kind() == reflect.Int32 || t.Kind() == reflect.Int64:
		return reflect.ValueOf(1).Convert(t), true
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.String:
		list := reflect.MakeSlice(t, 1, 1)
		list.Index(0).SetString("x")
		return list, true
	}
	return reflect.Value{}, false
}

// whole returns a valid input without the member to be tried.
func whole(t reflect.Type) reflect.Value {
	in := reflect.New(t)
	for name, value := range map[string]any{
		"Bucket": aws.String("bkt"), "Key": aws.String("key"), "UploadId": aws.String("1"), "PartNumber": aws.Int32(1),
		"CopySource": aws.String("bkt/other"), "Delete": &s3types.Delete{Objects: []s3types.ObjectIdentifier{{Key: aws.String("key")}}},
	} {
		if f := in.Elem().FieldByName(name); f.IsValid() && f.Type() == reflect.TypeOf(value) && (name != "PartNumber" || t.Name() == "UploadPartInput") {
			f.Set(reflect.ValueOf(value))
		}
	}
	return in
}

// TestEveryMemberIsHonouredOrRefusedByS3 sends each member of the SDK's inputs that is not listed as
// honoured, and wants a refusal.
func TestEveryMemberIsHonouredOrRefusedByS3(t *testing.T) {
	c := start(t, Config{})
	client := awss3.NewFromConfig(sdk(t, c), func(o *awss3.Options) { o.RetryMaxAttempts = 1 })
	if _, err := client.CreateBucket(t.Context(), &awss3.CreateBucketInput{Bucket: aws.String("bkt")}); err != nil {
		t.Fatal(err)
	}
	tried := 0
	for _, operation := range operations(t, c, "s3") {
		method := reflect.ValueOf(client).MethodByName(operation)
		honoured, listed := honouredByS3[operation]
		if !method.IsValid() || !listed {
			t.Errorf("%s: no such method, or not listed", operation)
			continue
		}
		input := method.Type().In(1).Elem()
		for _, f := range reflect.VisibleFields(input) {
			if !f.IsExported() || f.Name == "RequestPayer" || slices.Contains(strings.Fields(honoured), f.Name) {
				continue
			}
			value, ok := sample(f.Type)
			if !ok {
				t.Errorf("%s: no sample for %s, a %s", operation, f.Name, f.Type)
				continue
			}
			in := whole(input)
			in.Elem().FieldByIndex(f.Index).Set(value)
			err, _ := method.Call([]reflect.Value{reflect.ValueOf(t.Context()), in})[1].Interface().(error)
			answer, said := errors.AsType[*smithyhttp.ResponseError](err)
			if tried++; !said || answer.HTTPStatusCode() != 501 && answer.HTTPStatusCode() != 403 {
				t.Errorf("%s with %s: %v; want a refusal with 501", operation, f.Name, err)
			}
		}
	}
	if tried < 100 {
		t.Errorf("%d members were tried", tried)
	}
}
