// Package kind has the mistakes that a schema finds.
package kind

import (
	"fmt"
	"math/big"
	"strings"

	"golang.org/x/text/message"
)

// Type is a value of none of the types that are wanted.
type Type struct{ Want []string }

func (k *Type) LocalizedString(p *message.Printer) string {
	return p.Sprintf("want %s", strings.Join(k.Want, " or "))
}

// Minimum is a number that is too small.
type Minimum struct{ Want *big.Rat }

func (k *Minimum) LocalizedString(p *message.Printer) string {
	return p.Sprintf("minimum: want %v", k.Want.RatString())
}

// Maximum is a number that is too large.
type Maximum struct{ Want *big.Rat }

func (k *Maximum) LocalizedString(p *message.Printer) string {
	return p.Sprintf("maximum: want %v", k.Want.RatString())
}

// AdditionalProperties are properties that the schema does not name.
type AdditionalProperties struct{ Properties []string }

func (k *AdditionalProperties) LocalizedString(p *message.Printer) string {
	return p.Sprintf("additional properties %s not allowed", quoted(k.Properties))
}

// FalseSchema is a value where none may be.
type FalseSchema struct{}

func (*FalseSchema) LocalizedString(p *message.Printer) string { return p.Sprintf("false schema") }

// Enum is none of the texts that are allowed.
type Enum struct{ Want []string }

func (k *Enum) LocalizedString(p *message.Printer) string {
	if len(k.Want) == 1 {
		return p.Sprintf("value must be %s", quoted(k.Want))
	}
	return p.Sprintf("value must be one of %s", quoted(k.Want))
}

// Required are properties that are missing.
type Required struct{ Missing []string }

func (k *Required) LocalizedString(p *message.Printer) string {
	if len(k.Missing) == 1 {
		return p.Sprintf("missing property %s", quoted(k.Missing))
	}
	return p.Sprintf("missing properties %s", quoted(k.Missing))
}

// UniqueItems are two items of a list, by index, that are equal.
type UniqueItems struct{ Duplicates [2]int }

func (k *UniqueItems) LocalizedString(p *message.Printer) string {
	return p.Sprintf("items at %d and %d are equal", k.Duplicates[0], k.Duplicates[1])
}

// Pattern is a text that does not match a regular expression.
type Pattern struct{ Got, Want string }

func (k *Pattern) LocalizedString(p *message.Printer) string {
	return p.Sprintf("%s does not match pattern %s", quoted([]string{k.Got}), quoted([]string{k.Want}))
}

// OneOf is a value that two alternatives, by index, allow.
type OneOf struct{ Subschemas []int }

func (k *OneOf) LocalizedString(p *message.Printer) string {
	return p.Sprintf("'oneOf' failed, subschemas %d, %d matched", k.Subschemas[0], k.Subschemas[1])
}

// quoted returns texts in single quotes, with commas between them.
func quoted(texts []string) string {
	var all []string
	for _, text := range texts {
		q := strings.ReplaceAll(fmt.Sprintf("%q", text), `\"`, `"`)
		all = append(all, "'"+strings.ReplaceAll(q[1:len(q)-1], "'", `\'`)+"'")
	}
	return strings.Join(all, ", ")
}
