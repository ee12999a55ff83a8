package localcloud

import (
	"context"
	"time"

	"beansprout/localcloud/fault"
	"beansprout/localcloud/wire"
)

// Inject adds rules for calls that fail, after the present ones. If one rule is invalid, it adds
// none.
func (c *Cloud) Inject(rules ...fault.Rule) error { return c.faults.Inject(rules...) }

// Clear removes all rules.
func (c *Cloud) Clear() { c.faults.Clear() }

// openControl adds the cloud's own service, with which other processes inject faults and move the
// clock. Its calls are signed like all others:
//
//	curl --aws-sigv4 aws:amz:us-east-1:beansprout -u KEY:SECRET http://127.0.0.1:PORT/ \
//	  -d 'Version=1&Action=InjectFaults&Faults.member.1=s3:PutObject:throttle:count=3'
func (c *Cloud) openControl(context.Context) error {
	const namespace = "urn:beansprout"
	c.services["beansprout"] = speaksQuery(namespace, wire.Query(namespace, "1", map[string]wire.Operation{
		"InjectFaults": wire.Op(c.injectFaults),
		"ClearFaults":  wire.Op(func(context.Context, wire.Call, struct{}) (out struct{}, _ error) { c.Clear(); return }),
		"AdvanceClock": wire.Op(c.advanceClock),
	}))
	return nil
}

type injectFaultsIn struct {
	Faults []string `aws:"required,min=1,max=100"` // as fault.Parse reads them
}

func (c *Cloud) injectFaults(_ context.Context, _ wire.Call, in injectFaultsIn) (out struct{}, _ error) {
	var rules []fault.Rule
	for _, text := range in.Faults {
		r, err := fault.Parse(text)
		if err != nil {
			return out, wire.Errorf("InvalidParameterValue", "%v", err)
		}
		rules = append(rules, r)
	}
	return out, c.Inject(rules...)
}

type advanceClockIn struct {
	Seconds int `aws:"required,min=-1000000000,max=1000000000"`
}

func (c *Cloud) advanceClock(_ context.Context, _ wire.Call, in advanceClockIn) (out struct{}, _ error) {
	c.Advance(time.Duration(in.Seconds) * time.Second)
	return out, nil
}
