package beanstalk

import "strings"

// Difference is what has to change about an environment's settings.
type Difference struct {
	Set    []Setting
	Remove []Setting // their values don't matter
}

// Empty says whether nothing has to change.
func (d Difference) Empty() bool { return len(d.Set)+len(d.Remove) == 0 }

// Compare returns how the configuration differs from the settings wanted. Settings that
// were written before ("namespace:name") and are wanted no longer are to be removed; those
// that others wrote stay.
func (c Configuration) Compare(want []Setting, before []string) Difference {
	var d Difference
	wanted := map[string]bool{}
	for _, s := range want {
		wanted[s.String()] = true
		if value, ok := c.values[s.String()]; !ok || !same(value, s.Value) {
			d.Set = append(d.Set, s)
		}
	}
	for _, key := range before {
		if _, there := c.values[key]; there && !wanted[key] {
			d.Remove = append(d.Remove, named(key))
		}
	}
	return d
}

// same says whether a setting is as wanted, as far as AWS's ways of writing it go: it puts
// lists in another order and adds to them what it made itself, such as a security group.
func same(have, want string) bool {
	if have == want {
		return true
	}
	if strings.EqualFold(want, "true") || strings.EqualFold(want, "false") {
		return strings.EqualFold(have, want)
	}
	if !strings.ContainsAny(have+want, ",") {
		return false
	}
	members := map[string]bool{}
	for m := range strings.SplitSeq(have, ",") {
		members[strings.TrimSpace(m)] = true
	}
	for m := range strings.SplitSeq(want, ",") {
		if !members[strings.TrimSpace(m)] {
			return false
		}
	}
	return true
}

// named is the setting of a "namespace:name". Names of variables may have colons.
func named(key string) Setting {
	for _, namespace := range []string{nsVariables, nsSecrets} {
		if name, ok := strings.CutPrefix(key, namespace+":"); ok {
			return Setting{Namespace: namespace, Name: name}
		}
	}
	i := strings.LastIndex(key, ":")
	return Setting{Namespace: key[:i], Name: key[i+1:]}
}
