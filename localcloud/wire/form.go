package wire

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// maxDepth is how many parts a parameter's name may have. AWS's longest has six.
const maxDepth = 16

// tree turns Name.member.1.Key=value into nested maps and lists, and Name.1.Key=value if the lists of
// the protocol are flat. The numbers of a list's entries give only their order and may have gaps.
func tree(form url.Values, flat bool) (map[string]any, error) {
	root := map[string]any{}
	for name, values := range form {
		if err := plant(root, name, formText(values[0])); err != nil {
			return nil, err
		}
	}
	for name, node := range root {
		root[name] = listed(node, flat)
	}
	return root, nil
}

func plant(root map[string]any, name string, value formText) error {
	parts := strings.Split(name, ".")
	if len(parts) > maxDepth {
		return fmt.Errorf("parameter %.100q is nested too deep", name)
	}
	at := root
	for _, p := range parts[:len(parts)-1] {
		next, ok := at[p]
		if !ok {
			next = map[string]any{}
			at[p] = next
		}
		branch, ok := next.(map[string]any)
		if !ok {
			return fmt.Errorf("parameter %.100q is a value and a structure", name)
		}
		at = branch
	}
	last := parts[len(parts)-1]
	if _, taken := at[last]; taken {
		return fmt.Errorf("parameter %.100q is a value and a structure", name)
	}
	at[last] = value
	return nil
}

// listed replaces each {"member": {"1": ...}}, or each {"1": ...} if lists are flat, by a list.
func listed(node any, flat bool) any {
	branch, ok := node.(map[string]any)
	if !ok {
		return node
	}
	members, ok := branch, flat
	if !flat {
		members, ok = branch["member"].(map[string]any)
		ok = ok && len(branch) == 1
	}
	if ok {
		if entries, ok := numbered(members, flat); ok {
			return entries
		}
	}
	for name, child := range branch {
		branch[name] = listed(child, flat)
	}
	return branch
}

func numbered(members map[string]any, flat bool) ([]any, bool) {
	numbers := make([]int, 0, len(members))
	for key := range members {
		n, err := strconv.Atoi(key)
		if err != nil || strconv.Itoa(n) != key {
			return nil, false
		}
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	entries := make([]any, 0, len(numbers))
	for _, n := range numbers {
		entries = append(entries, listed(members[strconv.Itoa(n)], flat))
	}
	return entries, true
}
