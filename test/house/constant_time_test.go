package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// secretName is how secrets, and what they are proved by, are called in auth. A length, or whether there is one, is no secret.
var secretName = regexp.MustCompile(`(?i)(storedkey|serverkey|clientkey|proof|hmac|password|passwd|secret|salted|derived|signature)$`)

// fastCompare are the functions that end at the first difference.
var fastCompare = map[string]bool{
	"bytes.Equal": true, "bytes.Compare": true, "bytes.HasPrefix": true, "strings.EqualFold": true, "strings.Compare": true, "slices.Equal": true, "reflect.DeepEqual": true,
}

// TestSecretsAreComparedInConstantTime is CVE-2021-38153: how long a comparison takes must not tell how much of a guess was right.
func TestSecretsAreComparedInConstantTime(t *testing.T) {
	files := 0
	err := filepath.WalkDir("../../auth", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		files++
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, at := range hastyComparisons(file) {
			t.Errorf("%s: a secret is compared in a time that tells of it: use crypto/subtle or hmac.Equal", set.Position(at))
		}
		return nil
	})
	if err != nil || files == 0 {
		t.Errorf("%d files, %v", files, err)
	}
}

// TestHastyComparisonsAreFound holds the search to what it is for.
func TestHastyComparisonsAreFound(t *testing.T) {
	for text, want := range map[string]int{
		`bytes.Equal(c.StoredKey, derived)`:                   1,
		`string(proof) == string(wanted)`:                     1,
		`password != given`:                                   1,
		`subtle.ConstantTimeCompare(proof, c.StoredKey) == 1`: 0,
		`hmac.Equal(secret, r.HMAC(id))`:                      0,
		`len(c.StoredKey) != size`:                            0,
		`password == ""`:                                      0,
		`hmac == nil`:                                         0,
		`bytes.Equal(now.Salt, then.Salt)`:                    0,
	} {
		expression, err := parser.ParseExpr(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := len(hastyComparisons(expression)); got != want {
			t.Errorf("%s: %d found, want %d", text, got, want)
		}
	}
}

func hastyComparisons(in ast.Node) (found []token.Pos) {
	ast.Inspect(in, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BinaryExpr:
			compares := n.Op == token.EQL || n.Op == token.NEQ
			if compares && !isEmpty(n.X) && !isEmpty(n.Y) && (isSecret(n.X) || isSecret(n.Y)) {
				found = append(found, n.Pos())
			}
		case *ast.CallExpr:
			if fastCompare[nameOf(n.Fun)] && (isSecret(n.Args[0]) || isSecret(n.Args[1])) {
				found = append(found, n.Pos())
			}
		}
		return true
	})
	return found
}

// isEmpty reports whether an expression is "" or nil.
func isEmpty(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name == "nil"
	case *ast.BasicLit:
		return e.Value == `""`
	}
	return false
}

// isSecret reports whether an expression is a secret by its name, sliced or converted or not.
func isSecret(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.Ident:
		return secretName.MatchString(e.Name)
	case *ast.SelectorExpr:
		return secretName.MatchString(e.Sel.Name)
	case *ast.SliceExpr:
		return isSecret(e.X)
	case *ast.CallExpr:
		if name := nameOf(e.Fun); name == "string" && len(e.Args) == 1 {
			return isSecret(e.Args[0])
		}
		return secretName.MatchString(nameOf(e.Fun)) && !strings.HasPrefix(nameOf(e.Fun), "hmac.")
	}
	return false
}

// nameOf is the name of a function that is called: f, or p.f.
func nameOf(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		if x, is := e.X.(*ast.Ident); is {
			return x.Name + "." + e.Sel.Name
		}
		return e.Sel.Name
	}
	return ""
}
