//go:build tools

package main

// The generator runs at the version that go.mod pins for the library it generates for.
import _ "github.com/99designs/gqlgen"
