package beanstalk

import (
	"slices"
	"strings"
)

// Difference is a change to an environment's settings.
type Difference struct {
	Set    []Setting
	Remove []Setting // without regard to their values

	removedBlanks []string // names of those in Remove whose empty value AWS rejected
}

// Empty reports whether nothing has to change.
func (d Difference) Empty() bool { return len(d.Set)+len(d.Remove) == 0 }

// Names returns the names of the settings, "namespace:name".
func (d Difference) Names() []string { return append(Names(d.Set), Names(d.Remove)...) }

// Remaining returns the part of a change that the configuration doesn't have yet.
func (c Configuration) Remaining(d Difference) Difference { return c.Compare(d.Set, Names(d.Remove)) }

// Compare returns how the configuration differs from the settings wanted. owned are the names
// ("namespace:name") of settings that Beansprout gave it: those no longer wanted are to be
// removed, unless they hold data. Other settings stay.
func (c Configuration) Compare(want []Setting, owned []string) Difference {
	var d Difference
	for _, s := range want {
		value, there := c.values[s.String()]
		switch {
		case s.Value == "":
			d = d.addBlank(s, value, there || slices.Contains(owned, s.String()))
		case !there || !equalValue(value, s.Value):
			d.Set = append(d.Set, s)
		}
	}
	for _, key := range c.Extra(want, owned) {
		if s := settingOf(key); !s.holdsData() {
			d.Remove = append(d.Remove, s)
		}
	}
	return d
}

// Extra returns the keys ("namespace:name") that the configuration has and that are not
// wanted.
func (c Configuration) Extra(want []Setting, keys []string) []string {
	return slices.DeleteFunc(slices.Clone(keys), func(key string) bool {
		_, there := c.values[key]
		return !there || slices.ContainsFunc(want, func(s Setting) bool { return s.String() == key })
	})
}

// holdsData reports whether removing the setting may delete data: those of a database.
func (s Setting) holdsData() bool {
	return s.Namespace == "aws:rds" || strings.HasPrefix(s.Namespace, "aws:rds:")
}

// equalValue reports whether a value is equal to the wanted one, in AWS's spelling: AWS orders lists in
// its own way and adds what it created itself, such as a security group.
func equalValue(have, want string) bool {
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

// settingOf returns the setting of a "namespace:name". Names of variables may contain colons.
func settingOf(key string) Setting {
	for _, namespace := range []string{nsVariables, nsSecrets} {
		if name, ok := strings.CutPrefix(key, namespace+":"); ok {
			return Setting{Namespace: namespace, Name: name}
		}
	}
	i := strings.LastIndex(key, ":")
	return Setting{Namespace: key[:i], Name: key[i+1:]}
}

// addBlank adds what makes a setting empty that has this value. known reports whether it exists or
// was set by Beansprout: AWS may not keep an empty variable.
func (d Difference) addBlank(s Setting, value string, known bool) Difference {
	switch {
	case value == "" && (s.Namespace != nsVariables || known):
	case s.Namespace == nsSecrets:
		d.Remove = append(d.Remove, s)
	default:
		d.Set = append(d.Set, s)
	}
	return d
}

// launchDifference returns what a launch changes about its base. An empty secret is removed from
// the base instead of being set, because AWS accepts only ARNs.
func (c Configuration) launchDifference(settings []Setting) Difference {
	var d Difference
	for _, s := range settings {
		switch {
		case s.Namespace != nsSecrets || s.Value != "":
			d.Set = append(d.Set, s)
		case c.values[s.String()] != "":
			d.Remove = append(d.Remove, s)
		}
	}
	return d
}

// withoutRejectedBlank returns the difference with the empty value that AWS rejected removed
// instead of set, or false when the refusal has another reason. It never removes what holds data.
func (d Difference) withoutRejectedBlank(refusal error) (Difference, bool) {
	rejected, ok := Rejected(refusal)
	i := slices.IndexFunc(d.Set, func(s Setting) bool {
		return s.Value == "" && s.String() == rejected.String() && !s.holdsData()
	})
	if !ok || i < 0 {
		return d, false
	}
	return Difference{
		Set: slices.Delete(slices.Clone(d.Set), i, i+1), Remove: append(slices.Clip(d.Remove), d.Set[i]),
		removedBlanks: append(slices.Clip(d.removedBlanks), d.Set[i].String()),
	}, true
}

// retryBlanks repeats a call until AWS rejects no more empty values.
func retryBlanks(d Difference, call func(Difference) (Operation, error)) (Operation, error) {
	for {
		op, err := call(d)
		next, again := d.withoutRejectedBlank(err)
		if !again {
			op.removedBlanks = d.removedBlanks
			return op, err
		}
		d = next
	}
}
