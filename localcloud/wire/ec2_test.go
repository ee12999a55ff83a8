package wire

import (
	"context"
	"strings"
	"testing"
)

type lookIn struct {
	IDs     []string `json:"InstanceId"`
	Filters []struct {
		Name   string   `aws:"required"`
		Values []string `json:"Value" aws:"max=2"`
	} `json:"Filter"`
	MaxResults *int `aws:"min=5"`
}

type lookOut struct {
	IDs    []string `json:"idSet"`
	Values []string `json:"valueSet"`
}

func TestEC2(t *testing.T) {
	look := Op(func(_ context.Context, _ Call, in lookIn) (out lookOut, err error) {
		out.IDs = in.IDs
		for _, f := range in.Filters {
			out.Values = append(out.Values, f.Name+"="+strings.Join(f.Values, ","))
		}
		return out, nil
	})
	h := EC2("urn:x", "v", map[string]Operation{"Look": look})
	refusal := func(code, message string) string {
		return `<Response><Errors><Error><Code>` + code + `</Code><Message>` + message + `</Message></Error></Errors><RequestID>id-1</RequestID></Response>`
	}
	answer := func(ids, values string) string {
		return `<LookResponse xmlns="urn:x"><requestId>id-1</requestId><idSet>` + ids + `</idSet><valueSet>` + values + `</valueSet></LookResponse>`
	}
	for name, tt := range map[string]struct{ form, want string }{
		"nothing":              {"", answer("", "")},
		"a list, out of order": {"InstanceId.2=b&InstanceId.1=a&InstanceId.11=c", answer("<item>a</item><item>b</item><item>c</item>", "")},
		"lists in a list": {"Filter.1.Name=tag:k&Filter.1.Value.1=a&Filter.1.Value.2=b&Filter.2.Name=n",
			answer("", "<item>tag:k=a,b</item><item>n=</item>")},
		"lacking":            {"Filter.1.Value.1=a", refusal("MissingParameter", "The request must contain the parameter Filter.1.Name")},
		"too many":           {"Filter.1.Name=n&Filter.1.Value.1=a&Filter.1.Value.2=b&Filter.1.Value.3=c", refusal("InvalidParameterValue", "Value ([a b c]) for parameter Filter.1.Value is invalid. Member must have length less than or equal to 2")},
		"too small":          {"MaxResults=4", refusal("InvalidParameterValue", "Value (4) for parameter MaxResults is invalid. Member must have value greater than or equal to 5")},
		"unknown":            {"Dance=1", refusal("UnknownParameter", "The parameter Dance is not recognized: Member must be one that the local cloud honours")},
		"another's list":     {"InstanceId.member.1=a", refusal("InvalidParameterValue", "instanceId: wrong type")},
		"no list":            {"InstanceId=a", refusal("InvalidParameterValue", "instanceId: wrong type")},
		"a number like none": {"InstanceId.01=a", refusal("InvalidParameterValue", "instanceId: wrong type")},
	} {
		t.Run(name, func(t *testing.T) {
			if got := send(h, queryRequest("Action=Look&Version=v&"+tt.form)).Body.String(); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}
